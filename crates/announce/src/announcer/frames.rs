//! What is heard and said on the wire?

use std::net::IpAddr;
use std::time::Duration;

use model::{Family, Mac, NodeName};

use super::Announcer;
use super::hold::Phase;
use super::session::{Connection, Session, Tier, Wire};
use crate::action::{Action, Event, Release};
use crate::hello::Standing;
use crate::wire::{self, Claim, Question, Said};

impl Announcer {
    /// A frame about neighbours came on a link.
    pub fn hear_frame(&mut self, index: u32, bytes: &[u8], now: Duration) {
        self.advance(now);
        let Some(link) = self.links.get(&index) else { return };
        let (own, is_router) = (link.mac, link.is_router);
        let Some(said) = wire::read(bytes) else {
            self.counts.frames_unreadable += 1;
            return;
        };
        let (Said::Asked(Question { mac, .. }) | Said::Claimed(Claim { mac, .. })) = said;
        if self.links.values().any(|link| link.mac == mac) {
            return;
        }
        match said {
            Said::Asked(question) => {
                self.hear_question(index, &question);
                if self.answers(index, question.address)
                    && let Some(bytes) = wire::answer(&question, own, is_router)
                {
                    self.counts.frames_answered += 1;
                    self.actions.push(Action::Frame { link: index, bytes });
                }
            }
            Said::Claimed(claim) => {
                self.hear_answer(index, &claim);
                self.hear_claim(claim.address, claim.mac);
            }
        }
    }

    fn answers(&self, link: u32, address: IpAddr) -> bool {
        let is_owner = self.holds.get(&address).is_some_and(super::Hold::is_owner);
        is_owner && self.links_of(address).contains(&link)
    }

    fn hear_question(&mut self, link: u32, question: &Question) {
        let Question { address, mac, asker } = *question;
        match asker {
            // Whoever asks in the name of one of our addresses claims it.
            Some(asker) if self.view.vips.contains_key(&asker) => self.hear_claim(asker, mac),
            Some(asker) => self.note_asker(link, asker, mac),
            None => {
                let is_detecting = self
                    .holds
                    .get(&address)
                    .is_some_and(|hold| matches!(hold.phase, Phase::Detecting { .. }));
                if is_detecting && self.node_of(mac).is_none() {
                    self.give_way(address, mac);
                }
            }
        }
    }

    fn node_of(&self, mac: Mac) -> Option<NodeName> {
        let found = self.sessions.iter().find(|(_, session)| session.has_mac(mac));
        found.map(|(node, _)| node.clone())
    }

    /// Somebody said that it has one of our addresses.
    fn hear_claim(&mut self, address: IpAddr, mac: Mac) {
        let Some(vip) = self.view.vips.get(&address) else { return };
        let candidates = std::sync::Arc::clone(&vip.candidates);
        match self.node_of(mac) {
            Some(node) => self.hear_claim_of(&node, &candidates, address),
            None => self.hear_foreign_claim(address, mac),
        }
    }

    fn hear_claim_of(&mut self, node: &NodeName, candidates: &[NodeName], address: IpAddr) {
        let now = self.now;
        if let Some(session) = self.sessions.get_mut(node)
            && session.tier != Tier::Passive
            && (session.connection != Connection::Up || session.wire != Wire::Unasked)
        {
            session.wire = Wire::Answered { at: now };
            self.is_dirty = true;
        }
        let is_unable = self.sessions.get(node).is_some_and(|session| {
            session.connection == Connection::Up && session.standing(address) == Standing::Unable
        });
        let Some(hold) = self.holds.get_mut(&address) else { return };
        if is_unable {
            hold.intruder = Some((node.clone(), now));
        }
        hold.was_held = true;
        hold.heard_of = Some(node.clone());
        if !hold.is_owner() {
            return;
        }
        let rank = |node: &NodeName| candidates.iter().position(|candidate| candidate == node);
        match (rank(node), rank(&self.me)) {
            // Whoever says that it cannot does not take it: something of it answers that should not.
            (Some(theirs), Some(own)) if theirs < own && !is_unable => {
                self.release(address, Release::Preempted)
            }
            (Some(_), None) if !is_unable => self.release(address, Release::HandedOver),
            _ => {
                let may_correct =
                    hold.corrected_at.is_none_or(|at| now >= at + self.settings.correct_interval);
                if may_correct {
                    hold.corrected_at = Some(now);
                    self.announce_addresses_again(&[address]);
                }
            }
        }
    }

    fn hear_foreign_claim(&mut self, address: IpAddr, mac: Mac) {
        let now = self.now;
        let Some(hold) = self.holds.get_mut(&address) else { return };
        match hold.phase {
            Phase::Detecting { .. } => self.give_way(address, mac),
            Phase::Owner { .. } => {
                let may_defend =
                    hold.defended_at.is_none_or(|at| now >= at + self.settings.defend_interval);
                if may_defend {
                    hold.defended_at = Some(now);
                    self.counts.conflicts += 1;
                    let event = Event::Conflict { address, mac, is_owned: true };
                    self.actions.push(Action::Tell(event));
                    self.announce_addresses_again(&[address]);
                }
            }
            Phase::Standby | Phase::Conflict { .. } => {}
        }
    }

