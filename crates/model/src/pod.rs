//! What is a Pod, as far as its name, place and readiness go?
//!
//! No packet is decided by it: endpoints are. It is known so that people can be told who asks, and
//! why an endpoint is not ready. Where nobody says which Pods there are, nothing else changes.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::name::NodeName;

/// A Pod's namespace and name. Sorted by namespace, then by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodName {
    pub namespace: Arc<str>,
    pub name: Arc<str>,
}

impl PodName {
    pub fn new(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for PodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A Pod that has an address, or had one until it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    pub name: PodName,
    pub node: Option<NodeName>,
    /// It is on the node's own network, and speaks with its address.
    pub host_network: bool,
    /// At most one of each family, in the API's order.
    pub addresses: Vec<IpAddr>,
    /// The condition of type Ready, where there is one.
    pub ready: Option<Readiness>,
}

/// Whether a Pod is ready, and what is said of why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    pub is_ready: bool,
    /// A word for programs; may be empty.
    pub reason: Arc<str>,
    /// A sentence for people; may be empty.
    pub message: Arc<str>,
}
