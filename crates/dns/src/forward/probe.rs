//! Is an upstream back, and does it lead to us?

use std::time::Instant;

use crate::cache::Question;
use crate::received::number;
use crate::wire::NAME_LEN_MAX;

use super::exchange::{ExchangeId, Purpose};
use super::machine::Forwarder;
use super::timers::Sleeper;
use super::{Action, Report, UpstreamId};

/// Probes for a loop that follow one another soon, while none is answered.
const TRIES_SOON: u32 = 3;

impl Forwarder {
    pub(super) fn set_upstream_timer(&mut self, id: UpstreamId) {
        let at = self.upstreams.get(id.0).and_then(super::upstream::Standing::wakes_at);
        self.timers.set(Sleeper::Upstream(id), at);
    }

    pub(super) fn probes_due(&mut self, id: UpstreamId, now: Instant, actions: &mut Vec<Action>) {
        let Some(standing) = self.upstreams.get(id.0) else { return };
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let (health, cycle) = (is_due(standing.health.at), is_due(standing.cycle.at));
        if health {
            self.probe_health(id, now, actions);
        }
        if cycle {
            self.probe_loop(id, now, actions);
        }
        self.set_upstream_timer(id);
    }

    /// Asks again whether it is there; what was asked before had its time.
    fn probe_health(&mut self, id: UpstreamId, now: Instant, actions: &mut Vec<Action>) {
        let Some(standing) = self.upstreams.get_mut(id.0) else { return };
        standing.health.at = Some(now + self.settings.health_interval);
        if let Some(before) = standing.health.exchange.take() {
            standing.stats.health_failures += 1;
            self.abandon(before, now, actions);
        }
        let ways = (false, true);
        let sent = self.send(Purpose::Health, id, health_question(), ways, now, actions);
        if let Some(standing) = self.upstreams.get_mut(id.0) {
            standing.stats.health_probes += 1;
            standing.health.exchange = sent;
        }
    }

    /// A probe whose time is over.
    fn abandon(&mut self, id: ExchangeId, now: Instant, actions: &mut Vec<Action>) {
        if let Some((way, sent_at)) = self.exchanges.get(&id).map(|it| (it.way, it.sent_at)) {
            self.suspect(way, sent_at);
        }
        self.close_exchange(id, now, actions);
    }

    /// Asks for a name that nobody else can know. Whoever asks us for it was sent by this upstream.
    fn probe_loop(&mut self, id: UpstreamId, now: Instant, actions: &mut Vec<Action>) {
        let Some(standing) = self.upstreams.get_mut(id.0) else { return };
        let before = standing.cycle.exchange.take();
        let zone = self.groups.get(standing.rule.0).map_or(&[0][..], |it| &it.group.zone);
        let name = loop_name(zone, [self.random.number(), self.random.number()]);
        // A probe can get lost, and until one is answered nobody knows.
        let is_new = standing.cycle.tries < TRIES_SOON;
        let pause = if is_new { self.settings.attempt_most } else { self.settings.loop_interval };
        standing.cycle.tries = standing.cycle.tries.saturating_add(1);
        standing.cycle.at = Some(now + pause);
        standing.cycle.is_seen = false;
        standing.cycle.name.clone_from(&name);
        if let Some(before) = before {
            self.abandon(before, now, actions);
        }
        let question = Question::new(&name, number::HINFO);
        let sent = self.send(Purpose::Loop, id, question, (false, true), now, actions);
        if let Some(standing) = self.upstreams.get_mut(id.0) {
            standing.cycle.exchange = sent;
        }
    }

    /// Whether the name is of a probe of ours: what asks for it came back to us.
    pub fn is_loop_probe(&self, name: &[u8]) -> bool {
        self.upstreams.iter().any(|standing| standing.cycle.is_asked_for(name))
    }

    /// Which upstream sent us our own probe. It is not used from now on, and not asked whether it is
    /// there either: that, too, would come back as a question.
    pub(super) fn loop_seen(
        &mut self,
        name: &[u8],
        now: Instant,
        actions: &mut Vec<Action>,
    ) -> Option<UpstreamId> {
        let at = self.upstreams.iter().position(|it| it.cycle.is_asked_for(name))?;
        let (standing, id) = (self.upstreams.get_mut(at)?, UpstreamId(at));
        standing.cycle.is_seen = true;
        standing.is_down = false;
        standing.health.at = None;
        let health = standing.health.exchange.take();
        if !std::mem::replace(&mut standing.is_looping, true) {
            actions.push(Action::Report(Report::LoopFound(id)));
        }
        if let Some(health) = health {
            self.abandon(health, now, actions);
        }
        self.set_upstream_timer(id);
        Some(id)
    }

    /// The probe was answered: by ourselves, or by somebody else, and then there is no loop.
    pub(super) fn loop_answered(
        &mut self,
        id: UpstreamId,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        let Some(standing) = self.upstreams.get_mut(id.0) else { return };
        standing.cycle.exchange = None;
        standing.cycle.tries = 0;
        standing.cycle.at = None;
        if standing.cycle.is_seen {
            standing.cycle.at = Some(now + self.settings.loop_interval);
        } else {
            // The name has been elsewhere; whoever asks for it from now on proves nothing.
            standing.cycle.name = Box::default();
            if std::mem::take(&mut standing.is_looping) {
                actions.push(Action::Report(Report::LoopGone(id)));
            }
        }
        self.set_upstream_timer(id);
    }
}

impl super::upstream::LoopProbe {
    fn is_asked_for(&self, name: &[u8]) -> bool {
        !self.name.is_empty() && *self.name == *name
    }
}

/// Two labels of random digits in the zone; fewer in one that leaves no room.
fn loop_name(zone: &[u8], numbers: [u64; 2]) -> Box<[u8]> {
    let mut name = Vec::new();
    for number in numbers {
        let label = format!("{number:016x}");
        if name.len() + 1 + label.len() + zone.len() <= NAME_LEN_MAX {
            name.push(16);
            name.extend(label.as_bytes());
        }
    }
    name.extend(zone);
    name.into()
}

/// What an upstream is asked, only to hear anything at all.
fn health_question() -> Question {
    Question::new(&[0], number::NS)
}
