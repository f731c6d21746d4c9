//! What is known, to explain from?

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use model::{
    Family, Frontend, Node, NodeContext, NodeName, NodeTable, Pod, Rejection, Service, ServiceName,
    ServiceTable,
};

use crate::announced::Addresses;
use crate::cluster_dns::ClusterDns;
use crate::trace::{Object, Origin};

/// One moment of a cluster, seen from one node.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The table of the node that is asked: this node.
    pub here: &'a NodeTable,
    /// What the agent of another node would know of that node, if it had the flags of this one.
    pub other_node: &'a dyn Fn(&Node) -> NodeContext,
    /// Everything that could not be accepted, by whoever found it.
    pub rejections: &'a [Rejection],
    /// What answers names.
    pub dns: &'a ClusterDns,
    /// Absent where there is no agent, but only objects.
    pub agent: Option<&'a Agent>,
    /// Absent where this program has nothing to do with load balancers' addresses.
    pub addresses: Option<&'a Addresses>,
}

/// How far the agent is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Agent {
    /// It has read all objects that there were at its start.
    pub is_synced: bool,
    /// The kernel has acknowledged something.
    pub is_applied: bool,
    /// Services of which the kernel has not taken the newest state, and why.
    pub waiting: BTreeMap<ServiceName, String>,
}

/// A node's table, as far as it matters for one frontend.
pub(crate) struct Seen<'a> {
    pub(crate) table: Cow<'a, NodeTable>,
    /// It is another node's, so its agent's flags are assumed.
    pub(crate) is_assumed: bool,
}

impl<'a> View<'a> {
    pub(crate) const fn cluster(&self) -> &'a ServiceTable {
        self.here.cluster()
    }

    pub(crate) fn is_here(&self, node: &NodeName) -> bool {
        self.here.node.name == *node
    }

    /// The table of a node, for packets to one frontend. `None` when nobody speaks of the node.
    pub(crate) fn seen(&self, node: &NodeName, frontend: &Frontend) -> Option<Seen<'a>> {
        if self.is_here(node) {
            return Some(Seen { table: Cow::Borrowed(self.here), is_assumed: false });
        }
        let known = self.cluster().nodes.get(node)?;
        let context = (self.other_node)(known);
        let matters = |service: &Service| {
            let addresses = service.external.iter().map(|external| external.address);
            addresses.chain(service.cluster_ips.iter().copied()).any(|it| it == frontend.address)
                || service.ports.iter().any(|port| port.node_port == Some(frontend.port))
        };
        let services = self.cluster().services.iter().filter(|(_, service)| matters(service));
        let table = ServiceTable {
            services: services.map(|(name, service)| (name.clone(), Arc::clone(service))).collect(),
            service_cidrs: Arc::clone(&self.here.service_cidrs),
            ..ServiceTable::default()
        };
        let table = NodeTable::new(context.into(), &table);
        Some(Seen { table: Cow::Owned(table), is_assumed: true })
    }

    /// The node that bears the address, as far as the objects tell; this one knows all of its own.
    pub(crate) fn node_of(&self, address: IpAddr) -> Option<NodeName> {
        if address.is_loopback() {
            return None;
        }
        if self.here.node.local_addresses.contains(&address) {
            return Some(self.here.node.name.clone());
        }
        let mut nodes = self.cluster().nodes.values();
        let bears =
            |node: &&Arc<Node>| !self.is_here(&node.name) && node.addresses.contains(&address);
        nodes.find(bears).map(|node| node.name.clone())
    }

    /// The field that says so, where it is the Node object and not the node's own kernel.
    pub(crate) fn says_of(&self, node: &NodeName, address: IpAddr) -> Option<Origin> {
        let object = self.cluster().nodes.get(node)?;
        let is_named = object.addresses.contains(&address);
        is_named.then(|| Origin::new(Object::new("Node", node), "status.addresses", address))
    }

    /// The address that a node speaks from: what its kernel would choose, as far as can be known.
    pub(crate) fn own_address(&self, context: &NodeContext, family: Family) -> Option<IpAddr> {
        let object = self.cluster().nodes.get(&context.name);
        let named = object.iter().flat_map(|node| node.addresses.iter());
        let accepting = context.node_port_addresses.iter();
        let others = context.local_addresses.iter().filter(|address| !address.is_loopback());
        let mut all = named.chain(accepting).chain(others).copied();
        all.find(|address| Family::of(*address) == family)
    }

    /// The Pod that has the address for itself.
    pub(crate) fn pod_at(&self, address: IpAddr) -> Option<&'a Pod> {
        let mut pods = self.cluster().pods.values().map(AsRef::as_ref);
        pods.find(|pod: &&Pod| !pod.host_network && pod.addresses.contains(&address))
    }

    /// The node that an address's endpoint is on, with the Service that says so.
    pub(crate) fn endpoint_at(&self, address: IpAddr) -> Option<(NodeName, ServiceName)> {
        let family = Family::of(address);
        self.cluster().services.values().find_map(|service| {
            let mut endpoints =
                service.ports.iter().flat_map(|port| port.endpoints.get(family).iter());
            let found = endpoints.find(|it| it.address.ip() == address && it.node.is_some())?;
            Some((found.node.clone()?, service.name.clone()))
        })
    }
}
