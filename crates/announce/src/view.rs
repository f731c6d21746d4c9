//! What must a node know to answer for addresses?

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use ipnet::IpNet;
use model::{Family, Mac, NodeName};

/// What the cluster and this node's dataplane say. Replaced whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    pub vips: BTreeMap<IpAddr, Vip>,
    /// Where the agents of the other nodes are reached, the preferred address first.
    pub nodes: BTreeMap<NodeName, Vec<IpAddr>>,
    /// How new that is, by a number that grows for all nodes alike, as resource versions do; 0 if none does.
    /// Of two that know different candidates and both answer, the one with the older view yields.
    pub revision: u64,
}

/// An address of Services that nodes answer for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vip {
    /// In their order: see [`crate::rank`].
    pub candidates: Arc<[NodeName]>,
    /// Whether this node would do with a packet for the address what it must: its rules are in the
    /// kernel.
    pub is_served: bool,
    /// The links that it may be announced on, by name; `None`: on all.
    pub interfaces: Option<BTreeSet<Arc<str>>>,
}

/// A link on which addresses can be announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number for it.
    pub index: u32,
    pub name: Arc<str>,
    pub mac: Mac,
    /// It is up and has a carrier.
    pub is_up: bool,
    /// It forwards what is not for itself: then its neighbours are told so.
    pub is_router: bool,
    /// This node's addresses there.
    pub addresses: Vec<IpAddr>,
    /// What is directly there, by the routing table.
    pub networks: Vec<IpNet>,
    /// The routers there that this node uses.
    pub gateways: Vec<IpAddr>,
}

impl Link {
    /// Whether the address is one that hosts on this link look for on it.
    #[must_use]
    pub fn covers(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// The networks there that the address is of.
    pub(crate) fn networks_of(&self, address: IpAddr) -> impl Iterator<Item = IpNet> {
        self.networks.iter().filter(move |network| network.contains(&address)).copied()
    }

    /// An address of this node to ask another one there with.
    pub(crate) fn own_address(&self, family: Family) -> Option<IpAddr> {
        let of_family = |address: &&IpAddr| Family::of(**address) == family;
        let is_local = |address: &IpAddr| match address {
            IpAddr::V4(_) => true,
            IpAddr::V6(address) => Ipv6Addr::is_unicast_link_local(address),
        };
        let mut own = self.addresses.iter().filter(of_family);
        own.clone().find(|address| is_local(address)).or_else(|| own.next()).copied()
    }
}
