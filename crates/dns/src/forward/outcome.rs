//! What is each client told, and what is remembered of it?

use std::sync::Arc;
use std::time::Instant;

use crate::cache::{Cached, Failure, Freshness, Question, Reply, Ttls};
use crate::wire::ExtendedError;

use super::exchange::{Fault, Pursuit, PursuitId, Waiting};
use super::machine::{Forwarder, SERVFAIL};
use super::timers::Sleeper;
use super::{Action, Outcome, RuleId, UpstreamId};

impl Forwarder {
    /// Whoever waited long enough for a fresh answer gets a stale one, when there is one.
    pub(super) fn give_stale(&mut self, id: PursuitId, now: Instant, actions: &mut Vec<Action>) {
        let Some(pursuit) = self.pursuits.get_mut(&id) else { return };
        let is_ready = |waiting: &mut Waiting| waiting.stale_at.is_some_and(|at| at <= now);
        let mut ready: Vec<Waiting> = pursuit.waiting.extract_if(.., is_ready).collect();
        let (rule, question) = (pursuit.rule, pursuit.question.clone());
        let stale = self.stale_outcome(&question, now);
        match stale {
            Some(outcome) => {
                self.stats.stale_served += u64::try_from(ready.len()).unwrap_or(0);
                self.answer(rule, ready, &outcome, actions);
            }
            None => {
                for waiting in &mut ready {
                    waiting.stale_at = None;
                }
                if let Some(pursuit) = self.pursuits.get_mut(&id) {
                    pursuit.waiting.append(&mut ready);
                }
            }
        }
    }

    fn stale_outcome(&self, question: &Question, now: Instant) -> Option<Outcome> {
        let hit = self.cache.lookup(question, now)?;
        let is_stale = match hit.freshness {
            Freshness::Stale | Freshness::StaleAfterFailure => true,
            Freshness::Fresh | Freshness::Ending => false,
        };
        match hit.cached {
            Cached::Reply { reply, ttls } => {
                Some(Outcome::Reply { reply: Arc::clone(reply), ttls, is_stale })
            }
            Cached::Failure(_) => None,
        }
    }

    /// A good answer: for all who wait, and for the cache.
    pub(super) fn succeed(
        &mut self,
        id: PursuitId,
        reply: &Arc<Reply>,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        let Some(pursuit) = self.end(id) else { return };
        for exchange in &pursuit.exchanges {
            self.measure_or_close(*exchange, now, actions);
        }
        let reply = Arc::clone(reply);
        let outcome = Outcome::Reply { reply, ttls: Ttls::NEW, is_stale: false };
        self.answer(pursuit.rule, pursuit.waiting, &outcome, actions);
    }

    /// No answer to be had: a stale one, part of one, or a failure.
    pub(super) fn give_up(&mut self, id: PursuitId, now: Instant, actions: &mut Vec<Action>) {
        let Some(pursuit) = self.end(id) else { return };
        for exchange in &pursuit.exchanges {
            self.close_exchange(*exchange, now, actions);
        }
        if let Some(reply) = pursuit.truncated.as_ref().or(pursuit.kept.as_ref()) {
            let reply = Arc::clone(reply);
            let outcome = Outcome::Reply { reply, ttls: Ttls::NEW, is_stale: false };
            return self.answer(pursuit.rule, pursuit.waiting, &outcome, actions);
        }
        let failure = self.failure(&pursuit);
        // That streams are full is over in a moment, and says nothing about the name.
        if !matches!(pursuit.fault, Some((_, Fault::Busy))) {
            self.cache.insert_failure(&pursuit.question, failure.clone(), now);
            self.is_cache_changed = true;
        }
        let stale = self.stale_outcome(&pursuit.question, now);
        let (patient, others): (Vec<_>, Vec<_>) =
            pursuit.waiting.into_iter().partition(|waiting| waiting.stale_at.is_some());
        let failed = Outcome::Failure(failure);
        let failures = others.len() + if stale.is_none() { patient.len() } else { 0 };
        self.stats.failed += u64::try_from(failures).unwrap_or(0);
        if stale.is_some() {
            self.stats.stale_served += u64::try_from(patient.len()).unwrap_or(0);
        }
        self.answer(pursuit.rule, patient, stale.as_ref().unwrap_or(&failed), actions);
        self.answer(pursuit.rule, others, &failed, actions);
    }

    fn failure(&self, pursuit: &Pursuit) -> Failure {
        let Some((upstream, fault)) = pursuit.fault else {
            let is_down = |it: &UpstreamId| self.upstreams.get(it.0).is_some_and(|it| it.is_down);
            let text = if pursuit.order.iter().any(is_down) {
                "no upstream is asked: all are down".into()
            } else {
                "no upstream can be asked: there is none, or each leads back to us".into()
            };
            return Failure { rcode: SERVFAIL, extended: ExtendedError::OTHER, text };
        };
        let address = self.address(upstream);
        let (rcode, extended, text) = match fault {
            Fault::Timeout => (
                SERVFAIL,
                ExtendedError::NETWORK_ERROR,
                format!("{address} did not answer in time"),
            ),
            Fault::Network => {
                (SERVFAIL, ExtendedError::NETWORK_ERROR, format!("{address} cannot be reached"))
            }
            Fault::Busy => {
                (SERVFAIL, ExtendedError::OTHER, format!("all streams to {address} are full"))
            }
            Fault::Rcode(rcode) => {
                let told = if rcode < 16 { rcode } else { SERVFAIL };
                let text = format!("{address} said {}", rcode_name(rcode));
                match &pursuit.explained {
                    Some((code, why)) if why.is_empty() => (told, *code, text),
                    Some((code, why)) => (told, *code, format!("{text}: {why}")),
                    None => (told, ExtendedError::NO_REACHABLE_AUTHORITY, text),
                }
            }
        };
        Failure { rcode, extended, text: text.into() }
    }

    fn end(&mut self, id: PursuitId) -> Option<Pursuit> {
        let pursuit = self.pursuits.remove(&id)?;
        self.timers.set(Sleeper::Pursuit(id), None);
        self.in_flight.remove(&(pursuit.rule, pursuit.question.clone()));
        if let Some(members) = self.groups.get_mut(pursuit.rule.0) {
            members.pursuits -= 1;
        }
        Some(pursuit)
    }

    fn answer(
        &mut self,
        rule: RuleId,
        waiting: Vec<Waiting>,
        outcome: &Outcome,
        actions: &mut Vec<Action>,
    ) {
        if let Some(members) = self.groups.get_mut(rule.0) {
            members.waiting -= waiting.len();
        }
        actions.extend(
            waiting
                .into_iter()
                .map(|it| Action::Answer { ticket: it.ticket, outcome: outcome.clone() }),
        );
    }
}

fn rcode_name(rcode: u16) -> String {
    match rcode {
        1 => "FORMERR".to_owned(),
        2 => "SERVFAIL".to_owned(),
        4 => "NOTIMP".to_owned(),
        5 => "REFUSED".to_owned(),
        16 => "BADVERS".to_owned(),
        other => format!("rcode {other}"),
    }
}
