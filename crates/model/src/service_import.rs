//! What is a ServiceImport: a Service of several clusters, as it is used in this one?

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

use crate::address::Protocol;
use crate::endpoint_slice::EndpointSlice;
use crate::name::ServiceName;

/// One ServiceImport with its EndpointSlices, after validation. Lists keep the API's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceImport {
    pub name: ServiceName,
    pub kind: ImportKind,
    /// Its own addresses, at most one of each family; empty for a headless one.
    pub ips: Vec<IpAddr>,
    pub ports: Vec<ImportPort>,
    /// All EndpointSlices that name it by the label of imported Services, by their names.
    pub slices: Arc<[Arc<EndpointSlice>]>,
}

/// What a ServiceImport's name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImportKind {
    /// To addresses of its own.
    ClusterSetIp,
    /// To its endpoints.
    Headless,
}

/// One port of a ServiceImport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportPort {
    /// Empty when there is one unnamed port.
    pub name: Arc<str>,
    pub protocol: Protocol,
    pub port: NonZeroU16,
    pub app_protocol: Option<Arc<str>>,
}
