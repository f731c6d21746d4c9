//! What is an endpoint, and is it usable?

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::name::NodeName;

/// An address and port from an EndpointSlice, with its conditions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    pub address: SocketAddr,
    /// The node that the endpoint is on; absent for addresses that no node owns.
    pub node: Option<NodeName>,
    pub ready: bool,
    pub serving: bool,
    pub terminating: bool,
    /// Absent when the EndpointSlice gives no hint at all, which is nearly always.
    pub hints: Option<Arc<Hints>>,
    /// The label by which the cluster DNS names it under its Service. No packet depends on it.
    pub hostname: Option<Arc<str>>,
    /// The name of the Pod that it is, in the namespace of its EndpointSlice. No packet depends on it.
    pub pod: Option<Arc<str>>,
    /// The topology zone that it is in. Hints decide on packets; names may be of one zone.
    pub zone: Option<Arc<str>>,
}

impl Endpoint {
    #[must_use]
    pub fn is_on(&self, node: &NodeName) -> bool {
        self.node.as_ref() == Some(node)
    }

    /// Terminating but still serving: used when nothing is ready.
    #[must_use]
    pub const fn is_draining(&self) -> bool {
        self.serving && self.terminating
    }
}

/// Topology hints: for which zones and nodes an endpoint is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hints {
    pub zones: BTreeSet<Arc<str>>,
    pub nodes: BTreeSet<NodeName>,
}
