//! A cluster under virtual time: nodes that run the state machine, links that carry their frames, a
//! network between their agents, and a host that looks for an address.

mod client;
mod fault;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipnet::IpNet;
use model::{Mac, NodeName};

pub(super) use client::{Client, neighbour_moves};
pub(super) use fault::{Fault, Way};

use crate::wire;
use crate::{Action, Announcer, Contender, Event, Link, Role, Settings, View, Vip, rank};

pub(super) const LINK: u32 = 7;
/// Another segment, with networks of its own.
pub(super) const SECOND_LINK: u32 = 8;

pub(super) const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// What the nodes of a world are like.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) nodes: usize,
    pub(super) vips: Vec<IpAddr>,
    /// How late a node wakes up, at most.
    pub(super) jitter: Duration,
    /// How late it learns what changed in the cluster, at most.
    pub(super) view_lag: Duration,
    /// Of a thousand frames or datagrams, so many are lost.
    pub(super) loss_permille: u64,
    pub(super) has_gateway: bool,
    pub(super) has_second_link: bool,
    /// Who may answer for an address, where that is not everybody.
    pub(super) members: BTreeMap<IpAddr, BTreeSet<usize>>,
    /// Nodes on which no agent runs.
    pub(super) agentless: BTreeSet<usize>,
    pub(super) seed: u64,
}

impl Plan {
    pub(super) fn new(nodes: usize, vips: &[&str]) -> Self {
        Self {
            nodes,
            vips: vips.iter().map(|vip| vip.parse().expect("an address")).collect(),
            jitter: ms(2),
            view_lag: ms(0),
            loss_permille: 0,
            has_gateway: true,
            has_second_link: false,
            members: BTreeMap::new(),
            agentless: BTreeSet::new(),
            seed: 1,
        }
    }
}

#[expect(clippy::struct_excessive_bools, reason = "each is something that goes wrong by itself")]
/// A node: what is on it is gone when it is dead, and stands still when it is frozen.
pub(super) struct Host {
    pub(super) announcer: Option<Announcer>,
    pub(super) is_frozen: bool,
    pub(super) is_served: bool,
    /// Taken from the list of candidates.
    pub(super) is_excluded: bool,
    /// It learns nothing new of the cluster.
    pub(super) is_stalled: bool,
    /// Who it takes to be excluded, and of when that is.
    pub(super) seen: (BTreeSet<usize>, u64),
    /// Nodes that are missing in its view.
    pub(super) unseen: BTreeSet<usize>,
    is_link_up: bool,
    life: u64,
    inbox: Vec<Input>,
    wake_at: Option<Duration>,
    pub(super) told: Vec<(Duration, Event)>,
}

#[derive(Clone)]
enum Input {
    Hello { from: IpAddr, bytes: Vec<u8> },
    Frame { link: u32, bytes: Vec<u8> },
}

enum Happening {
    Deliver { to: usize, input: Input },
    Wake { node: usize },
    Fault(Fault),
}

pub(super) struct World {
    pub(super) now: Duration,
    pub(super) plan: Plan,
    pub(super) hosts: Vec<Host>,
    pub(super) client: Client,
    pub(super) squatters: BTreeMap<IpAddr, Mac>,
    /// Grows with each change of the cluster.
    pub(super) revision: u64,
    queue: BTreeMap<(Duration, u64), Happening>,
    serial: u64,
    random: u64,
    /// Which ways are closed.
    pub(super) closed: BTreeSet<Way>,
    /// Changes of owner, by time.
    pub(super) changes: Vec<(Duration, IpAddr, usize)>,
    /// How long two nodes that are heard have had one address at once, at most.
    pub(super) two_owners_longest: Duration,
    two_since: BTreeMap<IpAddr, Duration>,
    /// How long nobody that is heard has had an address, at most, since somebody had it first.
    pub(super) no_owner_longest: Duration,
    no_owner_since: BTreeMap<IpAddr, Option<Duration>>,
}

pub(super) fn name(node: usize) -> NodeName {
    NodeName::new(format!("node-{node}"))
}

pub(super) fn mac(node: usize) -> Mac {
    let [high, low] = u16::try_from(node).expect("few nodes").to_be_bytes();
    Mac([2, 0, 0, 0, high, low])
}

