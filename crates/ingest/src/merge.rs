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

/// As `by_address`, but an address stays once for each hostname that it has: a name leads to it by
/// any of them.
pub(crate) fn by_hostname(mut entries: Vec<Entry>) -> (Arc<[Endpoint]>, Vec<Contradiction>) {
    entries.sort_by(|a, b| rank(a).cmp(&rank(b)));
    let has_several = entries.windows(2).any(|pair| match pair {
        [one, next] => {
            one.endpoint.address == next.endpoint.address
                && one.endpoint.hostname != next.endpoint.hostname
        }
        _ => false,
    });
    let named = has_several.then(|| {
        let mut endpoints: Vec<Endpoint> =
            entries.iter().map(|entry| entry.endpoint.clone()).collect();
        // Stable: of those with one name the first by rank comes first, and stays.
        endpoints.sort_by(|a, b| (a.address, &a.hostname).cmp(&(b.address, &b.hostname)));
        endpoints.dedup_by(|lost, kept| {
            (lost.address, &lost.hostname) == (kept.address, &kept.hostname)
        });
        endpoints.into()
    });
    let (endpoints, contradictions) = by_address(entries);
    (named.unwrap_or(endpoints), contradictions)
}

/// Whether each address of a sorted list stands there once.
pub(crate) fn has_each_once(endpoints: &[Endpoint]) -> bool {
    endpoints.windows(2).all(|pair| match pair {
        [one, next] => one.address != next.address,
        _ => true,
    })
}

/// The endpoints sorted by address, each once.
///
/// While an endpoint moves from one slice to another both list it, and one may lag behind. An entry
/// that is not terminating counts before one that is, then ready before unready; what is left is
/// decided by the entries' values alone, so that the order of events does not matter.
pub(crate) fn by_address(mut entries: Vec<Entry>) -> (Arc<[Endpoint]>, Vec<Contradiction>) {
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
