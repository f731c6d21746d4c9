//! Who answers for which address, as far as this node can tell?

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use model::NodeName;

use super::Announcer;
use super::fate::{Fate, Fates};
use super::hold::{Hold, Phase};
use super::session::{Connection, Session, Tier, Wire};
use crate::action::{Action, Release, Unable};
use crate::hello::Standing;
use crate::settings::{CLOSE, TURNS_MAX, WATCHED_MAX, WATCHING};
use crate::view::Vip;
use crate::wire::ndp::solicited_node;

/// What this node should be for an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Everybody before it cannot answer.
    First,
    /// Somebody before it can.
    Behind,
    /// It is not known whether somebody before it can.
    Waiting,
    Unable(Unable),
    /// It is no candidate, or it ends.
    Outside,
}

impl Announcer {
    /// Goes through all addresses.
    pub(super) fn decide(&mut self) {
        let fates = self.fates();
        let near = self.choose_sessions(&fates);
        let vips: Vec<(IpAddr, Vip)> =
            self.view.vips.iter().map(|(address, vip)| (*address, vip.clone())).collect();
        let withdrawn: Vec<IpAddr> = self
            .holds
            .keys()
            .filter(|address| !self.view.vips.contains_key(*address))
            .copied()
            .collect();
        for address in withdrawn {
            self.release(address, Release::Withdrawn);
            if let Some(hold) = self.holds.get_mut(&address) {
                hold.phase = Phase::Standby;
                hold.is_candidate = false;
                hold.was_candidate = false;
            }
            self.tell_standing(address);
            self.holds.remove(&address);
        }
        self.decide_at = None;
        for (address, vip) in &vips {
            let next = self.decide_one(*address, vip, &fates);
            self.decide_at = self.decide_at.into_iter().chain(next).min();
        }
        self.settle_groups(&near);
        let heard = self.sessions.values().filter(|session| session.heard.is_some());
        let known = heard.map(|session| session.told).min();
        self.journal.forget_known(known.unwrap_or_else(|| self.journal.version()));
    }

    /// Whom this node must hear, and who must hear it; and the addresses that it may have at any moment.
    fn choose_sessions(&mut self, fates: &Fates) -> BTreeSet<IpAddr> {
        let mut wanted: BTreeMap<NodeName, (Tier, Duration)> = BTreeMap::new();
        let mut near = BTreeSet::new();
        for (address, vip) in &self.view.vips {
            let is_ready = |node: &&NodeName| {
                **node == self.me || {
                    let session = self.sessions.get(*node);
                    !fates.of(node).is_missing()
                        && session.is_none_or(|session| {
                            !session.is_leaving() && session.standing(*address) != Standing::Unable
                        })
                }
            };
            let first: Vec<&NodeName> = vip.candidates.iter().take(CLOSE).collect();
            let ready: Vec<&NodeName> =
                vip.candidates.iter().filter(is_ready).take(WATCHING).collect();
            let close = ready.get(..CLOSE.min(ready.len())).unwrap_or_default();
            // Whoever has an address must hear those that it belongs to.
            let is_owner = self.holds.get(address).is_some_and(Hold::is_owner);
            if is_owner || close.contains(&&self.me) {
                near.insert(*address);
            }
            // Those that are missing are waited for by all that could be next.
            let until = |last: Option<&&NodeName>| -> Vec<&NodeName> {
                let last = last.and_then(|last| vip.candidates.iter().position(|it| it == *last));
                vip.candidates.iter().take(last.map_or(0, |last| last + 1)).collect()
            };
            let all = until(ready.last());
            let watching = all.get(..WATCHED_MAX).unwrap_or(&all);
            // All others look whether somebody of the first is there, and go on to the next if not.
            let is_ready = ready.contains(&&self.me);
            let distant = if is_ready { all.clone() } else { until(close.last()) };
            let is_candidate = vip.candidates.contains(&self.me);
            let groups = [
                (&first[..], Tier::Close, is_owner),
                (close, Tier::Close, is_owner),
                (watching, Tier::Watching, false),
                (&distant[..], Tier::Distant, is_candidate),
            ];
            let pace = self.settings.distant_interval(vip.candidates.len());
            for (group, tier, is_concerned) in groups {
                if is_concerned || group.contains(&&self.me) {
                    for node in group.iter().filter(|node| ***node != self.me) {
                        let entry = wanted.entry((*node).clone()).or_insert((tier, pace));
                        *entry = (entry.0.min(tier), entry.1.min(pace));
                    }
                }
            }
        }
        self.use_sessions(wanted);
        near
    }

