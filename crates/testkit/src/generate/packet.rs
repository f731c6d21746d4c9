//! Which packets are worth asking for?

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use model::{Family, NodeName, NodeTable, Protocol};
use proptest::prelude::*;
use proptest::sample::Index;

use super::universe::{self, OUTSIDE, of_family, pod};
use crate::cluster::{Cluster, ClusterIps};
use crate::scenario::{PacketLine, Source};
use crate::tables::Tables;

/// A packet before it is known what can be hit.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    node: usize,
    source: Sender,
    target: Index,
    /// Aimed at what the node serves now, if anything, and not at what there is at some time.
    is_live: bool,
    miss: Miss,
    interface: &'static str,
}

#[derive(Debug, Clone, Copy)]
enum Sender {
    Itself,
    Pod { node: usize, number: u8 },
    Node(usize),
    Outside(usize),
}

/// How a packet may fail to hit what it is aimed at.
#[derive(Debug, Clone, Copy)]
enum Miss {
    Not,
    ByPort,
    ByProtocol,
    ByAddress,
}

/// A frontend that exists at some time.
pub(super) type Targets = Vec<(SocketAddr, Protocol)>;

pub(super) fn draft() -> impl Strategy<Value = Draft> {
    let source = prop_oneof![
        2 => Just(Sender::Itself),
        4 => (0..3_usize, 1..=5_u8).prop_map(|(node, number)| Sender::Pod { node, number }),
        1 => (0..3_usize).prop_map(Sender::Node),
        3 => (0..OUTSIDE.len()).prop_map(Sender::Outside),
    ];
    let miss = prop_oneof![
        8 => Just(Miss::Not),
        1 => Just(Miss::ByPort),
        1 => Just(Miss::ByProtocol),
        1 => Just(Miss::ByAddress),
    ];
    let interface = prop::sample::select(&universe::INTERFACES[..]);
    let target = (any::<Index>(), prop::bool::weighted(0.7));
    (0..3_usize, source, target, miss, interface).prop_map(
        |(node, source, (target, is_live), miss, interface)| Draft {
            node,
            source,
            target,
            is_live,
            miss,
            interface,
        },
    )
}

/// All frontends that the clusters ask for, and some addresses that no Service has.
pub(super) fn targets<'a>(clusters: impl Iterator<Item = &'a Cluster>) -> Targets {
    let mut targets: BTreeSet<(SocketAddr, Protocol)> = BTreeSet::new();
    for cluster in clusters {
        let node_addresses =
            cluster.nodes.values().flat_map(|it| it.addresses.iter().chain(&it.local));
        let node_addresses: Vec<IpAddr> = node_addresses.copied().collect();
        for service in cluster.services.values() {
            let cluster_ips = match &service.cluster_ips {
                ClusterIps::Addresses(addresses) => addresses.as_slice(),
                ClusterIps::Absent | ClusterIps::None => &[],
            };
            for port in &service.ports {
                let addresses = cluster_ips
                    .iter()
                    .chain(&service.load_balancer_ips)
                    .chain(&service.external_ips)
                    .map(|it| SocketAddr::new(*it, port.port.get()));
                let node_ports = port.node_port.into_iter().flat_map(|number| {
                    node_addresses.iter().map(move |it| SocketAddr::new(*it, number.get()))
                });
                targets.extend(addresses.chain(node_ports).map(|it| (it, port.protocol)));
            }
        }
    }
    for family in Family::ALL {
        let free = universe::CLUSTER_IPS.into_iter().next_back().expect("there are some");
        targets.insert((SocketAddr::new(of_family(free, family), 80), Protocol::Tcp));
        targets.insert((SocketAddr::new(pod(0, 1, family), 8080), Protocol::Tcp));
    }
    targets.into_iter().collect()
}

fn served(table: &NodeTable) -> Targets {
    let ports = table.services.values().flat_map(|service| &service.ports);
    let frontends = ports.flat_map(|port| &port.frontends).map(|it| it.frontend);
    frontends.map(|it| (SocketAddr::new(it.address, it.port.get()), it.protocol)).collect()
}

impl Draft {
    /// The packet, with the verdict that the oracle gives on it now.
    pub(super) fn aim(&self, targets: &Targets, tables: &Tables) -> Option<PacketLine> {
        let node = NodeName::new(*universe::nodes().get(self.node)?);
        let table = tables.node(&node)?;
        let served = if self.is_live { served(table) } else { Targets::new() };
        let targets = if served.is_empty() { targets } else { &served };
        let (mut destination, mut protocol) = *targets.get(self.target.index(targets.len()))?;
        match self.miss {
            Miss::Not => {}
            Miss::ByPort => destination.set_port(destination.port() + 1),
            Miss::ByProtocol => protocol = next(protocol),
            Miss::ByAddress => destination.set_ip(neighbour(destination.ip())),
        }
        let source = self.source.at(Family::of(destination.ip()));
        let is_own = match source {
            Source::Node => true,
            Source::Address(address) => table.node.local_addresses.contains(&address),
        };
        let mut line = PacketLine {
            line: 0,
            node: node.clone(),
            source,
            destination,
            protocol,
            interface: (!is_own).then(|| Arc::from(self.interface)),
            verdict: model::Verdict::NotService,
        };
        let packet = line.packet(&table.node, tables.addresses(&node));
        line.verdict = table.lookup(&packet).value;
        Some(line)
    }
}

impl Sender {
    fn at(self, family: Family) -> Source {
        let of_node = |n: usize| {
            let addresses = universe::node(n).1.addresses;
            addresses.into_iter().find(|it| Family::of(*it) == family)
        };
        match self {
            Self::Itself => Source::Node,
            Self::Pod { node, number } => Source::Address(pod(node, number, family)),
            Self::Node(n) => of_node(n).map_or(Source::Node, Source::Address),
            Self::Outside(n) => OUTSIDE
                .get(n)
                .map_or(Source::Node, |pair| Source::Address(of_family(*pair, family))),
        }
    }
}

const fn next(protocol: Protocol) -> Protocol {
    match protocol {
        Protocol::Tcp => Protocol::Udp,
        Protocol::Udp => Protocol::Sctp,
        Protocol::Sctp => Protocol::Tcp,
    }
}

/// The next address; the universe has none whose last bits are all set.
fn neighbour(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => IpAddr::V4((address.to_bits() + 1).into()),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() + 1).into()),
    }
}
