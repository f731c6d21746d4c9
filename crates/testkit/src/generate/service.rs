//! Which Services can there be?

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU16;

use model::{Family, Protocol, TrafficPolicy};
use proptest::collection::vec;
use proptest::prelude::*;

use super::endpoint::endpoint;
use super::universe::{self, of_family};
use crate::cluster::{AffinitySpec, ClusterIps, PortSpec, ServiceSpec, Target};

const PORTS_MAX: usize = 3;
const ENDPOINTS_MAX: usize = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    ClusterIp,
    NodePort,
    LoadBalancer,
    Headless,
    ExternalName,
}

/// Consistent as the API server would have it: node ports only where the type has them, and so on.
pub(super) fn service() -> impl Strategy<Value = ServiceSpec> {
    let kind = prop_oneof![
        4 => Just(Kind::ClusterIp),
        4 => Just(Kind::NodePort),
        6 => Just(Kind::LoadBalancer),
        1 => Just(Kind::Headless),
        1 => Just(Kind::ExternalName),
    ];
    kind.prop_flat_map(of_kind)
}

fn of_kind(kind: Kind) -> impl Strategy<Value = ServiceSpec> {
    let has_node_ports = matches!(kind, Kind::NodePort | Kind::LoadBalancer);
    let ports = vec(port(has_node_ports), 1..=PORTS_MAX).prop_map(distinct);
    let addresses = (cluster_ips(), externals(), externals());
    let policies = (policy(), policy(), affinity());
    let ranges = prop::option::weighted(0.6, universe::subsequence(&universe::SOURCE_RANGES));
    let created = prop::option::of(prop::sample::select(&universe::CREATED[..]));
    let endpoints = prop_oneof![
        1 => Just(Vec::new()),
        5 => vec(endpoint(), 1..=ENDPOINTS_MAX),
    ];
    let rest = (ports, endpoints, ranges, created, prop::bool::weighted(0.05));
    (addresses, policies, rest, prop::bool::weighted(0.1)).prop_map(
        move |(addresses, policies, rest, is_proxy_mode)| {
            let (cluster_ips, load_balancer, external_ips) = addresses;
            let (internal, external, affinity) = policies;
            let (ports, endpoints, ranges, created, is_elsewhere) = rest;
            let is_balancer = kind == Kind::LoadBalancer;
            let is_external = has_node_ports || !external_ips.is_empty();
            let label = ("service.kubernetes.io/service-proxy-name".to_owned(), "x".to_owned());
            ServiceSpec {
                kind: Some(kind.as_str().to_owned()),
                cluster_ips: match kind {
                    Kind::Headless => ClusterIps::None,
                    Kind::ExternalName => ClusterIps::Absent,
                    Kind::ClusterIp | Kind::NodePort | Kind::LoadBalancer => {
                        ClusterIps::Addresses(cluster_ips)
                    }
                },
                load_balancer_ips: if is_balancer { load_balancer } else { Vec::new() },
                load_balancer_mode: is_proxy_mode.then(|| "Proxy".to_owned()),
                external_ips,
                external_name: (kind == Kind::ExternalName).then(|| "example.net".to_owned()),
                internal,
                external: external.filter(|_| is_external),
                affinity,
                source_ranges: ranges.filter(|_| is_balancer).unwrap_or_default(),
                created: created.map(str::to_owned),
                labels: BTreeMap::from_iter(is_elsewhere.then_some(label)),
                ports,
                endpoints,
                ..ServiceSpec::default()
            }
        },
    )
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::ClusterIp | Self::Headless => "ClusterIP",
            Self::NodePort => "NodePort",
            Self::LoadBalancer => "LoadBalancer",
            Self::ExternalName => "ExternalName",
        }
    }
}

/// One address or one of each family, in either order.
fn cluster_ips() -> impl Strategy<Value = Vec<IpAddr>> {
    let families = prop::sample::select(vec![
        vec![Family::V4],
        vec![Family::V6],
        vec![Family::V4, Family::V6],
        vec![Family::V4, Family::V6],
        vec![Family::V6, Family::V4],
    ]);
    (prop::sample::select(&universe::CLUSTER_IPS[..]), families).prop_map(|(pair, families)| {
        families.into_iter().map(|family| of_family(pair, family)).collect()
    })
}

fn externals() -> impl Strategy<Value = Vec<IpAddr>> {
    prop::sample::subsequence(&universe::EXTERNAL_IPS[..], 0..=2).prop_map(|pairs| {
        let both = |pair| Family::ALL.map(|family| of_family(pair, family));
        pairs.into_iter().flat_map(both).collect()
    })
}

fn policy() -> impl Strategy<Value = Option<TrafficPolicy>> {
    prop_oneof![
        2 => Just(None),
        1 => Just(Some(TrafficPolicy::Cluster)),
        2 => Just(Some(TrafficPolicy::Local)),
    ]
}

fn affinity() -> impl Strategy<Value = Option<AffinitySpec>> {
    prop_oneof![
        5 => Just(None),
        1 => Just(Some(AffinitySpec::Unconfigured)),
        1 => (1..=86_400_u32).prop_map(|seconds| Some(AffinitySpec::Seconds(seconds))),
    ]
}

fn port(has_node_port: bool) -> impl Strategy<Value = PortSpec> {
    let number = |numbers: &'static [u16]| {
        prop::sample::select(numbers)
            .prop_map(|it| NonZeroU16::new(it).expect("the universe has no port 0"))
    };
    let node_port = prop::option::weighted(0.7, number(&universe::NODE_PORTS));
    let protocol = prop::sample::select(Protocol::ALL.to_vec());
    (number(&universe::PORTS), protocol, number(&universe::TARGETS), node_port).prop_map(
        move |(port, protocol, target, node_port)| PortSpec {
            name: String::new(),
            port,
            protocol,
            target: Target::Number(target),
            node_port: node_port.filter(|_| has_node_port),
        },
    )
}

/// The API wants each number of a protocol once, each node port once, and names where there are
/// several ports.
fn distinct(ports: Vec<PortSpec>) -> Vec<PortSpec> {
    let mut kept: Vec<PortSpec> = Vec::new();
    for port in ports {
        let collides = |other: &PortSpec| {
            other.protocol == port.protocol
                && (other.port == port.port
                    || (port.node_port.is_some() && other.node_port == port.node_port))
        };
        if !kept.iter().any(collides) {
            kept.push(port);
        }
    }
    if kept.len() > 1 {
        for (n, port) in kept.iter_mut().enumerate() {
            port.name = format!("p{n}");
        }
    }
    kept
}
