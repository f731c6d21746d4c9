//! Which endpoints can there be?

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU16;

use model::{Family, NodeName};
use proptest::prelude::*;

use super::universe::{self, OUTSIDE, of_family, pod};
use crate::cluster::{ConditionsSpec, EndpointSpec};

/// Where an endpoint is.
#[derive(Debug, Clone, Copy)]
enum Place {
    Pod { node: usize, number: u8 },
    HostNetwork { node: usize },
    Nowhere { number: usize },
}

pub(super) fn endpoint() -> impl Strategy<Value = EndpointSpec> {
    let place = prop_oneof![
        8 => (0..3_usize, 1..=4_u8).prop_map(|(node, number)| Place::Pod { node, number }),
        1 => (0..3_usize).prop_map(|node| Place::HostNetwork { node }),
        1 => (0..OUTSIDE.len()).prop_map(|number| Place::Nowhere { number }),
    ];
    let families = prop::sample::select(vec![
        vec![Family::V4, Family::V6],
        vec![Family::V4, Family::V6],
        vec![Family::V4],
        vec![Family::V6],
    ]);
    let slice = prop::sample::select(&["", "", "one", "two"][..]);
    (place, families, conditions(), hints(), ports(), slice).prop_map(
        |(place, families, conditions, (zones, nodes), ports, slice)| EndpointSpec {
            addresses: families.into_iter().map(|family| place.address(family)).collect(),
            node: place.node(),
            conditions,
            zones,
            nodes,
            ports,
            slice: slice.to_owned(),
            ..EndpointSpec::default()
        },
    )
}

/// Mostly all ports of the Service; else some of the names that Services use, with a number of its own
/// or without.
fn ports() -> impl Strategy<Value = Option<BTreeMap<String, Option<NonZeroU16>>>> {
    let number = prop::sample::select(&universe::TARGETS[..]).prop_map(NonZeroU16::new);
    let number = prop_oneof![1 => Just(None), 2 => number];
    let name = prop::sample::select(&["", "p0", "p1"][..]).prop_map(str::to_owned);
    prop::option::weighted(0.15, prop::collection::btree_map(name, number, 1..=2))
}

/// Of the eight, those that a controller writes; who is ready also serves.
pub(super) fn conditions() -> impl Strategy<Value = Option<ConditionsSpec>> {
    let of = |ready, serving, terminating| Some(ConditionsSpec { ready, serving, terminating });
    prop_oneof![
        2 => Just(None),
        6 => Just(of(true, true, false)),
        1 => Just(of(true, true, true)),
        1 => Just(of(false, true, false)),
        2 => Just(of(false, true, true)),
        1 => Just(of(false, false, true)),
        1 => Just(of(false, false, false)),
    ]
}

/// Mostly none or for all zones, since one endpoint without hints makes all others void.
fn hints() -> impl Strategy<Value = (Vec<String>, Vec<NodeName>)> {
    let texts = |all: &'static [&'static str]| {
        prop_oneof![
            1 => Just(Vec::new()),
            1 => prop::sample::subsequence(all, 1..=all.len()),
        ]
    };
    let zones = texts(&universe::ZONES).prop_map(|it| it.into_iter().map(str::to_owned).collect());
    let nodes = texts(&["a", "b"]).prop_map(|it| it.into_iter().map(NodeName::new).collect());
    (zones, nodes)
}

impl Place {
    fn address(self, family: Family) -> IpAddr {
        match self {
            Self::Pod { node, number } => pod(node, number, family),
            Self::HostNetwork { node } => {
                let (_, spec) = universe::node(node);
                let of_family = |it: &IpAddr| Family::of(*it) == family;
                spec.addresses.into_iter().find(of_family).expect("a node has both families")
            }
            Self::Nowhere { number } => {
                of_family(*OUTSIDE.get(number).expect("drawn from its length"), family)
            }
        }
    }

    fn node(self) -> Option<NodeName> {
        match self {
            Self::Pod { node, .. } | Self::HostNetwork { node } => Some(universe::node(node).0),
            Self::Nowhere { .. } => None,
        }
    }
}
