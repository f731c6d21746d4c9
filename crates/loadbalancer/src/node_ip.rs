//! Which nodes' own addresses lead to a Service, and at which of its ports?
//!
//! A node is used if nothing stands in the way at any port: another Service's node port, or a program
//! on the node's network that the cluster knows as an endpoint. Of two Services of this way that want
//! one port the older has it; the other one is told so for the port. What else listens on a node is not
//! known here.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::num::NonZeroU16;

use ingest::api::{Ingress, IngressPort, IntOrString};
use model::{Family, Node, NodeName, Protocol, Service, ServiceName, ServiceTable, TrafficPolicy};

use crate::event::Event;
use crate::seen::Seen;
use crate::wanted::Wanted;

/// On Nodes: where one has it with the value `true`, only those that do are used.
const ENABLED: &str = "pogu.dev/node-ip";

/// On Nodes and on Services: a Service that has it uses only the nodes with the same value.
const POOL: &str = "pogu.dev/node-ip-pool";

/// The error of a port that another Service has. Names of one's own have a domain.
const PORT_TAKEN: &str = "pogu.dev/PortTaken";

type Port = (IpAddr, Protocol, NonZeroU16);

/// What ports of nodes are in use for.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    /// On all nodes.
    node_ports: BTreeMap<(Protocol, NonZeroU16), ServiceName>,
    /// Endpoints on the network of a node, with the Services that have them.
    endpoints: BTreeMap<Port, BTreeSet<ServiceName>>,
    /// Who of the Services of this way has a port: the oldest that wants it.
    held: BTreeMap<Port, ServiceName>,
}

impl Listeners {
    pub(crate) fn of(cluster: &ServiceTable) -> Self {
        let own: BTreeSet<IpAddr> =
            cluster.nodes.values().flat_map(|node| node.addresses.iter().copied()).collect();
        let mut all = Self::default();
        for service in cluster.services.values() {
            for port in &service.ports {
                if let Some(number) = port.node_port {
                    all.node_ports.insert((port.protocol, number), service.name.clone());
                }
                let endpoints = port.endpoints.v4.iter().chain(port.endpoints.v6.iter());
                for address in endpoints.map(|it| it.address) {
                    if let Some(number) = NonZeroU16::new(address.port())
                        && own.contains(&address.ip())
                    {
                        let users = all.endpoints.entry((address.ip(), port.protocol, number));
                        users.or_default().insert(service.name.clone());
                    }
                }
            }
        }
        all
    }

    /// Why a node cannot be used for a Service at these addresses.
    fn obstacle(&self, service: &Service, addresses: &[IpAddr]) -> Option<String> {
        service.ports.iter().find_map(|port| {
            let number = port.port;
            let shown = format!("port {number}/{}", port.protocol);
            if let Some(other) = self.node_ports.get(&(port.protocol, number)) {
                return Some(format!("{shown} is the node port of {other}"));
            }
            addresses.iter().find_map(|address| {
                let users = self.endpoints.get(&(*address, port.protocol, number))?;
                let other = users.iter().find(|_| !users.contains(&service.name))?;
                Some(format!("{shown} is an endpoint of {other}"))
            })
        })
    }

    /// Takes the ports of the address that nobody has; gives those that somebody else has.
    fn take(&mut self, service: &Service, address: IpAddr) -> BTreeMap<Port, ServiceName> {
        let mut taken = BTreeMap::new();
        for port in &service.ports {
            let key = (address, port.protocol, port.port);
            let holder = self.held.entry(key).or_insert_with(|| service.name.clone());
            if *holder != service.name {
                taken.insert(key, holder.clone());
            }
        }
        taken
    }
}

/// Older Services must have been asked for before.
pub(crate) fn wanted(
    seen: &Seen,
    service: &Service,
    cluster: &ServiceTable,
    listeners: &mut Listeners,
) -> Wanted {
    let (nodes, left_out) = nodes(service, cluster, listeners);
    let families = service.cluster_ips.iter().map(|ip| Family::of(*ip));
    let addresses: Vec<IpAddr> = families.flat_map(|it| addresses_of(&nodes, it)).collect();
    let mut taken = BTreeMap::new();
    let ingress: Vec<Ingress> = addresses
        .iter()
        .map(|address| {
            let of_address = listeners.take(service, *address);
            let ports = ports(service, *address, &of_address);
            taken.extend(of_address);
            Ingress {
                ip: Some(address.to_string()),
                ip_mode: Some("VIP".to_owned()),
                ports,
                ..Ingress::default()
            }
        })
        .collect();
    let why: Vec<String> = left_out.iter().map(|(node, why)| format!("{node}: {why}")).collect();
    if ingress.is_empty() {
        let message = if why.is_empty() {
            "there is no node that may be used".to_owned()
        } else {
            format!("no node can be used: {}", why.join("; "))
        };
        let events = vec![Event::warning("UnAvailableLoadBalancer", message.clone())];
        return Wanted { ingress, is_true: false, reason: "NoNode", message, events };
    }
    told(seen, ingress, &taken, &why)
}

