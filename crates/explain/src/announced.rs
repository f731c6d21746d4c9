//! Who gave a load balancer's address, and which node answers for it on the wire?

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use announce::{Contender, Ranking, rank};
use model::{
    AddressPool, Advertising, Announced, Announcing, Mac, NodeName, Service, TrafficPolicy, Way,
};

use crate::scene::{Scene, field_of};
use crate::start::ASK_ANOTHER;
use crate::trace::{Certainty, Hop, Object, Origin, Stage};
use crate::verdict::{Outcome, Verdict};
use crate::view::View;
use crate::warning::{Warning, WarningKind};

/// What an agent knows of load balancers' addresses that takes part in announcing them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Addresses {
    /// The way of Services that name no class; absent where they are somebody else's.
    pub default_way: Option<Way>,
    /// Who says to this agent that it answers. An address whose candidates do not speak with this
    /// node is not among them.
    pub owners: BTreeMap<IpAddr, Vec<NodeName>>,
    /// From which link-layer addresses nodes may announce, as far as this agent hears it.
    pub macs: BTreeMap<NodeName, Vec<Mac>>,
}

/// Nodes that are named one by one.
const NAMED_MAX: usize = 5;

/// Where a packet from outside goes, to an address that the network knows nothing of but what nodes
/// say.
pub(crate) enum Arrival {
    /// To the node that answers.
    Node(NodeName, Vec<Hop>),
    /// To nobody: why.
    Nobody(String, Vec<Hop>),
}

/// A load balancer's address, its Service and its pool.
struct Held<'a> {
    service: &'a Arc<Service>,
    sharing: usize,
    pool: Option<&'a Arc<AddressPool>>,
}

fn held<'a>(view: &View<'a>, address: IpAddr) -> Option<Held<'a>> {
    let has = |service: &&'a Arc<Service>| {
        service.external.iter().any(|it| it.load_balancer && it.address == address)
    };
    let mut all = view.cluster().services.values().filter(has);
    let service = all.next()?;
    let pool = view.cluster().pool_of(address);
    Some(Held { service, sharing: all.count(), pool })
}

/// Where the address comes from. Absent where it is no load balancer's.
pub(crate) fn allocated(view: &View<'_>, address: IpAddr) -> Option<Hop> {
    let addresses = view.addresses?;
    let held = held(view, address)?;
    let name = &held.service.name;
    let class = held.service.load_balancer().and_then(|asked| asked.class.as_deref());
    let mut origins = Vec::new();
    let who = match Way::of(class, addresses.default_way) {
        None => {
            let class = class.map_or_else(|| "none".to_owned(), str::to_owned);
            origins.push(Origin::new(Object::service(name), "spec.loadBalancerClass", &class));
            format!("somebody else gave {address} to Service {name}, whose class is {class}")
        }
        Some(Way::Vip) => match held.pool {
            Some(pool) => {
                let object = Object::from(&pool.object);
                let says = format!("{address} of {object} was given to Service {name}");
                origins.push(Origin::new(object, "spec.addresses", ""));
                says
            }
            None => format!("no pool has {address}; Service {name} was given it all the same"),
        },
        Some(Way::NodeIp) => {
            format!("Service {name} is reached by addresses that nodes have: {address} is one")
        }
        Some(Way::NodePort) => {
            format!(
                "a balancer outside has {address}, and leads it to node ports of Service {name}"
            )
        }
    };
    let says = match held.sharing {
        0 => who,
        1 => format!("{who}, and another Service shares it"),
        n => format!("{who}, and {n} other Services share it"),
    };
    origins.push(Origin::new(Object::service(name), "status.loadBalancer.ingress", address));
    Some(Hop::new(Stage::Allocate, None, says, origins))
}

/// Which node gets a packet from outside. Absent where no agent of this cluster answers for the address.
pub(crate) fn arrival(view: &View<'_>, address: IpAddr) -> Option<Arrival> {
    let addresses = view.addresses?;
    let held = held(view, address)?;
    let asked = held.service.load_balancer()?;
    let way = Way::of(asked.class.as_deref(), addresses.default_way);
    if way != Some(Way::Vip) {
        return None;
    }
    let pool = held.pool?;
    let advertising = Advertising::new(view.cluster());
    let Some(announced) = advertising.announced(held.service, address, &view.here.node.name) else {
        let hop = silent(pool, address);
        return Some(Arrival::Nobody(format!("no node answers for {address}"), vec![hop]));
    };
    let ranking = ranking(&announced, address);
    let excluded = excluded(view, &advertising, &held, &announced);
    Some(answering(addresses, (pool, address), &ranking, &excluded))
}

/// What becomes of connections when another node answers for the address.
pub(crate) fn owner_change(scene: &Scene<'_>, verdict: &Verdict) -> Option<Warning> {
    if verdict.outcome != Outcome::Forward {
        return None;
    }
    let (service, _, _) = scene.table.frontend(&scene.packet.frontend())?;
    let (policy, why) = match service.service.external_policy {
        TrafficPolicy::Cluster => {
            let why = "endpoints answer to the node that the connection came through, and no other \
                       node knows it";
            ("Cluster", why)
        }
        TrafficPolicy::Local => ("Local", "only the owner's own endpoints serve"),
    };
    let says = format!(
        "connections through {} end when another node comes to answer for it: {why}",
        scene.packet.destination
    );
    let origin = field_of(service, "spec.externalTrafficPolicy", policy);
    Some(Warning { origins: vec![origin], ..Warning::new(WarningKind::OwnerChange, says) })
}