    fn use_sessions(&mut self, mut wanted: BTreeMap<NodeName, (Tier, Duration)>) {
        let now = self.now;
        let mut changed = Vec::new();
        for (node, session) in &mut self.sessions {
            let (tier, pace) = wanted.remove(node).unwrap_or((Tier::Passive, Duration::ZERO));
            session.pace = pace;
            if tier < session.tier {
                session.hurry(now);
            }
            if tier != session.tier {
                changed.push(node.clone());
            }
            // Nobody asks for it any longer, so what was answered says nothing of later.
            if tier == Tier::Passive {
                session.wire = Wire::Unasked;
            }
            session.tier = tier;
        }
        changed.into_iter().for_each(|node| self.tell_opinion(node));
        for (node, (tier, pace)) in wanted {
            let addresses = self.view.nodes.get(&node).cloned().unwrap_or_default();
            let session = Session { pace, ..Session::new(addresses, tier, now) };
            self.sessions.insert(node, session);
            self.is_dirty = true;
        }
    }

    /// The links on which an address is announced: of several in one network the first that is up, since
    /// the hosts there have one neighbour entry for it. One that leads to a further network announces too.
    pub(super) fn links_of(&self, address: IpAddr) -> Vec<u32> {
        let Some(vip) = self.view.vips.get(&address) else { return Vec::new() };
        let is_allowed =
            |name: &Arc<str>| vip.interfaces.as_ref().is_none_or(|allowed| allowed.contains(name));
        let links = self.links.values().filter(|link| link.is_up && is_allowed(&link.name));
        let mut networks = BTreeSet::new();
        links
            .filter(|link| {
                link.networks_of(address).filter(|one| networks.insert(*one)).count() > 0
            })
            .map(|link| link.index)
            .collect()
    }

    /// Whether this node has not yet heard from all whom it must hear.
    pub(super) fn is_starting(&self) -> bool {
        let is_awaited = |session: &Session| {
            session.tier == Tier::Close && session.connection == Connection::Unknown
        };
        self.now < self.began + self.settings.start_wait && self.sessions.values().any(is_awaited)
    }

    fn inability(&self, address: IpAddr, vip: &Vip, hold: &Hold) -> Option<Unable> {
        let links = self.links_of(address);
        if let Phase::Conflict { .. } = hold.phase {
            Some(Unable::Conflict)
        } else if !vip.is_served {
            Some(Unable::NotServed)
        } else if links.is_empty() {
            Some(Unable::NoLink)
        } else if self.is_cut_off(&links, hold.is_owner()) {
            Some(Unable::CutOff)
        } else if self.is_starting() {
            Some(Unable::Starting)
        } else {
            None
        }
    }

    fn place(&self, address: IpAddr, vip: &Vip, unable: Option<Unable>, fates: &Fates) -> Place {
        let Some(rank) = vip.candidates.iter().position(|node| *node == self.me) else {
            return Place::Outside;
        };
        if self.leaving_since.is_some() {
            return Place::Outside;
        }
        if let Some(unable) = unable {
            return Place::Unable(unable);
        }
        for node in vip.candidates.iter().take(rank) {
            let session = self.sessions.get(node);
            let is_out = session.is_some_and(|session| {
                session.is_leaving() || session.standing(address) == Standing::Unable
            });
            match fates.of(node) {
                Fate::Up if is_out => {}
                Fate::Gone => {}
                Fate::Up | Fate::Veiled => return Place::Behind,
                Fate::Unknown | Fate::Doubtful => return Place::Waiting,
            }
        }
        Place::First
    }

