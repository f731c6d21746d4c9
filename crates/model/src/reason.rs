//! Why is a packet refused? The one registry: metric labels, chain names, `explain` and the docs
//! all take their words from here.

use std::fmt;

/// Why a packet is dropped in silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DropReason {
    NoLocalEndpointInternal,
    NoLocalEndpointExternal,
    SourceNotAllowed,
    UnallocatedClusterIp,
}

impl DropReason {
    pub const ALL: [Self; 4] = [
        Self::NoLocalEndpointInternal,
        Self::NoLocalEndpointExternal,
        Self::SourceNotAllowed,
        Self::UnallocatedClusterIp,
    ];

    /// The label in metrics and scenarios.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoLocalEndpointInternal => "no-local-endpoint-internal",
            Self::NoLocalEndpointExternal => "no-local-endpoint-external",
            Self::SourceNotAllowed => "source-not-allowed",
            Self::UnallocatedClusterIp => "unallocated-cluster-ip",
        }
    }

    /// One sentence for people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoLocalEndpointInternal => {
                "internalTrafficPolicy is Local and no usable endpoint is on this node"
            }
            Self::NoLocalEndpointExternal => {
                "externalTrafficPolicy is Local and no usable endpoint is on this node"
            }
            Self::SourceNotAllowed => "the client is in none of loadBalancerSourceRanges",
            Self::UnallocatedClusterIp => "the address is in a ServiceCIDR but no Service has it",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a packet is answered with an error (ICMP port unreachable, or its IPv6 twin).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RejectReason {
    NoEndpoint,
    UnknownPort,
}

impl RejectReason {
    pub const ALL: [Self; 2] = [Self::NoEndpoint, Self::UnknownPort];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoEndpoint => "no-endpoint",
            Self::UnknownPort => "unknown-port",
        }
    }

    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoEndpoint => "the Service has no usable endpoint anywhere",
            Self::UnknownPort => "the Service has this ClusterIP but not this port",
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
