//! Is this node well, and what is said to those who ask?

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use model::{Family, NodeName, ServiceName, ServiceTable};
use serde::Serialize;
use serde_json::json;

use crate::published::Published;
use host::rfc3339;
use serve::Answer;

const ENDPOINT_WEIGHT: HeaderName = HeaderName::from_static("x-load-balancing-endpoint-weight");

/// What health is made of, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Health {
    /// When the kernel last acknowledged a transaction; never before the first.
    pub(crate) applied: Option<SystemTime>,
    /// A change has been waiting for the kernel for too long.
    pub(crate) is_late: bool,
    /// Load balancers may send to this node.
    pub(crate) is_node_eligible: bool,
}

impl Health {
    /// A change is late after twice the time in which a refused one is tried again.
    pub(crate) fn of(
        published: &Published,
        node: &NodeName,
        sync_period: Duration,
        now: SystemTime,
    ) -> Self {
        let status = &published.status;
        let waited = |since: SystemTime| now.duration_since(since).unwrap_or(Duration::ZERO);
        Self {
            applied: status.applied.map(|applied| applied.at),
            is_late: status.pending.since.is_some_and(|since| waited(since) >= sync_period * 2),
            is_node_eligible: is_eligible(&published.table, node),
        }
    }

    /// Whether the dataplane does what the objects say. Before the first acknowledgement nobody
    /// knows, so it does not.
    pub(crate) const fn is_dataplane_well(self) -> bool {
        self.applied.is_some() && !self.is_late
    }
}

/// A node is not eligible when it is leaving, or when others are known and it is not. Where there
/// is no Node at all, nobody can say so.
fn is_eligible(table: &ServiceTable, node: &NodeName) -> bool {
    match table.nodes.get(node) {
        Some(node) => !node.leaving,
        None => table.nodes.is_empty(),
    }
}

/// `/healthz`: may load balancers send traffic to this node?
pub(crate) fn healthz(health: Health, now: SystemTime) -> Answer {
    let is_healthy = health.is_dataplane_well() && health.is_node_eligible;
    answer(health, Some(health.is_node_eligible), is_healthy, now)
}

/// `/livez`: does the agent work? A node that is leaving is still alive.
pub(crate) fn livez(health: Health, now: SystemTime) -> Answer {
    answer(health, None, health.is_dataplane_well(), now)
}

/// What both say, in this order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    last_updated: Option<String>,
    current_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_eligible: Option<bool>,
    healthy: bool,
    /// One transaction programs both families, so they share their state.
    status: BTreeMap<&'static str, FamilySaid>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct FamilySaid {
    last_updated: Option<String>,
    healthy: bool,
}

fn answer(health: Health, eligible: Option<bool>, is_healthy: bool, now: SystemTime) -> Answer {
    let family = FamilySaid {
        last_updated: health.applied.map(rfc3339::format),
        healthy: health.is_dataplane_well(),
    };
    // What is well is up to date now, even when nothing had to change for long.
    let last_updated = if is_healthy { Some(now) } else { health.applied };
    let said = Said {
        last_updated: last_updated.map(rfc3339::format),
        current_time: rfc3339::format(now),
        node_eligible: eligible,
        healthy: is_healthy,
        status: Family::ALL.into_iter().map(|of| (of.as_str(), family.clone())).collect(),
    };
    Answer { status: status_code(is_healthy), ..Answer::value(&said) }
}

/// What a health check node port answers, whatever is asked. Load balancers read the status; the
/// header weighs nodes against each other.
pub(crate) fn service_health(
    service: &ServiceName,
    local_endpoints: usize,
    is_dataplane_well: bool,
) -> Answer {
    let is_healthy = local_endpoints > 0 && is_dataplane_well;
    let (namespace, name) = (json!(*service.namespace), json!(*service.name));
    let body = format!(
        "{{\n\t\"service\": {{\n\t\t\"namespace\": {namespace},\n\t\t\"name\": {name}\n\t}},\n\
         \t\"localEndpoints\": {local_endpoints},\n\
         \t\"serviceProxyHealthy\": {is_dataplane_well}\n}}"
    );
    Answer {
        header: Some((ENDPOINT_WEIGHT, HeaderValue::from(local_endpoints))),
        ..Answer::json(status_code(is_healthy), body)
    }
}

const fn status_code(is_healthy: bool) -> StatusCode {
    if is_healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
