//! How is the agent set up? Everything here is checked: a configuration that exists can be run.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ingest::Objects;
use ipnet::IpNet;

use crate::event::OwnAddresses;
use model::{DetectLocal, Family, Node, NodeContext, NodeName, NodePortAddresses};

mod alone;
mod conntrack;
mod dns;
mod external_ip;
mod flags;
mod load_balancer;
mod show;
mod source;
mod validate;
mod value;

pub use alone::AloneFlags;
pub use conntrack::ConntrackSettings;
pub use dns::{DnsConfig, DnsFlags, Pods};
pub use external_ip::ExternalIpFlags;
pub use flags::{Flags, LogFormat, Switch};
pub use load_balancer::{LoadBalancerConfig, LoadBalancerFlags};
pub use source::{ObjectSource, SourceChoice, SourceFlags};
pub use value::ConfigError;

/// The port of `/healthz` and `/livez`, on all addresses.
pub const HEALTHZ_PORT: u16 = 10256;
/// The port of `/metrics`, on the loopback address.
pub const METRICS_PORT: u16 = 10249;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub source: ObjectSource,
    pub node_name: NodeName,
    pub cluster_cidrs: Vec<IpNet>,
    /// At most one of each family; they win over what the Node object says.
    pub node_ips: Vec<IpAddr>,
    pub detect_local: DetectLocalMode,
    pub masquerade_all: bool,
    pub node_port_addresses: NodePortAddresses,
    /// The only external IPs of Services that are served; `None` means any.
    pub external_ips: Option<Vec<IpNet>>,
    /// Used for as long as no ServiceCIDR object exists.
    pub service_cidrs: Vec<IpNet>,
    pub healthz: Vec<Listen>,
    pub metrics: Vec<Listen>,
    /// `/health`, `/ready` and `/metrics` of a DNS that runs alone.
    pub names_http: Vec<Listen>,
    pub conntrack: ConntrackSettings,
    pub sync_period: Duration,
    pub min_sync_period: Duration,
    pub traffic_counters: bool,
    /// Clients that session affinity remembers, of each family.
    pub affinity_clients_max: u32,
    /// How the cluster DNS is served; `None` where this agent serves none.
    pub dns: Option<NodeDns>,
    /// What is done about Services of type LoadBalancer; `None` where nothing is.
    pub load_balancer: Option<LoadBalancerConfig>,
    /// Where agents say hello, with `load_balancer`.
    pub announce_port: u16,
    pub socket: PathBuf,
    pub log_format: LogFormat,
}

/// The cluster DNS of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeDns {
    pub config: DnsConfig,
    /// Where others than this node's own clients ask; `None`: at the node's addresses, where port 53
    /// is free.
    pub listen: Option<Vec<SocketAddr>>,
    /// Whether this node's clients are answered past the dataplane.
    pub is_local: bool,
    /// Whether the node's name is known, and so whose search lists are walked.
    pub has_pods: bool,
    /// Where sockets are handed over to a successor.
    pub handover: PathBuf,
    /// Whether sockets are taken from a predecessor.
    pub take_over: bool,
}

/// How to tell that a packet was sent by a pod of this node, before the node is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DetectLocalMode {
    Never,
    ClusterCidr,
    /// The pod CIDRs of this node's own Node object.
    NodeCidr,
    Bridge(Arc<str>),
    InterfacePrefix(Arc<str>),
}

/// An address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    pub address: SocketAddr,
    /// Whether the agent must not run without it. Only the IPv6 default may be missing, on a host
    /// without IPv6.
    pub required: bool,
}

impl Listen {
    const fn required(address: SocketAddr) -> Self {
        Self { address, required: true }
    }

    fn healthz_defaults() -> Vec<Self> {
        vec![
            Self::required(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), HEALTHZ_PORT)),
            Self {
                address: SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), HEALTHZ_PORT),
                required: false,
            },
        ]
    }

    fn metrics_defaults() -> Vec<Self> {
        vec![Self::required(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), METRICS_PORT))]
    }
}

impl Config {
    /// None yet; of the external IPs that Services name, those are taken that the flags admit.
    #[must_use]
    pub fn no_objects(&self) -> Objects {
        self.external_ips.clone().map_or_else(Objects::new, Objects::with_external_ips)
    }

    /// What decides on packets besides the Services, given what is known of the node now.
    #[must_use]
    pub fn node_context(&self, node: Option<&Node>, own: &OwnAddresses) -> NodeContext {
        let local_addresses = own.all.clone();
        let primary = self.primary_addresses(node, &own.primary);
        NodeContext {
            name: self.node_name.clone(),
            zone: node.and_then(|node| node.zone.clone()),
            node_port_addresses: self.node_port_addresses.resolve(&primary, &local_addresses),
            local_addresses,
            primary_addresses: primary,
            detect_local: self.detect_local(node),
            masquerade_all: self.masquerade_all,
        }
    }

    /// What the agent of another node would know of that node, had it the flags of this one. Of its
    /// addresses only those are known that its Node object names.
    #[must_use]
    pub fn other_node_context(&self, node: &Node) -> NodeContext {
        let loopback = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        let all = node.addresses.iter().copied().chain(loopback).collect();
        let there = Self { node_name: node.name.clone(), node_ips: Vec::new(), ..self.clone() };
        there.node_context(Some(node), &OwnAddresses { all, primary: Vec::new() })
    }

    /// One address of each family: the flag's, else the first that the Node object names, else, for
    /// a host that has none, the one that it speaks to the world with.
    fn primary_addresses(&self, node: Option<&Node>, detected: &[IpAddr]) -> Vec<IpAddr> {
        let named = node.map_or(detected, |node| &node.addresses);
        Family::ALL
            .into_iter()
            .filter_map(|family| {
                let is_of_family = |address: &&IpAddr| Family::of(**address) == family;
                let flag = self.node_ips.iter().find(is_of_family);
                flag.or_else(|| named.iter().find(is_of_family)).copied()
            })
            .collect()
    }

    fn detect_local(&self, node: Option<&Node>) -> DetectLocal {
        let cidrs = |cidrs: &[IpNet]| match cidrs {
            [] => DetectLocal::Never,
            cidrs => DetectLocal::Cidrs(cidrs.to_vec()),
        };
        match &self.detect_local {
            DetectLocalMode::Never => DetectLocal::Never,
            DetectLocalMode::ClusterCidr => cidrs(&self.cluster_cidrs),
            DetectLocalMode::NodeCidr => cidrs(node.map_or(&[][..], |node| &node.pod_cidrs)),
            DetectLocalMode::Bridge(name) => DetectLocal::Bridge(Arc::clone(name)),
            DetectLocalMode::InterfacePrefix(prefix) => {
                DetectLocal::InterfacePrefix(Arc::clone(prefix))
            }
        }
    }
}
