//! What happens to one packet? This defines *correct*: whatever a dataplane programs must give the
//! same verdict.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::sync::Arc;

use crate::address::{Frontend, Protocol};
use crate::decide::{Decision, MasqueradeRule, NodeFrontend, NodePort, NodeService, Route};
use crate::endpoint::Endpoint;
use crate::node::NodeContext;
use crate::node_table::NodeTable;
use crate::origin::{Object, Origin};
use crate::reason::{DropReason, RejectReason};
use crate::service::{Affinity, TrafficPolicy};

/// The first packet of a connection, as a node first sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Packet {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub protocol: Protocol,
    pub destination_port: NonZeroU16,
    /// The interface that it arrived on; absent when the node itself sends it.
    pub interface: Option<Arc<str>>,
}

impl Packet {
    #[must_use]
    pub const fn frontend(&self) -> Frontend {
        Frontend { address: self.destination, protocol: self.protocol, port: self.destination_port }
    }
}

/// What happens to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// To any one of these, each equally likely (unless affinity remembers one of them).
    Forward {
        deliveries: BTreeSet<Delivery>,
        affinity: Option<Affinity>,
    },
    Reject(RejectReason),
    Drop(DropReason),
    /// No Service's business: routed as if there were none.
    NotService,
}

/// Where a packet can end, and whether it arrives there with the node's own source address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Delivery {
    pub endpoint: SocketAddr,
    pub masquerade: bool,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forward { deliveries, affinity } => {
                f.write_str("forward")?;
                for delivery in deliveries {
                    let mark = if delivery.masquerade { "+masquerade" } else { "" };
                    write!(f, " {}{mark}", delivery.endpoint)?;
                }
                affinity.map_or(Ok(()), |affinity| write!(f, " affinity={}s", affinity.timeout_s))
            }
            Self::Reject(reason) => write!(f, "reject {reason}"),
            Self::Drop(reason) => write!(f, "drop {reason}"),
            Self::NotService => f.write_str("not-service"),
        }
    }
}

/// A verdict with the fields that made it so, in the order in which they were decisive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained<T> {
    pub value: T,
    pub origins: Vec<Origin>,
}

impl NodeTable {
    /// The verdict on a packet, and why.
    #[must_use]
    pub fn lookup(&self, packet: &Packet) -> Explained<Verdict> {
        if let Some((service, port, frontend)) = self.frontend(&packet.frontend()) {
            return lookup_frontend(&self.node, packet, service, port, frontend);
        }
        if self.is_cluster_ip(packet.destination) {
            let holder = self
                .services
                .values()
                .find(|service| service.service.cluster_ips.contains(&packet.destination));
            let origins = holder
                .map(|service| origin(service, "spec.clusterIPs", packet.destination))
                .into_iter()
                .collect();
            return Explained { value: Verdict::Reject(RejectReason::UnknownPort), origins };
        }
        if self.is_in_service_cidr(packet.destination) {
            let cidr =
                Origin::new(Object::ServiceCidr("".into()), "spec.cidrs", packet.destination);
            return Explained {
                value: Verdict::Drop(DropReason::UnallocatedClusterIp),
                origins: vec![cidr],
            };
        }
        Explained { value: Verdict::NotService, origins: Vec::new() }
    }
}

fn lookup_frontend(
    node: &NodeContext,
    packet: &Packet,
    service: &NodeService,
    port: &NodePort,
    frontend: &NodeFrontend,
) -> Explained<Verdict> {
    let mut origins = vec![origin(service, frontend.kind.field(), frontend.frontend)];
    if let Some(allowed) = &frontend.allowed
        && !allowed.iter().any(|net| net.contains(&packet.source))
    {
        let ranges: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        origins.push(origin(service, "spec.loadBalancerSourceRanges", ranges.join(",")));
        return Explained { value: Verdict::Drop(DropReason::SourceNotAllowed), origins };
    }
    let policy = policy(service, frontend);
    if policy.1 == TrafficPolicy::Local || !frontend.kind.is_internal() {
        origins.push(origin(service, policy.0, policy.1.as_str()));
    }
    let decision = &frontend.decision;
    let route = if node.is_inside(packet) { decision.inside } else { decision.outside };
    let value = match route {
        Route::Drop(reason) => Verdict::Drop(reason),
        Route::Reject(reason) => Verdict::Reject(reason),
        Route::Pool(kind) => {
            let by_rule = is_masqueraded(node, packet, decision);
            let deliveries = port
                .pool(kind)
                .iter()
                .map(|endpoint| Delivery {
                    endpoint: endpoint.address,
                    masquerade: (by_rule || is_hairpin(node, packet, endpoint))
                        && !stays_here(node, packet, endpoint)
                        && !is_there_already(packet, endpoint),
                })
                .collect();
            Verdict::Forward { deliveries, affinity: port.affinity }
        }
    };
    Explained { value, origins }
}

fn origin(service: &NodeService, field: &'static str, value: impl fmt::Display) -> Origin {
    Origin::new(Object::Service(service.name().clone()), field, value)
}

fn policy(service: &NodeService, frontend: &NodeFrontend) -> (&'static str, TrafficPolicy) {
    if frontend.kind.is_internal() {
        ("spec.internalTrafficPolicy", service.service.internal_policy)
    } else {
        ("spec.externalTrafficPolicy", service.service.external_policy)
    }
}

fn is_masqueraded(node: &NodeContext, packet: &Packet, decision: &Decision) -> bool {
    match decision.masquerade {
        MasqueradeRule::Never => false,
        MasqueradeRule::Always => true,
        MasqueradeRule::NotLocalPod => !node.detect_local.is_local_pod(packet),
        MasqueradeRule::OwnOnly => node.is_own(packet),
    }
}

/// An endpoint that reaches itself through its Service would get its own address as the source and
/// refuse the packet. Only endpoints of this node, or of no node, can.
fn is_hairpin(node: &NodeContext, packet: &Packet, endpoint: &Endpoint) -> bool {
    packet.source == endpoint.address.ip() && can_hairpin(node, endpoint)
}

/// A packet that arrived and is for an endpoint on the node's own network is taken in, not sent on:
/// sources are rewritten on the way out only.
fn stays_here(node: &NodeContext, packet: &Packet, endpoint: &Endpoint) -> bool {
    packet.interface.is_some() && node.local_addresses.contains(&endpoint.address.ip())
}

/// A packet whose destination is the endpoint itself is not translated, so that no node must put an
/// address back into the answer: the source stays as it is.
fn is_there_already(packet: &Packet, endpoint: &Endpoint) -> bool {
    endpoint.address == SocketAddr::new(packet.destination, packet.destination_port.get())
}

/// Whether an endpoint may send packets through this node: it is on it, or nobody says where it is.
#[must_use]
pub fn can_hairpin(node: &NodeContext, endpoint: &Endpoint) -> bool {
    endpoint.node.is_none() || endpoint.is_on(&node.name)
}