fn second_mac(node: usize) -> Mac {
    let Mac([first, .., high, low]) = mac(node);
    Mac([first, 0, 0, 8, high, low])
}

fn second_network() -> IpNet {
    "172.16.0.0/12".parse().expect("a network")
}

fn second_address(node: usize) -> IpAddr {
    let [high, low] = u16::try_from(node).expect("few nodes").to_be_bytes();
    Ipv4Addr::new(172, 16, high, low).into()
}

fn control_address(node: usize) -> IpAddr {
    let [high, low] = u16::try_from(node).expect("few nodes").to_be_bytes();
    Ipv4Addr::new(192, 168, high, low).into()
}

fn segment_address(node: usize) -> IpAddr {
    let [high, low] = u16::try_from(node).expect("few nodes").to_be_bytes();
    Ipv4Addr::new(10, 0, high, low).into()
}

pub(super) const GATEWAY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 255, 254));

impl World {
    pub(super) fn new(plan: Plan) -> Self {
        let host = |_| Host {
            announcer: None,
            is_frozen: false,
            is_served: true,
            is_excluded: false,
            is_stalled: false,
            seen: (BTreeSet::new(), 1),
            unseen: BTreeSet::new(),
            is_link_up: true,
            life: 0,
            inbox: Vec::new(),
            wake_at: None,
            told: Vec::new(),
        };
        let mut world = Self {
            now: Duration::from_secs(1),
            hosts: (0..plan.nodes).map(host).collect(),
            client: Client::default(),
            squatters: BTreeMap::new(),
            revision: 1,
            queue: BTreeMap::new(),
            serial: 0,
            random: plan.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            closed: BTreeSet::new(),
            changes: Vec::new(),
            two_owners_longest: Duration::ZERO,
            two_since: BTreeMap::new(),
            no_owner_longest: Duration::ZERO,
            no_owner_since: BTreeMap::new(),
            plan,
        };
        (0..world.plan.nodes)
            .filter(|node| !world.plan.agentless.contains(node))
            .collect::<Vec<_>>()
            .into_iter()
            .for_each(|node| world.start(node));
        world
    }

    /// The order of the candidates for an address, as numbers of nodes.
    pub(super) fn order(&self, vip: IpAddr) -> Vec<usize> {
        self.order_without(vip, &self.excluded())
    }

    pub(super) fn excluded(&self) -> BTreeSet<usize> {
        (0..self.plan.nodes).filter(|node| self.hosts[*node].is_excluded).collect()
    }

    fn order_without(&self, vip: IpAddr, excluded: &BTreeSet<usize>) -> Vec<usize> {
        let members = self.plan.members.get(&vip);
        let contenders = (0..self.plan.nodes)
            .filter(|node| members.is_none_or(|members| members.contains(node)))
            .filter(|node| !excluded.contains(node))
            .map(|node| Contender { node: name(node), score: 0 });
        let nodes = rank(vip, contenders).nodes();
        nodes
            .iter()
            .map(|node| (0..self.plan.nodes).find(|one| name(*one) == *node).expect("one of them"))
            .collect()
    }

    pub(super) fn view(&self, node: usize) -> View {
        let (excluded, _) = self.hosts[node].seen.clone();
        let vips = self.plan.vips.iter().map(|vip| {
            let order = self.order_without(*vip, &excluded);
            let candidates = order.into_iter().map(name).collect();
            let is_served = self.hosts[node].is_served;
            (*vip, Vip { candidates, is_served, interfaces: None })
        });
        let nodes = (0..self.plan.nodes)
            .filter(|other| !self.hosts[node].unseen.contains(other))
            .map(|node| (name(node), vec![control_address(node)]));
        View { vips: vips.collect(), nodes: nodes.collect(), revision: self.hosts[node].seen.1 }
    }

