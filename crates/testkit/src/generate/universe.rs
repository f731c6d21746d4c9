//! Which names, addresses and numbers exist for drawn clusters?

use std::fmt::Debug;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use model::{Family, NodeName};
use proptest::prelude::*;

use crate::cluster::NodeSpec;

pub(super) const ZONES: [&str; 2] = ["z1", "z2"];
const NODES: [&str; 3] = ["a", "b", "c"];

pub(super) const CLUSTER_IPS: [[&str; 2]; 5] = [
    ["10.96.0.1", "fd96::1"],
    ["10.96.0.2", "fd96::2"],
    ["10.96.0.3", "fd96::3"],
    ["10.96.0.4", "fd96::4"],
    ["10.96.1.5", "fd96::1:5"],
];

/// Some are a node's own, or a VIP that a node bears, or another Service's ClusterIP.
pub(super) const EXTERNAL_IPS: [[&str; 2]; 5] = [
    ["203.0.113.1", "2001:db8::1"],
    ["203.0.113.2", "2001:db8::2"],
    ["203.0.113.9", "2001:db8::9"],
    ["192.168.0.1", "fd00::1"],
    ["10.96.0.2", "fd96::2"],
];

pub(super) const POD_RANGES: [&str; 4] = ["10.0.0.0/8", "10.1.0.0/24", "fd01::/64", "fd00::/8"];

pub(super) const NODE_PORT_RANGES: [&str; 4] =
    ["192.168.0.0/24", "203.0.113.0/24", "127.0.0.0/8", "::/0"];

pub(super) const SERVICE_RANGES: [&str; 2] = ["10.96.0.0/24", "fd96::/112"];

/// They overlap and touch; some hold nodes, some pods, some a whole family.
pub(super) const SOURCE_RANGES: [&str; 12] = [
    "198.51.100.0/24",
    "198.51.100.0/25",
    "198.51.100.128/25",
    "198.51.100.9/32",
    "10.1.0.0/24",
    "192.168.0.0/30",
    "0.0.0.0/0",
    "2001:db8:1::/64",
    "2001:db8:1::9/128",
    "fd01::/64",
    "fd00::/126",
    "::/0",
];

pub(super) const OUTSIDE: [[&str; 2]; 3] = [
    ["198.51.100.9", "2001:db8:1::9"],
    ["198.51.100.200", "2001:db8:1::200"],
    ["192.0.2.1", "2001:db8:2::1"],
];

pub(super) const INTERFACES: [&str; 4] = ["eth0", "eth0", "cni0", "veth1"];

/// Also node ports and targets, so that they meet.
pub(super) const PORTS: [u16; 4] = [53, 80, 443, 30080];
pub(super) const TARGETS: [u16; 3] = [80, 5353, 8080];
pub(super) const NODE_PORTS: [u16; 3] = [30080, 30081, 30082];

pub(super) const CREATED: [&str; 2] = ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"];

/// Of a pair, the text of a family.
pub(super) fn of_family(pair: [&'static str; 2], family: Family) -> IpAddr {
    let [v4, v6] = pair;
    parse(if family == Family::V4 { v4 } else { v6 })
}

pub(super) fn parse<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("the universe is written well")
}

pub(super) const fn nodes() -> [&'static str; 3] {
    NODES
}

/// The node without its zone; the first also bears a VIP.
pub(super) fn node(n: usize) -> (NodeName, NodeSpec) {
    let name = NodeName::new(NODES.get(n).copied().expect("there are three nodes"));
    let number = n + 1;
    let spec = NodeSpec {
        zone: None,
        addresses: vec![parse(&format!("192.168.0.{number}")), parse(&format!("fd00::{number}"))],
        local: if n == 0 { vip() } else { Vec::new() },
        pod_cidrs: vec![parse(&format!("10.{number}.0.0/24")), parse(&format!("fd0{number}::/64"))],
    };
    (name, spec)
}

/// What a node may bear besides its own addresses: one of `EXTERNAL_IPS`.
pub(super) fn vip() -> Vec<IpAddr> {
    vec![parse("203.0.113.9"), parse("2001:db8::9")]
}

/// A pod's address; `n` tells the node, from 0.
pub(super) fn pod(n: usize, number: u8, family: Family) -> IpAddr {
    let node = n + 1;
    match family {
        Family::V4 => parse(&format!("10.{node}.0.{number}")),
        Family::V6 => parse(&format!("fd0{node}::{number:x}")),
    }
}

/// Some of the ranges, in their order.
pub(super) fn subsequence(ranges: &'static [&'static str]) -> impl Strategy<Value = Vec<IpNet>> {
    prop::sample::subsequence(ranges, 0..=ranges.len())
        .prop_map(|texts| texts.into_iter().map(parse).collect())
}
