//! What is a Service, as the cluster says it?

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

use ipnet::IpNet;

use crate::address::{ByFamily, Family, Protocol};
use crate::endpoint::Endpoint;
use crate::endpoint_slice::EndpointSlice;
use crate::load_balancer::LoadBalancer;
use crate::name::{NodeName, ServiceName};

/// One Service with its endpoints, after validation. Lists keep the API's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    pub name: ServiceName,
    /// Seconds since 1970; the older Service keeps a frontend that two claim.
    pub created_s: i64,
    pub kind: ServiceKind,
    /// Empty for a headless Service and for ExternalName.
    pub cluster_ips: Vec<IpAddr>,
    /// External addresses, of `spec.externalIPs` and of `status.loadBalancer.ingress`, that nodes intercept.
    pub external: Vec<ExternalAddress>,
    /// Who may use the load balancer addresses; absent means everybody.
    pub source_ranges: Option<SourceRanges>,
    pub internal_policy: TrafficPolicy,
    pub external_policy: TrafficPolicy,
    pub affinity: Option<Affinity>,
    pub health_check_node_port: Option<NonZeroU16>,
    /// Another proxy has this Service by the label `service.kubernetes.io/service-proxy-name`.
    pub other_proxy: Option<Arc<str>>,
    pub ports: Vec<ServicePort>,
    /// All EndpointSlices that name it, by their names: also those that no port has use for. Empty
    /// for ExternalName.
    pub slices: Arc<[Arc<EndpointSlice>]>,
}

impl Service {
    /// Whether nodes program packets for it at all: it has an address and no other proxy claims it.
    #[must_use]
    pub fn is_proxied(&self) -> bool {
        self.other_proxy.is_none()
            && !self.cluster_ips.is_empty()
            && !matches!(self.kind, ServiceKind::ExternalName(_))
    }

    /// What it says to those who give it addresses; absent where it is of another type.
    #[must_use]
    pub const fn load_balancer(&self) -> Option<&Arc<LoadBalancer>> {
        match &self.kind {
            ServiceKind::LoadBalancer(asked) => Some(asked),
            ServiceKind::ClusterIp | ServiceKind::NodePort | ServiceKind::ExternalName(_) => None,
        }
    }

    /// Where its packets may end when only endpoints of the same node are used: those that are about to
    /// go count while they serve.
    #[must_use]
    pub fn serving_nodes(&self) -> BTreeSet<&NodeName> {
        let endpoints = self.ports.iter().flat_map(|port| {
            let of = &port.endpoints;
            of.v4.iter().chain(of.v6.iter())
        });
        endpoints
            .filter(|it| it.ready || it.is_draining())
            .filter_map(|it| it.node.as_ref())
            .collect()
    }

    /// The ClusterIP of a family, if the Service has that family.
    #[must_use]
    pub fn cluster_ip(&self, family: Family) -> Option<IpAddr> {
        self.cluster_ips.iter().copied().find(|ip| Family::of(*ip) == family)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceKind {
    ClusterIp,
    NodePort,
    LoadBalancer(Arc<LoadBalancer>),
    /// The name that the cluster DNS answers with.
    ExternalName(Arc<str>),
}

impl ServiceKind {
    #[must_use]
    pub const fn is_load_balancer(&self) -> bool {
        matches!(self, Self::LoadBalancer(_))
    }
}

/// An address from outside the cluster that leads to the Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternalAddress {
    pub address: IpAddr,
    /// From the load balancer's status (and so subject to the source ranges), or from `spec.externalIPs`.
    pub load_balancer: bool,
}

/// `loadBalancerSourceRanges`, merged and without overlaps, apart for each family.
///
/// A family whose list is empty admits nobody: whoever named ranges of one family did not mean to
/// open the other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceRanges(pub ByFamily<Vec<IpNet>>);

impl SourceRanges {
    /// True when the family is open to all: a range of length zero.
    #[must_use]
    pub fn is_open(&self, family: Family) -> bool {
        self.0.get(family).iter().any(|net| net.prefix_len() == 0)
    }

    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.get(Family::of(address)).iter().any(|net| net.contains(&address))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum TrafficPolicy {
    #[default]
    Cluster,
    Local,
}

impl TrafficPolicy {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "Cluster",
            Self::Local => "Local",
        }
    }
}

/// Session affinity by client address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Affinity {
    /// Seconds after the last new connection; 1 to 86,400.
    pub timeout_s: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePort {
    /// Empty when the Service has one unnamed port.
    pub name: Arc<str>,
    pub protocol: Protocol,
    pub port: NonZeroU16,
    pub node_port: Option<NonZeroU16>,
    pub app_protocol: Option<Arc<str>>,
    /// Sorted by address, each once.
    pub endpoints: ByFamily<Arc<[Endpoint]>>,
}
