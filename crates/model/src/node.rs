//! What is a Node, and what must an agent know of the one that it is on?

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::address::Family;
use crate::label_selector::Labels;
use crate::lookup::Packet;
use crate::name::NodeName;

/// A Node of the cluster, as the cluster says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub name: NodeName,
    /// The label `topology.kubernetes.io/zone`.
    pub zone: Option<Arc<str>>,
    pub labels: Labels,
    /// `status.addresses` of type InternalIP, then of type ExternalIP, each in the API's order.
    pub addresses: Vec<IpAddr>,
    /// How many of them are of type InternalIP.
    pub internal: usize,
    pub pod_cidrs: Vec<IpNet>,
    /// Being deleted, or tainted `ToBeDeletedByClusterAutoscaler`: load balancers should leave it.
    pub leaving: bool,
    /// The label `node.kubernetes.io/exclude-from-external-load-balancers` says so.
    pub excluded: bool,
    /// Its condition NetworkUnavailable is true.
    pub network_unavailable: bool,
}

impl Node {
    /// The addresses by which others in the cluster reach it.
    #[must_use]
    pub fn internal_addresses(&self) -> &[IpAddr] {
        self.addresses.get(..self.internal).unwrap_or(&self.addresses)
    }

    /// The addresses by which others outside of the cluster reach it, where these are others.
    #[must_use]
    pub fn external_addresses(&self) -> &[IpAddr] {
        self.addresses.get(self.internal..).unwrap_or_default()
    }
}

/// How to tell that a packet was sent by a pod of this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DetectLocal {
    /// It cannot be told: ClusterIP traffic is never masqueraded, Local policies never short-circuit.
    Never,
    /// The source address is in one of these (the cluster's or this node's pod CIDRs).
    Cidrs(Vec<IpNet>),
    /// It arrived on this interface (the bridge that pods are on).
    Bridge(Arc<str>),
    /// It arrived on an interface whose name begins so.
    InterfacePrefix(Arc<str>),
}

impl DetectLocal {
    /// Whether pods of this node can be told at all by their packets of a family. CIDRs of one family
    /// tell nothing of the other.
    #[must_use]
    pub fn is_possible(&self, family: Family) -> bool {
        match self {
            Self::Never => false,
            Self::Cidrs(cidrs) => cidrs.iter().any(|net| Family::of(net.addr()) == family),
            Self::Bridge(_) | Self::InterfacePrefix(_) => true,
        }
    }

    /// Whether a pod of this node sent the packet.
    #[must_use]
    pub fn is_local_pod(&self, packet: &Packet) -> bool {
        match self {
            Self::Never => false,
            Self::Cidrs(cidrs) => cidrs.iter().any(|net| net.contains(&packet.source)),
            Self::Bridge(name) => packet.interface.as_deref() == Some(name),
            Self::InterfacePrefix(prefix) => {
                packet.interface.as_deref().is_some_and(|name| name.starts_with(&**prefix))
            }
        }
    }
}

/// Which of a node's addresses accept node ports.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum NodePortAddresses {
    /// The node's own primary address of each family: what its Node object names first.
    #[default]
    Primary,
    /// Every address of the node inside one of these.
    Within(Vec<IpNet>),
}

impl NodePortAddresses {
    /// The addresses themselves. Loopback never counts: a node port there would need the kernel to
    /// route loopback addresses, which opens services that rely on being local.
    #[must_use]
    pub fn resolve(&self, primary: &[IpAddr], local: &BTreeSet<IpAddr>) -> Vec<IpAddr> {
        let accepted: BTreeSet<IpAddr> = match self {
            Self::Primary => primary.iter().copied().collect(),
            Self::Within(nets) => local
                .iter()
                .copied()
                .filter(|address| nets.iter().any(|net| net.contains(address)))
                .collect(),
        };
        accepted.into_iter().filter(|address| !address.is_loopback()).collect()
    }
}

/// All that decides what this node does with a packet, besides the Services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeContext {
    pub name: NodeName,
    pub zone: Option<Arc<str>>,
    /// Every address that the kernel takes as its own, loopback included.
    pub local_addresses: BTreeSet<IpAddr>,
    /// The node's own address of each family, by which the cluster knows it.
    pub primary_addresses: Vec<IpAddr>,
    /// Those of its addresses that accept node ports, sorted.
    pub node_port_addresses: Vec<IpAddr>,
    pub detect_local: DetectLocal,
    /// Masquerade all ClusterIP traffic, that of local pods too.
    pub masquerade_all: bool,
}

impl NodeContext {
    /// Whether the node itself sent the packet.
    #[must_use]
    pub fn is_own(&self, packet: &Packet) -> bool {
        packet.source.is_loopback() || self.local_addresses.contains(&packet.source)
    }

    /// Whether the packet comes from inside the node: from a pod on it, or from the node itself.
    /// Such traffic takes the short way to any endpoint even where the external policy is Local.
    ///
    /// When local pods cannot be told, only the node itself counts.
    #[must_use]
    pub fn is_inside(&self, packet: &Packet) -> bool {
        self.is_own(packet) || self.detect_local.is_local_pod(packet)
    }
}
