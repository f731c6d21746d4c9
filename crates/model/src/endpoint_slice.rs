//! Which endpoints does one EndpointSlice list, and under which ports?
//!
//! Packets need only the merged lists of a Service's ports. Names need more: which address has which
//! hostname, from which cluster, and what is listed under no port of the Service at all.

use std::sync::Arc;

use crate::address::{Family, Protocol};
use crate::endpoint::Endpoint;

/// An EndpointSlice after validation. Its lists are those of the Service's ports where it alone makes
/// them up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointSlice {
    /// In the namespace of the Service or ServiceImport that has it.
    pub name: Arc<str>,
    pub family: Family,
    /// Meant for a headless Service: names resolve to these endpoints, no address leads to them.
    pub is_headless: bool,
    /// The cluster that it was imported from; absent for one of this cluster.
    pub cluster: Option<Arc<str>>,
    pub ports: Box<[SlicePort]>,
    /// The endpoints, with port 0, of a slice without any usable port; empty where `ports` is not.
    pub portless: Arc<[Endpoint]>,
}

impl EndpointSlice {
    /// Every endpoint, by address and hostname: those of its first port, as all ports have the same.
    #[must_use]
    pub fn endpoints(&self) -> &Arc<[Endpoint]> {
        self.ports.first().map_or(&self.portless, |port| &port.endpoints)
    }
}

/// One port of an EndpointSlice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlicePort {
    /// Empty for the port of a Service that has one unnamed port.
    pub name: Arc<str>,
    pub protocol: Protocol,
    /// Sorted by address, then by hostname; each pair of them once.
    pub endpoints: Arc<[Endpoint]>,
}
