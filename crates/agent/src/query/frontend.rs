//! How is a frontend shown?

use model::{MasqueradeRule, NodeFrontend, NodePort, NodeService, Route};
use serde::{Deserialize, Serialize};

use super::Wanted;
use super::metadata::Metadata;
use crate::published::Published;

/// An address that this node serves, and what becomes of its packets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Frontend {
    pub api_version: String,
    pub kind: String,
    /// The Service's.
    pub metadata: Metadata,
    pub address: String,
    pub port: u16,
    pub protocol: String,
    /// `ClusterIP`, `LoadBalancer`, `ExternalIP` or `NodePort`.
    #[serde(rename = "type")]
    pub frontend_type: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub port_name: String,
    /// For packets of this node's pods and of the node itself.
    pub inside: Outcome,
    /// For all others.
    pub outside: Outcome,
    /// Whose source address becomes the node's: `Never`, `Always`, `NotLocalPod` or `OwnOnly`.
    pub masquerade: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affinity_seconds: Option<u32>,
    /// The only sources that may use it; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_sources: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// To one of so many endpoints.
    Forward {
        pool: String,
        endpoints: usize,
    },
    Drop {
        reason: String,
    },
    Reject {
        reason: String,
    },
}

pub(super) fn list(published: &Published, wanted: Wanted<'_>) -> Vec<Frontend> {
    let services = published.node.services.iter().filter(|(name, _)| wanted.has(name));
    services
        .flat_map(|(_, service)| {
            service.ports.iter().flat_map(|port| {
                port.frontends.iter().map(|frontend| show(service, port, frontend))
            })
        })
        .collect()
}

fn show(service: &NodeService, port: &NodePort, held: &NodeFrontend) -> Frontend {
    let frontend = held.frontend;
    Frontend {
        api_version: "pogu.dev/v1".to_owned(),
        kind: "Frontend".to_owned(),
        metadata: Metadata::of(service.name()),
        address: frontend.address.to_string(),
        port: frontend.port.into(),
        protocol: frontend.protocol.to_string(),
        frontend_type: held.kind.to_string(),
        port_name: port.name.as_ref().to_owned(),
        inside: outcome(port, held.decision.inside),
        outside: outcome(port, held.decision.outside),
        masquerade: match held.decision.masquerade {
            MasqueradeRule::Never => "Never",
            MasqueradeRule::Always => "Always",
            MasqueradeRule::NotLocalPod => "NotLocalPod",
            MasqueradeRule::OwnOnly => "OwnOnly",
        }
        .to_owned(),
        affinity_seconds: port.affinity.map(|affinity| affinity.timeout_s),
        allowed_sources: held
            .allowed
            .as_ref()
            .map(|allowed| allowed.iter().map(ToString::to_string).collect()),
    }
}

fn outcome(port: &NodePort, route: Route) -> Outcome {
    match route {
        Route::Pool(kind) => {
            Outcome::Forward { pool: kind.as_str().to_owned(), endpoints: port.pool(kind).len() }
        }
        Route::Drop(reason) => Outcome::Drop { reason: reason.to_string() },
        Route::Reject(reason) => Outcome::Reject { reason: reason.to_string() },
    }
}
