//! Which entry counts when one address is listed several times?

use std::net::SocketAddr;
use std::sync::Arc;

use model::{Endpoint, NodeName};

/// An endpoint and where it was listed.
pub(crate) struct Entry {
    pub(crate) endpoint: Endpoint,
    pub(crate) place: usize,
}

/// Two entries put one address on two nodes.
pub(crate) struct Contradiction {
    pub(crate) address: SocketAddr,
    pub(crate) kept: Placed,
    pub(crate) lost: Placed,
}

pub(crate) struct Placed {
    pub(crate) node: NodeName,
    pub(crate) place: usize,
}

/// The endpoints sorted by address, each once.
///
/// While an endpoint moves from one slice to another both list it, and one may lag behind. An entry
/// that is not terminating counts before one that is, then ready before unready; what is left is
/// decided by the entries' values alone, so that the order of events does not matter.
pub(crate) fn merge(mut entries: Vec<Entry>) -> (Arc<[Endpoint]>, Vec<Contradiction>) {
    entries.sort_by(|a, b| rank(a).cmp(&rank(b)));
    let mut contradictions = Vec::new();
    entries.dedup_by(|lost, kept| {
        let is_same = lost.endpoint.address == kept.endpoint.address;
        if is_same
            && let (Some(kept_node), Some(lost_node)) = (&kept.endpoint.node, &lost.endpoint.node)
            && kept_node != lost_node
        {
            contradictions.push(Contradiction {
                address: kept.endpoint.address,
                kept: Placed { node: kept_node.clone(), place: kept.place },
                lost: Placed { node: lost_node.clone(), place: lost.place },
            });
        }
        is_same
    });
    (entries.into_iter().map(|entry| entry.endpoint).collect(), contradictions)
}

fn rank(entry: &Entry) -> impl Ord + '_ {
    let Entry { endpoint, place } = entry;
    (
        endpoint.address,
        endpoint.terminating,
        !endpoint.ready,
        !endpoint.serving,
        endpoint.node.is_none(),
        endpoint,
        *place,
    )
}
