//! How is the state of the agent shown?

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use watch::ApiServerStatus;

use super::api_server::ApiServerView;
use crate::cluster_dns::DnsView;
use crate::site::View;
use host::rfc3339;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusView {
    pub node_name: String,
    pub synced: bool,
    pub generation: u64,
    /// Absent until the kernel acknowledged a transaction.
    pub applied: Option<AppliedView>,
    pub pending_since: Option<String>,
    pub failing: Vec<FailingView>,
    pub drift_repaired: u64,
    pub drift_last: Option<String>,
    pub rejections: Vec<RejectionView>,
    /// Absent where no DNS is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<DnsStatusView>,
    /// Absent where the objects come from elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_server: Option<ApiServerView>,
}

/// How the cluster DNS is served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DnsStatusView {
    /// The cluster has been read: its names may be denied.
    pub ready: bool,
    pub addresses: Vec<SocketAddr>,
    /// Those of them at which this node's clients are answered past the dataplane.
    pub local: Vec<SocketAddr>,
    /// Why they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What of the configuration is not understood.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
}

impl DnsStatusView {
    fn of(dns: &DnsView) -> Self {
        let state = dns.state();
        Self {
            ready: state.is_ready,
            addresses: dns.running.addresses(),
            local: state.local.clone(),
            problem: state.problem.clone(),
            notices: state.notices.iter().map(ToString::to_string).collect(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppliedView {
    pub generation: u64,
    pub at: String,
    pub took_seconds: f64,
    pub operations: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailingView {
    pub service: String,
    pub error: String,
    pub since: String,
    pub attempts: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectionView {
    pub object: String,
    pub field: String,
    pub reason: String,
}

impl StatusView {
    pub(super) fn of(view: &View) -> Self {
        let published = view.published();
        let status = &published.status;
        let api_server = view.api_server.as_ref().map(ApiServerStatus::state);
        Self {
            dns: view.dns.as_ref().map(DnsStatusView::of),
            api_server: api_server.as_ref().map(ApiServerView::of),
            node_name: published.node.node.name.to_string(),
            synced: status.synced,
            generation: status.generation,
            applied: status.applied.map(|applied| AppliedView {
                generation: applied.generation,
                at: rfc3339::format(applied.at),
                took_seconds: applied.took.as_secs_f64(),
                operations: applied.operations,
            }),
            pending_since: status.pending.since.map(rfc3339::format),
            failing: status
                .failing
                .iter()
                .map(|failing| FailingView {
                    service: failing.service.to_string(),
                    error: failing.error.clone(),
                    since: rfc3339::format(failing.since),
                    attempts: failing.attempts,
                })
                .collect(),
            drift_repaired: status.drift.repaired,
            drift_last: status.drift.last.map(rfc3339::format),
            rejections: published
                .rejections()
                .into_iter()
                .map(|rejection| RejectionView {
                    object: rejection.object.to_string(),
                    field: rejection.field,
                    reason: rejection.reason,
                })
                .collect(),
        }
    }
}