    pub(super) fn links(&self, node: usize) -> Vec<Link> {
        let gateways = if self.plan.has_gateway { vec![GATEWAY] } else { Vec::new() };
        let first = Link {
            index: LINK,
            name: "wire".into(),
            mac: mac(node),
            is_up: self.hosts[node].is_link_up,
            is_router: true,
            addresses: vec![
                segment_address(node),
                Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1).into(),
            ],
            networks: vec!["10.0.0.0/8".parse().expect("one"), "fd00::/16".parse().expect("one")],
            gateways,
        };
        let of_first = first.clone();
        let second = Link {
            index: SECOND_LINK,
            name: "other".into(),
            mac: second_mac(node),
            networks: vec![second_network()],
            addresses: vec![second_address(node)],
            gateways: Vec::new(),
            ..first
        };
        [of_first, second].into_iter().take(1 + usize::from(self.plan.has_second_link)).collect()
    }

    pub(super) fn start(&mut self, node: usize) {
        self.hosts[node].life += 1;
        self.hosts[node].inbox.clear();
        self.hosts[node].is_frozen = false;
        if !self.hosts[node].is_stalled {
            self.hosts[node].seen = (self.excluded(), self.revision);
        }
        let life = u64::try_from(self.now.as_nanos()).expect("a short history");
        let mut announcer = Announcer::new(name(node), life, Settings::default(), self.now);
        announcer.set_view(self.view(node), self.now);
        announcer.set_links(self.links(node), self.now);
        self.hosts[node].announcer = Some(announcer);
        self.wake(node, self.now);
    }

    /// Tells a node what changed for it.
    pub(super) fn tell_view(&mut self, node: usize) {
        let (view, links, now) = (self.view(node), self.links(node), self.now);
        if let Some(announcer) = &mut self.hosts[node].announcer {
            announcer.set_view(view, now);
            announcer.set_links(links, now);
        }
        self.wake(node, self.now);
    }

    pub(super) fn random(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below.max(1)
    }

    fn at(&mut self, when: Duration, what: Happening) {
        self.serial += 1;
        self.queue.insert((when, self.serial), what);
    }

    pub(super) fn fault_at(&mut self, when: Duration, fault: Fault) {
        self.at(when, Happening::Fault(fault));
    }

    fn wake(&mut self, node: usize, when: Duration) {
        let jitter = u64::try_from(self.plan.jitter.as_micros()).expect("short");
        let when = when.max(self.now) + Duration::from_micros(self.random(jitter + 1));
        let planned = &mut self.hosts[node].wake_at;
        if planned.is_none_or(|planned| when < planned) {
            *planned = Some(when);
            self.at(when, Happening::Wake { node });
        }
    }

    pub(super) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(entry) = self.queue.first_entry() {
            let (when, _) = *entry.key();
            if when > end {
                break;
            }
            let happening = entry.remove();
            self.now = self.now.max(when);
            match happening {
                Happening::Deliver { to, input } => {
                    let host = &mut self.hosts[to];
                    if host.announcer.is_some() && host.inbox.len() < 10_000 {
                        host.inbox.push(input);
                        if !host.is_frozen {
                            self.wake(to, when);
                        }
                    }
                }
                Happening::Wake { node } => self.turn(node),
                Happening::Fault(fault) => self.inflict(fault),
            }
            self.watch();
        }
        self.now = end;
        self.watch();
    }

    /// A node's turn: it takes what came and does what is due.
    fn turn(&mut self, node: usize) {
        let now = self.now;
        let host = &mut self.hosts[node];
        if host.wake_at != Some(now) || host.is_frozen {
            if host.wake_at.is_some_and(|at| at <= now) {
                host.wake_at = None;
            }
            return;
        }
        host.wake_at = None;
        let inbox = std::mem::take(&mut host.inbox);
        let Some(announcer) = &mut host.announcer else { return };
        for input in inbox {
            match input {
                Input::Hello { from, bytes } => announcer.hear_hello(from, &bytes, now),
                Input::Frame { link, bytes } => announcer.hear_frame(link, &bytes, now),
            }
        }
        announcer.tick(now);
        let due = announcer.next_due();
        assert!(due.is_none_or(|due| due > now), "node {node} at {now:?} is due at {due:?}");
        let actions = announcer.take_actions();
        self.act(node, actions);
        if let Some(due) = due {
            self.wake(node, due);
        }
    }

    fn act(&mut self, node: usize, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Hello { to, bytes } => {
                    let to = (0..self.plan.nodes).find(|one| control_address(*one) == to);
                    let Some(to) = to else { continue };
                    let is_closed = [Way::Control(node, to), Way::From(node), Way::To(to)]
                        .iter()
                        .any(|way| self.closed.contains(way));
                    if !is_closed && !self.is_lost() {
                        let input = Input::Hello { from: control_address(node), bytes };
                        self.deliver(to, input);
                    }
                }
                Action::Frame { link, bytes } => self.emit_on(link, Some(node), &bytes),
                Action::Join { .. } | Action::Leave { .. } => {}
                Action::Tell(event) => {
                    if let Event::Owned { address } = event {
                        self.changes.push((self.now, address, node));
                    }
                    self.hosts[node].told.push((self.now, event));
                }
            }
        }
    }

    fn is_lost(&mut self) -> bool {
        self.random(1000) < self.plan.loss_permille
    }

    fn deliver(&mut self, to: usize, input: Input) {
        let delay = Duration::from_micros(100 + self.random(400));
        self.at(self.now + delay, Happening::Deliver { to, input });
    }

    /// A frame on the segment, from a node or from somebody else there.
    pub(super) fn emit(&mut self, from: Option<usize>, bytes: &[u8]) {
        self.emit_on(LINK, from, bytes);
    }

    pub(super) fn emit_on(&mut self, link: u32, from: Option<usize>, bytes: &[u8]) {
        let is_closed = from.is_some_and(|node| {
            !self.hosts[node].is_link_up
                || [Way::From(node), Way::SegmentFrom(node)]
                    .iter()
                    .any(|way| self.closed.contains(way))
        });
        if is_closed || self.is_lost() {
            return;
        }
        let to_mac = Mac(*bytes.first_chunk().expect("a frame"));
        let is_for = |own: Mac| to_mac == own || !to_mac.is_unicast();
        for node in 0..self.plan.nodes {
            let closed = [Way::To(node), Way::SegmentTo(node)];
            let is_open = !closed.iter().any(|way| self.closed.contains(way));
            let own = if link == LINK { mac(node) } else { second_mac(node) };
            if Some(node) != from && is_open && is_for(own) && self.hosts[node].is_link_up {
                self.deliver(node, Input::Frame { link, bytes: bytes.to_vec() });
            }
        }
        if link == LINK {
            self.answer_as_kernels(from, bytes);
        }
        let answers = self.hear_as_others(bytes);
        answers.iter().for_each(|bytes| self.emit_on(link, None, bytes));
    }

    /// A node's kernel answers for the node's own address, whatever becomes of its agent.
    fn answer_as_kernels(&mut self, from: Option<usize>, bytes: &[u8]) {
        let Some(wire::Said::Asked(question)) = wire::read(bytes) else { return };
        for node in (0..self.plan.nodes).filter(|node| Some(*node) != from) {
            let is_asked = question.address == segment_address(node)
                && self.hosts[node].announcer.is_some()
                && self.is_heard(node);
            let answer = is_asked.then(|| wire::answer(&question, mac(node), true)).flatten();
            if let Some(answer) = answer {
                self.emit(Some(node), &answer);
            }
        }
    }

    /// Whether the node answers for an address now.
    pub(super) fn is_owner(&self, node: usize, vip: IpAddr) -> bool {
        let host = &self.hosts[node];
        !host.is_frozen
            && host.announcer.as_ref().is_some_and(|announcer| {
                announcer.holding(vip).is_some_and(|holding| holding.role == Role::Owner)
            })
    }

    pub(super) fn owners(&self, vip: IpAddr) -> Vec<usize> {
        (0..self.plan.nodes).filter(|node| self.is_owner(*node, vip)).collect()
    }

    /// Whether hosts of the segment and the node hear each other.
    pub(super) fn is_heard(&self, node: usize) -> bool {
        let ways = [Way::From(node), Way::To(node), Way::SegmentFrom(node), Way::SegmentTo(node)];
        self.hosts[node].is_link_up && !ways.iter().any(|way| self.closed.contains(way))
    }

    fn watch(&mut self) {
        for vip in self.plan.vips.clone().iter().take(2) {
            let heard = self.owners(*vip).iter().filter(|node| self.is_heard(**node)).count();
            if heard > 0 {
                self.no_owner_since.insert(*vip, None);
            } else if let Some(since) = self.no_owner_since.get_mut(vip) {
                let since = *since.get_or_insert(self.now);
                self.no_owner_longest = self.no_owner_longest.max(self.now - since);
            }
            if heard > 1 {
                let since = *self.two_since.entry(*vip).or_insert(self.now);
                self.two_owners_longest = self.two_owners_longest.max(self.now - since);
            } else {
                self.two_since.remove(vip);
            }
        }
    }
}
