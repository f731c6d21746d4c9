//! Which addresses does this node answer for at this moment, and what must it say?
//!
//! The state machine of one node. It is told the time with each call, and what it wants done stands
//! in [`Announcer::take_actions`].

mod decide;
mod fate;
mod frames;
mod hold;
mod isolation;
mod say;
mod session;
mod show;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use model::{Mac, NodeName};

use crate::action::{Action, Event, Release};
use crate::hello::{Change, Hello};
use crate::journal::Journal;
use crate::settings::{PASSIVE_MOST, Settings};
use crate::view::{Link, View};
use hold::{Hold, Phase};
use isolation::Witnesses;
use session::{Connection, Own, Session, Tier};

/// So often what follows from a change is looked at within one tick, at most.
const ROUNDS_MAX: usize = 4;
/// When it is looked at again after that.
const SOON: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub struct Announcer {
    me: NodeName,
    /// Another number than any former process of this node had, which others cannot guess.
    life: u64,
    settings: Settings,
    now: Duration,
    /// Since when this node has been awake.
    began: Duration,
    due: Option<Duration>,
    has_view: bool,
    view: View,
    links: BTreeMap<u32, Link>,
    by_address: BTreeMap<IpAddr, NodeName>,
    sessions: BTreeMap<NodeName, Session>,
    holds: BTreeMap<IpAddr, Hold>,
    journal: Journal,
    /// Of the last hello to anybody.
    sequence: u64,
    told_macs: BTreeSet<Mac>,
    /// Some other node was, since this one began.
    was_ever_heard: bool,
    witnesses: BTreeMap<u32, Witnesses>,
    leaving_since: Option<Duration>,
    groups: BTreeSet<(u32, Ipv6Addr)>,
    /// Something happened that may decide who answers for what.
    is_dirty: bool,
    /// When time alone may decide it.
    decide_at: Option<Duration>,
    actions: Vec<Action>,
    counts: Counts,
}

/// How often what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub hellos_sent: u64,
    pub hello_bytes_sent: u64,
    pub hellos_heard: u64,
    /// From an address that is no Node's.
    pub hellos_of_strangers: u64,
    /// Not a hello.
    pub hellos_unreadable: u64,
    /// By an agent that speaks another version of the protocol.
    pub hellos_of_other_versions: u64,
    /// Older than another one.
    pub hellos_late: u64,
    /// Of another life of a node than is known, without having heard this one: the node has just begun, or
    /// somebody else sends from its address.
    pub hellos_unproven: u64,
    pub frames_sent: u64,
    pub frames_answered: u64,
    pub frames_unreadable: u64,
    pub owned: u64,
    pub released: u64,
    pub conflicts: u64,
    pub sleeps: u64,
}