    /// Decides about one address; and when time alone may decide otherwise.
    fn decide_one(&mut self, address: IpAddr, vip: &Vip, fates: &Fates) -> Option<Duration> {
        let now = self.now;
        let mut hold = self.holds.remove(&address).unwrap_or_else(|| Hold::new(now));
        if let Phase::Conflict { until, mac } = hold.phase {
            let is_ours = self.sessions.values().any(|session| session.has_mac(mac));
            if until <= now || is_ours {
                hold.phase = Phase::Standby;
                hold.since = now;
                hold.was_held = is_ours;
            }
        }
        hold.is_candidate = vip.candidates.contains(&self.me);
        hold.was_candidate |= hold.is_candidate;
        hold.unable = self.inability(address, vip, &hold);
        hold.able_since = if hold.unable.is_none() { hold.able_since.or(Some(now)) } else { None };
        let rival = self.rival(address).map(|(revision, _)| revision > self.view.revision);
        let goes_on = hold.is_owner() || (rival == Some(true) && hold.contested_since.is_some());
        hold.contested_since =
            rival.filter(|_| goes_on).and_then(|_| hold.contested_since.or(Some(now)));
        let contest = hold.contested_since.map(|since| since + self.settings.contest_most);
        if rival == Some(true) && contest.is_some_and(|until| until <= now) {
            self.holds.insert(address, hold);
            self.release(address, Release::Preempted);
            self.stop_detecting(address);
            self.tell_standing(address);
            return None;
        }
        let place = self.place(address, vip, hold.unable, fates);
        if place != Place::First {
            hold.first_since = None;
        }
        self.holds.insert(address, hold);
        let next = match place {
            Place::First if self.may_be_held(address, vip, fates) => {
                self.stop_detecting(address);
                None
            }
            Place::First => self.be_first(address, vip),
            Place::Behind | Place::Waiting => self.be_behind(address, vip),
            Place::Unable(unable) => {
                self.release(address, Release::Unable(unable));
                self.stop_detecting(address);
                None
            }
            Place::Outside => self.be_outside(address, vip, fates),
        };
        self.tell_standing(address);
        let conflict = self.holds.get(&address).and_then(|hold| match hold.phase {
            Phase::Conflict { until, .. } => Some(until),
            Phase::Standby | Phase::Detecting { .. } | Phase::Owner { .. } => None,
        });
        next.into_iter().chain(conflict).chain(contest.filter(|until| now < *until)).min()
    }

    /// Another that is heard and says that it answers, the one with the newest view.
    pub(super) fn rival(&self, address: IpAddr) -> Option<(u64, &NodeName)> {
        let owners = self.sessions.iter().filter(|(_, session)| {
            session.connection == Connection::Up && session.standing(address) == Standing::Owner
        });
        owners
            .filter_map(|(node, session)| Some((session.heard.as_ref()?.revision, node)))
            .max_by_key(|(revision, _)| *revision)
    }

    /// Nobody else can: takes the address, when nobody has it.
    fn be_first(&mut self, address: IpAddr, vip: &Vip) -> Option<Duration> {
        let now = self.now;
        let holder_since = self.holder_since(address, vip);
        // One that comes later may have it.
        let is_any_unknown = self.sessions.values().any(|session| {
            session.tier != Tier::Passive && session.connection == Connection::Unknown
        });
        // Where no hello gets through, all ask at once, and would take each other for strangers: one after
        // another.
        let rank = vip.candidates.iter().position(|node| *node == self.me).unwrap_or_default();
        let rank = u32::try_from(rank.min(TURNS_MAX)).unwrap_or_default();
        let was_ever_heard = self.was_ever_heard;
        let hold = self.holds.get_mut(&address)?;
        let is_in_turn = !was_ever_heard || hold.conflicts > 0;
        let turn = if is_in_turn { self.settings.detection() * rank } else { Duration::ZERO };
        hold.releasing_since = None;
        let first_since = *hold.first_since.get_or_insert(now);
        if matches!(hold.phase, Phase::Owner { .. } | Phase::Conflict { .. }) {
            return None;
        }
        if let Some(holder_since) = holder_since {
            let well = hold.able_since.unwrap_or(now).max(self.began).max(holder_since);
            let at = well + self.settings.preempt_after;
            if now < at {
                self.stop_detecting(address);
                return Some(at);
            }
        }
        if hold.was_held {
            self.own(address);
            return None;
        }
        let (asked, next) = match hold.phase {
            Phase::Detecting { asked, next } => (asked, next),
            Phase::Standby | Phase::Owner { .. } | Phase::Conflict { .. } => (0, now),
        };
        if now < next {
            return Some(next);
        }
        let wait = turn.max(if is_any_unknown { self.settings.start_wait } else { Duration::ZERO });
        if asked == 0 && now < first_since + wait {
            return Some(first_since + wait);
        }
        if asked >= self.settings.probes {
            self.own(address);
            return None;
        }
        let next = now + self.settings.detection_interval;
        if asked == 0 {
            hold.since = now;
        }
        hold.phase = Phase::Detecting { asked: asked + 1, next };
        self.ask_whether_used(address);
        Some(next)
    }

