//! Where does the first packet come into sight, and from which address?

use std::net::IpAddr;
use std::sync::Arc;

use model::{DetectLocal, Family, Frontend, NodeContext, NodeName, Packet};

use crate::announced::{self, Arrival};
use crate::place::{Asker, Place, by_address};
use crate::question::Refusal;
use crate::trace::{Hop, Object, Stage};
use crate::view::View;

/// The first packet, at the node that first sees it.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) node: NodeName,
    pub(crate) packet: Packet,
    /// The node that the client is on, where that is known.
    pub(crate) client_node: Option<NodeName>,
    pub(crate) from: Hop,
    /// How it comes to the node, where that is not plain.
    pub(crate) arrive: Vec<Hop>,
    /// Why it comes to no node at all.
    pub(crate) unanswered: Option<String>,
}

/// Addresses that documents use, for a client that has none.
const OUTSIDE: [&str; 6] =
    ["198.51.100.1", "203.0.113.1", "192.0.2.1", "2001:db8::1", "2001:db8:1::1", "3fff::1"];

/// What helps where only the network knows which node gets a packet.
pub(crate) const ASK_ANOTHER: &str = "another node in its place, whose agent can be asked";

impl Asker {
    /// The packet for a frontend, at the node that first sees it.
    pub(crate) fn start(&self, view: &View<'_>, frontend: &Frontend) -> Result<Start, Refusal> {
        let family = frontend.family();
        let address = self.addresses.iter().copied().find(|it| Family::of(*it) == family);
        if address.is_none() && !self.addresses.is_empty() {
            let what = format!("{} has no {family} address, to reach {frontend}", self.name);
            return Err(Refusal::absent(what, "-4 and -6 choose among addresses of the target"));
        }
        match &self.place {
            Place::Node(node) => self.start_at_node(view, node, address, frontend),
            Place::Pod(node) => {
                let source = address.ok_or_else(|| no_address(&self.name, family))?;
                self.start_at_pod(view, node, source, frontend)
            }
            Place::Arriving(interface) => {
                let source = address.ok_or_else(|| no_address(&self.name, family))?;
                let node = view.here.node.name.clone();
                let says = format!("a packet of {source} arrives at node {node} on {interface}");
                Ok(Start {
                    packet: packet(source, frontend, Some(Arc::clone(interface))),
                    client_node: by_address(view, source).place.node(),
                    from: Hop::new(Stage::From, Some(&node), says, Vec::new()),
                    arrive: Vec::new(),
                    unanswered: None,
                    node,
                })
            }
            Place::Outside => self.start_outside(view, address, frontend),
        }
    }

    fn start_at_node(
        &self,
        view: &View<'_>,
        node: &NodeName,
        address: Option<IpAddr>,
        frontend: &Frontend,
    ) -> Result<Start, Refusal> {
        let context = context(view, node, frontend)?;
        let is_to_itself = context.local_addresses.contains(&frontend.address);
        let chosen = address.or_else(|| {
            let own = view.own_address(&context, frontend.family());
            is_to_itself.then_some(frontend.address).or(own)
        });
        let Some(source) = chosen else {
            let family = frontend.family();
            let what = format!("no {family} address of node {node} is known");
            let hint = format!("give it with --from, or in status.addresses of Node {node}");
            return Err(Refusal::absent(what, hint));
        };
        let why =
            if address.is_none() && is_to_itself { ", as the destination is its own" } else { "" };
        let who = if self.name.starts_with("pod/") {
            format!("{} is on the network of node {node}, and", self.name)
        } else {
            format!("node {node}")
        };
        let says = format!("{who} asks from {source}{why}");
        Ok(Start {
            node: node.clone(),
            packet: packet(source, frontend, None),
            client_node: Some(node.clone()),
            from: Hop::new(Stage::From, Some(node), says, self.origins.clone()),
            arrive: Vec::new(),
            unanswered: None,
        })
    }

    fn start_at_pod(
        &self,
        view: &View<'_>,
        node: &NodeName,
        source: IpAddr,
        frontend: &Frontend,
    ) -> Result<Start, Refusal> {
        let context = context(view, node, frontend)?;
        // The agent takes whatever has such an address for a pod of its own.
        let is_taken = self.origins.first().is_some_and(|origin| origin.object == Object::agent());
        let says = if is_taken {
            format!("{source} asks, which is taken for a pod on node {node}")
        } else if self.name == source.to_string() {
            format!("{source} asks, a pod on node {node}")
        } else {
            format!("{} asks from {source}, on node {node}", self.name)
        };
        Ok(Start {
            node: node.clone(),
            packet: packet(source, frontend, Some(pod_interface(&context))),
            client_node: Some(node.clone()),
            from: Hop::new(Stage::From, Some(node), says, self.origins.clone()),
            arrive: Vec::new(),
            unanswered: None,
        })
    }

    fn start_outside(
        &self,
        view: &View<'_>,
        address: Option<IpAddr>,
        frontend: &Frontend,
    ) -> Result<Start, Refusal> {
        let Arriving { node, hops, unanswered } = arrival(view, frontend);
        let context = context(view, &node, frontend)?;
        let interface = outside_interface(&context.detect_local);
        let source = match address {
            Some(address) => address,
            None => stand_in(view, &node, frontend, &interface)?,
        };
        let says = if address.is_some() {
            format!("{source} asks, from outside of the cluster")
        } else {
            format!("a client outside of the cluster asks; {source} stands for it")
        };
        Ok(Start {
            packet: packet(source, frontend, Some(interface)),
            client_node: None,
            from: Hop::new(Stage::From, None, says, Vec::new()),
            arrive: hops,
            unanswered,
            node,
        })
    }
}