fn told(
    seen: &Seen,
    ingress: Vec<Ingress>,
    taken: &BTreeMap<Port, ServiceName>,
    left_out: &[String],
) -> Wanted {
    let addresses: Vec<&str> = ingress.iter().filter_map(|it| it.ip.as_deref()).collect();
    let mut message = format!("addresses of nodes: {}", addresses.join(", "));
    let verb = if seen.ingress.is_empty() { "EnsuredLoadBalancer" } else { "UpdatedLoadBalancer" };
    let mut events = vec![Event::normal(verb, message.clone())];
    let by_port: BTreeMap<_, _> =
        taken.iter().map(|((_, protocol, port), holder)| ((*port, *protocol), holder)).collect();
    let ports = by_port
        .iter()
        .map(|((port, protocol), holder)| format!("port {port}/{protocol} is taken by {holder}"));
    let missing: Vec<String> = ports.chain(left_out.iter().cloned()).collect();
    let reason = if missing.is_empty() { "Allocated" } else { "PartlyAllocated" };
    if !missing.is_empty() {
        let missing = missing.join("; ");
        events.push(Event::warning("SyncLoadBalancerFailed", missing.clone()));
        message = format!("{message}; {missing}");
    }
    Wanted { ingress, is_true: true, reason, message, events }
}

/// Those that may be used, and why others that should be are not.
fn nodes<'a>(
    service: &Service,
    cluster: &'a ServiceTable,
    listeners: &Listeners,
) -> (Vec<&'a Node>, BTreeMap<NodeName, String>) {
    let is_enabled = |node: &Node| node.labels.get(ENABLED).is_some_and(|it| &**it == "true");
    let is_chosen = cluster.nodes.values().any(|node| is_enabled(node));
    let pool = service.load_balancer().and_then(|asked| asked.labels.get(POOL));
    let is_local = service.external_policy == TrafficPolicy::Local;
    let serving = service.serving_nodes();
    let may = |node: &&Node| {
        node.exclusion().is_none()
            && (!is_chosen || is_enabled(node))
            && pool.is_none_or(|pool| node.labels.get(POOL) == Some(pool))
            && (!is_local || serving.contains(&node.name))
    };
    let (mut used, mut left_out) = (Vec::new(), BTreeMap::new());
    for node in cluster.nodes.values().map(|node| &**node).filter(may) {
        match listeners.obstacle(service, &node.addresses) {
            Some(why) => drop(left_out.insert(node.name.clone(), why)),
            None => used.push(node),
        }
    }
    (used, left_out)
}

/// The external ones, where a node has any of the family; sorted, since nodes have no order.
fn addresses_of(nodes: &[&Node], family: Family) -> BTreeSet<IpAddr> {
    let of = |addresses: fn(&Node) -> &[IpAddr]| -> BTreeSet<IpAddr> {
        let all = nodes.iter().flat_map(|node| addresses(node).iter().copied());
        all.filter(|address| Family::of(*address) == family).collect()
    };
    let external = of(Node::external_addresses);
    if external.is_empty() { of(Node::internal_addresses) } else { external }
}

/// Nothing where all are well; else an entry for each.
fn ports(
    service: &Service,
    address: IpAddr,
    taken: &BTreeMap<Port, ServiceName>,
) -> Vec<IngressPort> {
    if taken.is_empty() {
        return Vec::new();
    }
    let entry = |port: &model::ServicePort| {
        let is_taken = taken.contains_key(&(address, port.protocol, port.port));
        IngressPort {
            port: Some(IntOrString::Int(port.port.get().into())),
            protocol: Some(port.protocol.to_string()),
            error: is_taken.then(|| PORT_TAKEN.to_owned()),
        }
    };
    service.ports.iter().map(entry).collect()
}
