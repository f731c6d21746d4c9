//! How is an endpoint shown?

use std::sync::Arc;

use model::{Family, NodeService, PoolKind};
use serde::{Deserialize, Serialize};

use super::Wanted;
use super::metadata::Metadata;
use crate::published::Published;

/// One address behind one port of a Service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    pub api_version: String,
    pub kind: String,
    /// The Service's.
    pub metadata: Metadata,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub port_name: String,
    pub protocol: String,
    /// Address and port, the address of IPv6 in brackets.
    pub address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    pub conditions: Conditions,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hints: Option<Hints>,
    /// The traffic policies for which this node sends to it: `Cluster`, `Local`, both or none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used_for: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    pub ready: bool,
    pub serving: bool,
    pub terminating: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hints {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub for_zones: Vec<ForName>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub for_nodes: Vec<ForName>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForName {
    pub name: String,
}

pub(super) fn list(published: &Published, wanted: Wanted<'_>) -> Vec<Endpoint> {
    let mut endpoints = Vec::new();
    for (name, service) in &published.table.services {
        if wanted.has(name) {
            let decided = published.node.services.get(name);
            for port in &service.ports {
                for family in Family::ALL {
                    endpoints.extend(port.endpoints.get(family).iter().map(|endpoint| Endpoint {
                        used_for: used_for(decided, port, family, endpoint),
                        ..show(service, port, endpoint)
                    }));
                }
            }
        }
    }
    endpoints
}

fn show(
    service: &model::Service,
    port: &model::ServicePort,
    endpoint: &model::Endpoint,
) -> Endpoint {
    let name = |name: &Arc<str>| ForName { name: name.as_ref().to_owned() };
    Endpoint {
        api_version: "pogu.dev/v1".to_owned(),
        kind: "Endpoint".to_owned(),
        metadata: Metadata::of(&service.name),
        port_name: port.name.as_ref().to_owned(),
        protocol: port.protocol.to_string(),
        address: endpoint.address.to_string(),
        node_name: endpoint.node.as_ref().map(ToString::to_string),
        conditions: Conditions {
            ready: endpoint.ready,
            serving: endpoint.serving,
            terminating: endpoint.terminating,
        },
        hints: endpoint.hints.as_ref().map(|hints| Hints {
            for_zones: hints.zones.iter().map(name).collect(),
            for_nodes: hints.nodes.iter().map(|node| name(&node.0)).collect(),
        }),
        used_for: Vec::new(),
    }
}

/// The pools that are filled and hold the endpoint; a pool that no frontend uses is not filled.
fn used_for(
    decided: Option<&Arc<NodeService>>,
    port: &model::ServicePort,
    family: Family,
    endpoint: &model::Endpoint,
) -> Vec<String> {
    let port = decided.and_then(|service| {
        service.ports.iter().find(|known| {
            known.name == port.name && known.protocol == port.protocol && known.family == family
        })
    });
    let holds = |kind: PoolKind| {
        port.is_some_and(|port| {
            port.pool(kind).binary_search_by_key(&endpoint.address, |known| known.address).is_ok()
        })
    };
    [(PoolKind::Cluster, "Cluster"), (PoolKind::Local, "Local")]
        .into_iter()
        .filter(|(kind, _)| holds(*kind))
        .map(|(_, name)| name.to_owned())
        .collect()
}