fn no_address(name: &str, family: Family) -> Refusal {
    Refusal::absent(format!("{name} has no {family} address"), "-4 and -6 choose the family")
}

/// To which node the network brings a packet, and how.
struct Arriving {
    node: NodeName,
    hops: Vec<Hop>,
    unanswered: Option<String>,
}

impl Arriving {
    fn at(node: NodeName, hop: Hop) -> Self {
        Self { node, hops: vec![hop], unanswered: None }
    }
}

/// To which node the network brings a packet from outside.
fn arrival(view: &View<'_>, frontend: &Frontend) -> Arriving {
    let address = frontend.address;
    if let Some(node) = view.node_of(address) {
        let says = format!("{address} is an address of node {node}, so that node gets the packet");
        let origins = view.says_of(&node, address).into_iter().collect();
        let hop = Hop::new(Stage::Arrive, Some(&node), says, origins);
        return Arriving::at(node, hop);
    }
    match announced::arrival(view, address) {
        Some(Arrival::Node(node, hops)) => return Arriving { node, hops, unanswered: None },
        Some(Arrival::Nobody(says, hops)) => {
            let node = view.here.node.name.clone();
            return Arriving { node, hops, unanswered: Some(says) };
        }
        None => {}
    }
    let node = view.here.node.name.clone();
    let says = if view.here.is_cluster_ip(address) {
        format!(
            "{address} is a ClusterIP, to which no router outside leads unless somebody made it \
             so; here the packet is taken to come to node {node}"
        )
    } else {
        format!(
            "who answers for {address} on the network decides which node gets the packet; here it \
             is taken to be node {node}"
        )
    };
    let mut hop = Hop::new(Stage::Arrive, Some(&node), says, Vec::new());
    hop.change = Some(ASK_ANOTHER.to_owned());
    Arriving::at(node, hop)
}

/// An address for a client that is only said to be outside: one that the frontend admits, if it
/// admits any from outside.
fn stand_in(
    view: &View<'_>,
    node: &NodeName,
    frontend: &Frontend,
    interface: &Arc<str>,
) -> Result<IpAddr, Refusal> {
    let seen = view.seen(node, frontend).ok_or_else(|| unknown_node(node))?;
    let context = &seen.table.node;
    let is_outside = |address: &IpAddr| {
        let packet = packet(*address, frontend, Some(Arc::clone(interface)));
        !context.is_inside(&packet) && view.node_of(*address).is_none()
    };
    let allowed = seen.table.frontend(frontend).and_then(|(_, _, held)| held.allowed.clone());
    let admitted = allowed.iter().flat_map(|nets| nets.iter()).flat_map(|net| {
        // The first address of a network is seldom a client's.
        [net.hosts().nth(1), net.hosts().next(), Some(net.addr())].into_iter().flatten()
    });
    let documented = OUTSIDE.iter().filter_map(|text| text.parse::<IpAddr>().ok());
    let all = admitted.chain(documented);
    let mut of_family = all.filter(|address| Family::of(*address) == frontend.family());
    of_family.find(is_outside).ok_or_else(|| {
        let hint = "name a client: --from IP";
        Refusal::absent(format!("every address is inside for node {node}"), hint)
    })
}

pub(crate) fn unknown_node(node: &NodeName) -> Refusal {
    Refusal::absent(format!("no such node: {node}"), "the objects have no Node of that name")
}

fn context(
    view: &View<'_>,
    node: &NodeName,
    frontend: &Frontend,
) -> Result<Arc<NodeContext>, Refusal> {
    let seen = view.seen(node, frontend).ok_or_else(|| unknown_node(node))?;
    Ok(Arc::clone(&seen.table.node))
}

pub(crate) const fn packet(
    source: IpAddr,
    frontend: &Frontend,
    interface: Option<Arc<str>>,
) -> Packet {
    Packet {
        source,
        destination: frontend.address,
        protocol: frontend.protocol,
        destination_port: frontend.port,
        interface,
    }
}

/// An interface that a pod's packets come from, as far as the node tells pods by that.
fn pod_interface(context: &NodeContext) -> Arc<str> {
    match &context.detect_local {
        DetectLocal::Bridge(name) => Arc::clone(name),
        DetectLocal::InterfacePrefix(prefix) => format!("{prefix}0").into(),
        DetectLocal::Never | DetectLocal::Cidrs(_) => "pod".into(),
    }
}

/// An interface that no pod is on.
pub(crate) fn outside_interface(detect_local: &DetectLocal) -> Arc<str> {
    let is_for_pods = |name: &&str| match detect_local {
        DetectLocal::Bridge(bridge) => **bridge == **name,
        DetectLocal::InterfacePrefix(prefix) => name.starts_with(&**prefix),
        DetectLocal::Never | DetectLocal::Cidrs(_) => false,
    };
    let mut names = ["eth0", "world"].into_iter();
    names.find(|name| !is_for_pods(name)).unwrap_or_default().into()
}