    /// Whether another had the address when it was last heard of, and it is not known to be gone. An owner
    /// need not ask that.
    fn may_be_held(&self, address: IpAddr, vip: &Vip, fates: &Fates) -> bool {
        let Some(hold) = self.holds.get(&address).filter(|hold| !hold.is_owner()) else {
            return false;
        };
        vip.candidates.iter().filter(|node| **node != self.me).any(|node| {
            let session = self.sessions.get(node);
            let had_it = hold.heard_of.as_ref() == Some(node)
                || session.is_some_and(|one| one.standing(address) == Standing::Owner);
            let may_be_there =
                matches!(fates.of(node), Fate::Unknown | Fate::Doubtful | Fate::Veiled);
            had_it && may_be_there
        })
    }

    /// Since when the node that has the address, and keeps it until it is taken, is heard.
    fn holder_since(&self, address: IpAddr, vip: &Vip) -> Option<Duration> {
        let holders = self.sessions.iter().filter(|(node, session)| {
            session.connection == Connection::Up
                && !session.is_leaving()
                && session.standing(address) == Standing::Owner
                && vip.candidates.contains(node)
        });
        holders.map(|(_, session)| session.since).max()
    }

    /// Somebody else can: keeps the address until that one has taken it.
    fn be_behind(&mut self, address: IpAddr, vip: &Vip) -> Option<Duration> {
        self.stop_detecting(address);
        let is_owner = self.holds.get(&address).is_some_and(Hold::is_owner);
        let before = vip.candidates.iter().take_while(|node| **node != self.me);
        if is_owner && self.is_owned_by_any(address, before) {
            self.release(address, Release::Preempted);
        }
        None
    }

    /// It is no longer this node's: keeps the address until another has taken it, or for a while.
    fn be_outside(&mut self, address: IpAddr, vip: &Vip, fates: &Fates) -> Option<Duration> {
        let now = self.now;
        self.stop_detecting(address);
        let hold = self.holds.get_mut(&address).filter(|hold| hold.is_owner())?;
        let since = *hold.releasing_since.get_or_insert(now);
        let until = since + self.settings.release_most;
        let unable = hold.unable.filter(|unable| *unable != Unable::Starting);
        let others = vip.candidates.iter().filter(|node| **node != self.me);
        let can_take = |node: &NodeName| {
            let session = self.sessions.get(node);
            !fates.of(node).is_missing()
                && session.is_none_or(|one| {
                    !one.is_leaving() && one.standing(address) != Standing::Unable
                })
        };
        if let Some(unable) = unable {
            self.release(address, Release::Unable(unable));
        } else if self.is_owned_by_any(address, others.clone()) {
            self.release(address, Release::HandedOver);
        } else if now >= until || !others.clone().any(can_take) {
            self.release(address, Release::Abandoned);
        }
        Some(until)
    }

    fn is_owned_by_any<'a>(
        &self,
        address: IpAddr,
        mut nodes: impl Iterator<Item = &'a NodeName>,
    ) -> bool {
        nodes.any(|node| {
            self.sessions.get(node).is_some_and(|session| {
                session.connection == Connection::Up && session.standing(address) == Standing::Owner
            })
        })
    }

    fn stop_detecting(&mut self, address: IpAddr) {
        if let Some(hold) = self.holds.get_mut(&address)
            && let Phase::Detecting { .. } = hold.phase
        {
            hold.phase = Phase::Standby;
            hold.since = self.now;
        }
    }

    /// Who has an IPv6 address is asked in a group; so is who may have it at any moment.
    fn settle_groups(&mut self, near: &BTreeSet<IpAddr>) {
        let mut wanted: BTreeSet<(u32, Ipv6Addr)> = BTreeSet::new();
        for address in near {
            if let IpAddr::V6(v6) = address {
                let group = solicited_node(*v6);
                wanted.extend(self.links_of(*address).into_iter().map(|link| (link, group)));
            }
        }
        for (link, group) in self.groups.difference(&wanted) {
            self.actions.push(Action::Leave { link: *link, group: *group });
        }
        for (link, group) in wanted.difference(&self.groups) {
            self.actions.push(Action::Join { link: *link, group: *group });
        }
        self.groups = wanted;
    }
}
