//! For which zones and nodes is an endpoint meant, by `trafficDistribution`?

use ingest::api::{Endpoint, ForName, Hints};

/// What a Service prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Distribution {
    SameZone,
    SameNode,
}

/// An unknown word is rejected by `ingest` and prefers nothing.
pub(crate) fn distribution(word: Option<&str>) -> Option<Distribution> {
    match word? {
        "PreferClose" | "PreferSameZone" => Some(Distribution::SameZone),
        "PreferSameNode" => Some(Distribution::SameNode),
        _ => None,
    }
}

/// Only a ready endpoint is hinted at, and one whose zone or node is not known is for all.
pub(crate) fn hints(endpoint: &Endpoint, distribution: Distribution) -> Option<Hints> {
    if endpoint.conditions.ready != Some(true) {
        return None;
    }
    let names = |name: &Option<String>| -> Vec<ForName> {
        name.iter().map(|name| ForName { name: name.clone() }).collect()
    };
    let hints = Hints {
        for_zones: names(&endpoint.zone),
        for_nodes: match distribution {
            Distribution::SameZone => Vec::new(),
            // The zone stays, for a node without an endpoint of its own.
            Distribution::SameNode => names(&endpoint.node_name),
        },
    };
    (hints != Hints::default()).then_some(hints)
}