/// About an address that is free.
pub(crate) fn unallocated(view: &View<'_>, address: IpAddr) -> Option<Warning> {
    view.addresses?;
    if held(view, address).is_some() {
        return None;
    }
    let object = Object::from(&view.cluster().pool_of(address)?.object);
    let says = format!("{address} is of {object}, and no Service has it: no node answers for it");
    let origin = Origin::new(object, "spec.addresses", "");
    Some(Warning { origins: vec![origin], ..Warning::new(WarningKind::Unallocated, says) })
}

fn ranking(announced: &Announced, address: IpAddr) -> Ranking {
    let contenders = announced
        .candidates
        .iter()
        .map(|(node, score)| Contender { node: node.clone(), score: i64::from(*score) });
    rank(address, contenders)
}

/// The pool is announced by nobody, or not to this Service's clients.
fn silent(pool: &AddressPool, address: IpAddr) -> Hop {
    let object = Object::from(&pool.object);
    let is_never = pool.announcing == Announcing::Never;
    let (says, field, value) = if is_never {
        let says = format!("no node answers for {address}: {object} leaves that to others");
        (says, "spec.announce", "false")
    } else {
        let says = format!(
            "no node answers for {address}: there are advertisements, and none selects {object} and the \
             Service"
        );
        (says, "metadata.name", &*pool.name.0)
    };
    let mut hop = Hop::new(Stage::Announce, None, says, vec![Origin::new(object, field, value)]);
    let change = if is_never { "announce: true" } else { "an L2Advertisement that selects both" };
    hop.change = Some(format!("{change}, or routes to a node"));
    hop
}

/// Who is no candidate, and why.
fn excluded(
    view: &View<'_>,
    advertising: &Advertising,
    held: &Held<'_>,
    announced: &Announced,
) -> Vec<String> {
    let nodes = view.cluster().nodes.keys();
    let why = |node: &NodeName| advertising.exclusion(held.service, announced, node);
    let all: Vec<String> =
        nodes.filter_map(|node| Some(format!("node {node} does not: {}", why(node)?))).collect();
    first(all, "nodes do not")
}

/// The first few of them, and how many more there are.
fn first(mut all: Vec<String>, rest: &str) -> Vec<String> {
    let more = all.len().saturating_sub(NAMED_MAX);
    all.truncate(NAMED_MAX);
    if more > 0 {
        all.push(format!("{more} more {rest}"));
    }
    all
}

fn answering(
    known: &Addresses,
    (pool, address): (&AddressPool, IpAddr),
    ranking: &Ranking,
    excluded: &[String],
) -> Arrival {
    let heard = known.owners.get(&address).map_or(&[][..], Vec::as_slice);
    let object = Object::from(&pool.object);
    let origins = vec![Origin::new(object, "spec.addresses", "")];
    let nodes = ranking.nodes();
    let by_order = nodes.first();
    let Some(owner) = heard.first().or(by_order) else {
        let says = said(format!("no node may answer for {address}"), excluded);
        let mut hop = Hop::new(Stage::Announce, None, says, origins);
        hop.change = Some("a node that is a candidate".to_owned());
        return Arrival::Nobody(format!("no node answers for {address}"), vec![hop]);
    };
    let is_first = by_order == Some(owner);
    let others: Vec<String> =
        nodes.iter().filter(|it| !is_first || *it != owner).map(ToString::to_string).collect();
    let others = match others.as_slice() {
        [] => "nobody else is a candidate".to_owned(),
        _ if is_first => format!("after it would {}", first(others, "nodes").join(", ")),
        _ => format!("their order is {}", first(others, "nodes").join(", ")),
    };
    let lead = match heard {
        [] => format!("node {owner} answers for {address}, as the first of the candidates"),
        [_] if is_first => {
            format!("node {owner} answers for {address}, and is the first of the candidates")
        }
        [_] => {
            format!("node {owner} answers for {address} now, though it is not the first candidate")
        }
        _ => {
            let all: Vec<String> = heard.iter().map(ToString::to_string).collect();
            format!("nodes {} all answer for {address} now", all.join(", "))
        }
    };
    let says = said(format!("{lead}; {others}"), excluded);
    let mut announce = Hop::new(Stage::Announce, Some(owner), says, origins);
    if !heard.is_empty() {
        announce.certainty = Certainty::Observed;
    }
    let says = format!(
        "neighbour tables of the segment lead {address} to the link-layer address of node {owner}, \
         {}so that node gets the packet",
        known.macs.get(owner).map(|macs| one_of(macs)).unwrap_or_default()
    );
    let mut arrive = Hop::new(Stage::Arrive, Some(owner), says, Vec::new());
    if heard.is_empty() {
        arrive.change = Some(ASK_ANOTHER.to_owned());
    }
    Arrival::Node(owner.clone(), vec![announce, arrive])
}

/// Which of them it is depends on the link that the asker is on.
fn one_of(macs: &[Mac]) -> String {
    let texts: Vec<String> = macs.iter().map(ToString::to_string).collect();
    match texts.as_slice() {
        [] => String::new(),
        [one] => format!("{one}, "),
        _ => format!("one of {}, ", texts.join(" and ")),
    }
}

fn said(lead: String, excluded: &[String]) -> String {
    if excluded.is_empty() { lead } else { format!("{lead}; {}", excluded.join("; ")) }
}