    /// An answer, perhaps to one of our questions.
    fn hear_answer(&mut self, link: u32, claim: &Claim) {
        if let Some(witnesses) = self.witnesses.get_mut(&link) {
            let was_silent = witnesses.is_silent();
            self.is_dirty |= witnesses.hear(claim.address, self.now);
            if was_silent && !witnesses.is_silent() {
                self.actions.push(Action::Tell(Event::Reached { link }));
            }
        }
        let of = self.node_of(claim.mac);
        // Of a node whose link-layer addresses are known, no other one says anything.
        let has_macs =
            |session: &Session| session.heard.as_ref().is_some_and(|heard| !heard.macs.is_empty());
        for (node, session) in &mut self.sessions {
            let is_asked = match &session.wire {
                Wire::Asking { samples, .. } => samples.contains(&(link, claim.address)),
                Wire::Unasked | Wire::Silent | Wire::Answered { .. } => false,
            };
            if is_asked && of.as_ref().map_or_else(|| !has_macs(session), |of| of == node) {
                session.wire = Wire::Answered { at: self.now };
                self.is_dirty = true;
            }
        }
    }

    /// Asks on the wire for those who are not heard.
    pub(super) fn ask_for_suspects(&mut self) {
        let now = self.now;
        let mut questions = Vec::new();
        let names: Vec<NodeName> = self.sessions.keys().cloned().collect();
        for node in names {
            let Some(session) = self.sessions.get(&node) else { continue };
            let next = if session.is_asked_for(&self.settings, now) {
                self.next_wire(&node, &session.wire, &mut questions)
            } else {
                (session.connection == Connection::Up && session.wire != Wire::Unasked)
                    .then_some(Wire::Unasked)
            };
            if let Some(next) = next
                && let Some(session) = self.sessions.get_mut(&node)
            {
                session.wire = next;
                self.is_dirty = true;
            }
        }
        for (link, address) in questions {
            self.ask(link, address, None);
        }
    }

    fn next_wire(
        &self,
        node: &NodeName,
        wire: &Wire,
        questions: &mut Vec<(u32, IpAddr)>,
    ) -> Option<Wire> {
        let now = self.now;
        let (asked, samples) = match wire {
            Wire::Asking { next, .. } if now < *next => return None,
            Wire::Asking { asked, samples, .. } => (*asked, samples.clone()),
            Wire::Silent => return None,
            Wire::Answered { at } if now < *at + self.settings.probe_pause => return None,
            Wire::Answered { .. } | Wire::Unasked => (0, self.samples(node)),
        };
        if asked >= self.settings.probes || samples.is_empty() {
            return Some(Wire::Silent);
        }
        questions.extend(&samples);
        Some(Wire::Asking { asked: asked + 1, next: now + self.settings.probe_interval, samples })
    }

    /// An address on each link that the node would answer for if it were there.
    fn samples(&self, node: &NodeName) -> Vec<(u32, IpAddr)> {
        let session = self.sessions.get(node);
        let is_its_own = |address: &IpAddr| {
            session.is_some_and(|session| session.standing(*address) == Standing::Owner)
        };
        let is_before = |address: &IpAddr| {
            let candidates = self.view.vips.get(address).map(|vip| &vip.candidates);
            candidates.and_then(|candidates| {
                candidates.iter().find(|one| *one == node || **one == self.me)
            }) == Some(node)
        };
        let is_heard = |address: &IpAddr| {
            self.holds.get(address).is_some_and(|hold| hold.heard_of.as_ref() == Some(node))
        };
        let own = self.view.vips.keys().filter(|address| is_its_own(address) || is_heard(address));
        let before = self.view.vips.keys().filter(|address| is_before(address));
        let mut samples: Vec<(u32, IpAddr)> = Vec::new();
        for address in own.chain(before) {
            for link in self.links_of(*address) {
                if samples.iter().all(|(sampled, _)| *sampled != link) {
                    samples.push((link, *address));
                }
            }
            if samples.len() == self.links.len() {
                break;
            }
        }
        samples
    }

    /// Asks everybody on the links whether somebody has the address.
    pub(super) fn ask_whether_used(&mut self, address: IpAddr) {
        for link in self.links_of(address) {
            let mac = self.links.get(&link).map(|link| link.mac);
            if let Some(bytes) = mac.and_then(|mac| wire::question(address, None, mac, None)) {
                self.send_frame(link, bytes);
            }
        }
    }

    /// Asks for an address in this node's own name.
    pub(super) fn ask(&mut self, index: u32, address: IpAddr, to: Option<Mac>) {
        let Some(link) = self.links.get(&index) else { return };
        let own = link.own_address(Family::of(address));
        if let Some(bytes) = wire::question(address, own, link.mac, to) {
            self.send_frame(index, bytes);
        }
    }

    pub(super) fn announce_due(&mut self) {
        let now = self.now;
        let mut due = Vec::new();
        for (address, hold) in &mut self.holds {
            let is_due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
            if is_due(hold.next_announcement()) {
                due.push(*address);
            }
            while is_due(hold.next_announcement()) {
                let Phase::Owner { announced, .. } = &mut hold.phase else { break };
                *announced += 1;
            }
        }
        for address in due {
            for index in self.links_of(address) {
                let Some(link) = self.links.get(&index) else { continue };
                for bytes in wire::announcement(address, link.mac, link.is_router) {
                    self.send_frame(index, bytes);
                }
            }
        }
    }

    fn send_frame(&mut self, link: u32, bytes: Vec<u8>) {
        self.counts.frames_sent += 1;
        self.actions.push(Action::Frame { link, bytes });
    }
}