impl Announcer {
    #[must_use]
    pub fn new(me: NodeName, life: u64, settings: Settings, now: Duration) -> Self {
        Self {
            me,
            life,
            settings,
            now,
            began: now,
            due: None,
            has_view: false,
            view: View::default(),
            links: BTreeMap::new(),
            by_address: BTreeMap::new(),
            sessions: BTreeMap::new(),
            holds: BTreeMap::new(),
            journal: Journal::default(),
            sequence: 0,
            told_macs: BTreeSet::new(),
            was_ever_heard: false,
            witnesses: BTreeMap::new(),
            leaving_since: None,
            groups: BTreeSet::new(),
            is_dirty: false,
            decide_at: None,
            actions: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// What is to be done because of the calls since the last time, in this order.
    pub fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// When [`Self::tick`] must be called next, if nothing else happens.
    #[must_use]
    pub const fn next_due(&self) -> Option<Duration> {
        self.due
    }

    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// What the cluster and the dataplane say, from here on.
    pub fn set_view(&mut self, view: View, now: Duration) {
        self.advance(now);
        if !self.has_view {
            self.has_view = true;
            self.began = now;
        }
        self.by_address = view
            .nodes
            .iter()
            .filter(|(node, _)| **node != self.me)
            .flat_map(|(node, addresses)| addresses.iter().map(move |one| (*one, node.clone())))
            .collect();
        let gone: Vec<NodeName> =
            self.sessions.keys().filter(|node| !view.nodes.contains_key(*node)).cloned().collect();
        gone.iter().for_each(|node| self.end_session(node));
        for (node, session) in &mut self.sessions {
            if let Some(addresses) = view.nodes.get(node) {
                session.addresses.clone_from(addresses);
            }
        }
        self.view = view;
        self.tell_macs();
        self.is_dirty = true;
    }

    /// Lets the others know the link-layer addresses from which this node may announce. A node has many
    /// more, as of its pods' links.
    fn tell_macs(&mut self) {
        let addresses = &self.view.vips;
        let is_meant = |link: &&Link| addresses.keys().any(|address| link.covers(*address));
        let new: BTreeSet<Mac> =
            self.links.values().filter(is_meant).map(|link| link.mac).collect();
        let old = std::mem::replace(&mut self.told_macs, new.clone());
        for mac in old.difference(&new) {
            self.tell(Change::Mac { mac: *mac, is_own: false });
        }
        for mac in new.difference(&old) {
            self.tell(Change::Mac { mac: *mac, is_own: true });
        }
    }

    /// The links of this node on which addresses may be announced.
    pub fn set_links(&mut self, links: Vec<Link>, now: Duration) {
        self.advance(now);
        let links: BTreeMap<u32, Link> = links.into_iter().map(|link| (link.index, link)).collect();
        let appeared: Vec<u32> = links
            .values()
            .filter(|link| {
                let known = self.links.get(&link.index);
                let is_as_before = |known: &Link| {
                    known.is_up && known.mac == link.mac && known.networks == link.networks
                };
                link.is_up && !known.is_some_and(is_as_before)
            })
            .map(|link| link.index)
            .collect();
        let before: BTreeMap<IpAddr, Vec<u32>> =
            self.view.vips.keys().map(|address| (*address, self.links_of(*address))).collect();
        self.witnesses.retain(|index, _| links.contains_key(index));
        self.groups.retain(|(index, _)| links.get(index).is_some_and(|link| link.is_up));
        self.links = links;
        self.tell_macs();
        self.is_dirty = true;
        // A link that went leaves its network to the next one there.
        self.announce_again(|address, links| {
            let known = before.get(&address).map_or(&[][..], Vec::as_slice);
            links.iter().any(|index| appeared.contains(index) || !known.contains(index))
        });
    }

    /// This node is to end: others shall take what it has.
    pub fn leave(&mut self, now: Duration) {
        self.advance(now);
        if self.leaving_since.is_none() {
            self.leaving_since = Some(now);
            self.is_dirty = true;
            self.hurry_all();
        }
    }

    /// Whether nobody needs this node any more, after [`Self::leave`].
    #[must_use]
    pub fn has_left(&self) -> bool {
        let owns = self.holds.values().any(Hold::is_owner);
        self.leaving_since.is_some() && !owns && !self.is_dirty
    }

    /// A datagram came from another agent, or from whoever sends from its address.
    pub fn hear_hello(&mut self, from: IpAddr, bytes: &[u8], now: Duration) {
        self.advance(now);
        let Some(node) = self.by_address.get(&from).cloned() else {
            self.counts.hellos_of_strangers += 1;
            return;
        };
        let Some(hello) = Hello::decode(bytes) else {
            let is_other = Hello::is_of_other_version(bytes);
            self.counts.hellos_of_other_versions += u64::from(is_other);
            self.counts.hellos_unreadable += u64::from(!is_other);
            return;
        };
        let own = Own {
            life: self.life,
            version: self.journal.version(),
            forgotten: self.journal.forgotten(),
        };
        // Two that need nothing of each other do not keep each other awake.
        if !hello.is_needed && !self.sessions.contains_key(&node) {
            self.counts.hellos_heard += 1;
            return;
        }
        let addresses = self.view.nodes.get(&node).cloned().unwrap_or_default();
        let session = self
            .sessions
            .entry(node)
            .or_insert_with(|| Session::new(addresses, Tier::Passive, now));
        if session.is_unproven(&hello, own) {
            // Whoever has just begun hears this node at once, and says so.
            session.hurry(now);
            self.counts.hellos_unproven += 1;
            return;
        }
        let Some(news) = session.hear(&hello, from, own, &self.settings, now) else {
            self.counts.hellos_late += 1;
            return;
        };
        self.counts.hellos_heard += 1;
        self.is_dirty |= news.is_news;
        if news.is_urgent {
            session.hurry(now);
        }
        for address in news.taken {
            if let Some(hold) = self.holds.get_mut(&address) {
                hold.was_held = true;
            }
        }
        // Whoever looked for the address at that node must hear where it is.
        self.announce_addresses_again(&news.dropped);
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Duration) {
        self.advance(now);
        for _ in 0..ROUNDS_MAX {
            self.settle_sessions();
            self.settle_isolation();
            if self.is_dirty || self.decide_at.is_some_and(|at| at <= now) {
                self.is_dirty = false;
                self.decide();
            }
            if !self.is_dirty {
                break;
            }
        }
        self.announce_due();
        self.say_hellos();
        // Only what lay ahead tells, when it was missed, that this process stood still.
        let soonest = if self.is_dirty { Some(self.now + SOON) } else { None };
        self.due = self.compute_due().into_iter().chain(soonest).min().map(|due| due.max(self.now));
    }

    /// Takes the time. Whoever was late for longer than the others wait may have lost everything
    /// since, and says nothing before it has heard them.
    fn advance(&mut self, now: Duration) {
        let late = self.due.map_or(Duration::ZERO, |due| now.saturating_sub(due));
        self.now = self.now.max(now);
        let patience = self.settings.hold(self.settings.interval) - self.settings.interval;
        if late > patience {
            self.due = None;
            self.begin_anew(late);
        }
    }

    fn begin_anew(&mut self, late: Duration) {
        self.counts.sleeps += 1;
        self.actions.push(Action::Tell(Event::Slept(late)));
        self.began = self.now;
        for session in self.sessions.values_mut() {
            session.connection = Connection::Unknown;
            session.since = self.now;
            session.wire = session::Wire::Unasked;
        }
        let owned: Vec<IpAddr> =
            self.holds.iter().filter(|(_, hold)| hold.is_owner()).map(|(at, _)| *at).collect();
        for address in owned {
            self.release(address, Release::Slept);
        }
        self.is_dirty = true;
    }

    fn settle_sessions(&mut self) {
        let now = self.now;
        let mut turned = Vec::new();
        for (node, session) in &mut self.sessions {
            let before = session.connection;
            if session.settle(&self.settings, now) {
                turned.push((node.clone(), before, session.connection));
            }
            // Whether we hear it is what it waits for.
            if before == Connection::Up && session.connection != Connection::Up {
                session.hurry(now);
            }
        }
        for (node, before, connection) in turned {
            self.is_dirty = true;
            self.was_ever_heard |= connection == Connection::Up;
            if (before, connection) == (Connection::Down, Connection::Up) {
                self.announce_past(&node);
            }
            let event = match connection {
                Connection::Unknown => None,
                Connection::Up => Some(Event::Up(node.clone())),
                Connection::Down => Some(Event::Down(node.clone())),
            };
            self.actions.extend(event.map(Action::Tell));
            self.tell_opinion(node);
        }
        let most = |interval| self.settings.hold(interval).max(PASSIVE_MOST);
        let silent: Vec<NodeName> =
            self.sessions
                .iter()
                .filter(|(_, session)| session.tier == Tier::Passive)
                .filter(|(_, session)| {
                    session.heard.as_ref().is_none_or(|heard| {
                        !heard.is_needed || now >= heard.at + most(heard.interval)
                    })
                })
                .map(|(node, _)| node.clone())
                .collect();
        silent.iter().for_each(|node| self.end_session(node));
        self.ask_for_suspects();
    }

    /// Lets the others know what this node hears of another. Those that it does not watch closely
    /// may have been gone for long before it notices, so it says nothing of them.
    fn tell_opinion(&mut self, node: NodeName) {
        let close = self.sessions.get(&node).filter(|session| session.tier == Tier::Close);
        let is_up = close.and_then(|session| match session.connection {
            Connection::Unknown => None,
            Connection::Up => Some(true),
            Connection::Down => Some(false),
        });
        self.tell(Change::Peer { node, is_up });
    }

    fn end_session(&mut self, node: &NodeName) {
        self.sessions.remove(node);
        self.tell(Change::Peer { node: node.clone(), is_up: None });
        self.is_dirty = true;
    }

    /// Lets the others know something of this node.
    fn tell(&mut self, change: Change) {
        if self.journal.tell(change) {
            self.hurry_all();
        }
    }

    fn hurry_all(&mut self) {
        for session in self.sessions.values_mut() {
            // Many are distant, and only have to know that somebody is there.
            let is_distant = session.interval(&self.settings) > self.settings.slow_interval;
            if session.connection != Connection::Down && !is_distant {
                session.hurry(self.now);
            }
        }
    }

    fn compute_due(&self) -> Option<Duration> {
        let sessions = self.sessions.values().flat_map(|session| {
            [Some(session.next_send), session.next_change(&self.settings, self.now)]
        });
        let holds = self.holds.values().map(|hold| match &hold.phase {
            Phase::Owner { .. } => hold.next_announcement(),
            Phase::Detecting { .. } | Phase::Conflict { .. } | Phase::Standby => None,
        });
        let witnesses = self.witnesses.values().map(|one| one.next_change(&self.settings));
        sessions.chain(holds).chain(witnesses).chain([self.decide_at]).flatten().min()
    }
}
