//! What does the kernel count, that the metrics show?

use std::net::SocketAddr;

use model::{DropReason, Protocol, RejectReason, ServicePortName};

/// What was read from the kernel for one scrape.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Measurement {
    /// Absent when the counters are off, or could not be read.
    pub traffic: Option<Traffic>,
    /// Absent when it could not be read.
    pub conntrack: Option<Conntrack>,
    /// What could not be read: it is missing from the answer, never zero.
    pub failed: Vec<Source>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The core did not answer in time.
    Core,
    Traffic,
    Conntrack,
}

impl Source {
    pub const ALL: [Self; 3] = [Self::Core, Self::Traffic, Self::Conntrack];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Traffic => "traffic",
            Self::Conntrack => "conntrack",
        }
    }
}

/// Everything counted since the agent's table was made. A count never goes back, except when its
/// Service or endpoint goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Traffic {
    pub services: Vec<ServiceTraffic>,
    pub connections: Vec<EndpointConnections>,
    pub endpoints: Vec<EndpointTraffic>,
    pub refused: Vec<RefusedPackets>,
}

/// All frontends of one Service port together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceTraffic {
    pub port: ServicePortName,
    pub protocol: Protocol,
    pub connections: u64,
    /// From clients to endpoints.
    pub sent: Count,
    /// From endpoints to clients.
    pub received: Count,
}

/// New connections that a Service port sent to one of its endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointConnections {
    pub port: ServicePortName,
    pub protocol: Protocol,
    pub endpoint: SocketAddr,
    pub connections: u64,
}

/// What one endpoint got and gave through any Service: the kernel counts by address, and Services
/// may share an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointTraffic {
    pub endpoint: SocketAddr,
    pub protocol: Protocol,
    pub sent: Count,
    pub received: Count,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    pub packets: u64,
    pub bytes: u64,
}

/// Packets that were dropped or rejected, by reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedPackets {
    pub refusal: Refusal,
    pub packets: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    Drop(DropReason),
    Reject(RejectReason),
}

/// The kernel's own statistics of connection tracking; the counters are sums over all processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conntrack {
    pub entries: u64,
    pub entries_max: u64,
    pub insert_failed: u64,
    pub drop: u64,
    pub early_drop: u64,
}
