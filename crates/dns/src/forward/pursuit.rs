//! Whom is a question put to next, and when is it given up?

use std::time::{Duration, Instant};

use crate::cache::Question;

use super::exchange::{ExchangeId, Fault, Purpose, Pursuit, PursuitId, Waiting};
use super::machine::{Forwarder, HEDGE_COST};
use super::timers::Sleeper;
use super::{Action, RuleId, Transport, UpstreamId};

/// The first pause after nobody could be reached; doubled with each.
const RETRY_FIRST: Duration = Duration::from_millis(100);

/// How often the network may say that an upstream is not there before that is believed. What starts
/// anew is there again within the pause, or not for long.
const UNREACHED_MAX: usize = 2;

/// Exchanges that go on after their question was answered, at most.
const MEASURED_MAX: usize = 64;

impl Pursuit {
    pub(super) fn new(
        (rule, question): (RuleId, Question),
        order: Vec<UpstreamId>,
        transport: Transport,
        waiting: Vec<Waiting>,
        ends: Instant,
    ) -> Self {
        Self {
            rule,
            question,
            order,
            transport,
            waiting,
            ends,
            hedge_at: None,
            retry_at: None,
            exchanges: Vec::new(),
            tried: Vec::new(),
            unreached: Vec::new(),
            refused: Vec::new(),
            needs_stream: false,
            is_plain: false,
            truncated: None,
            kept: None,
            fault: None,
            explained: None,
        }
    }

    /// Whether the network said of each upstream often enough that it is not there.
    fn is_unreachable(&self) -> bool {
        let unreached = |upstream: &UpstreamId| {
            self.unreached.iter().filter(|it| *it == upstream).count() >= UNREACHED_MAX
        };
        !self.order.is_empty() && self.order.iter().all(unreached)
    }

    pub(super) fn tries(&self, upstream: UpstreamId) -> usize {
        self.tried.iter().filter(|tried| **tried == upstream).count()
    }
}

impl Forwarder {
    pub(super) fn set_pursuit_timer(&mut self, id: PursuitId) {
        let Some(pursuit) = self.pursuits.get(&id) else { return };
        let due = pursuit.exchanges.iter().filter_map(|id| {
            let exchange = self.exchanges.get(id)?;
            (!exchange.is_overdue).then_some(exchange.due_at)
        });
        let stale = pursuit.waiting.iter().filter_map(|waiting| waiting.stale_at);
        let soonest = due.chain(stale).chain(pursuit.hedge_at).chain(pursuit.retry_at);
        let at = soonest.chain([pursuit.ends]).min();
        self.timers.set(Sleeper::Pursuit(id), at);
    }

    /// Whether somebody was asked who still has time to answer.
    fn is_awaiting(&self, id: PursuitId) -> bool {
        self.pursuits.get(&id).is_some_and(|pursuit| {
            let mut exchanges = pursuit.exchanges.iter();
            exchanges.any(|id| self.exchanges.get(id).is_some_and(|it| !it.is_overdue))
        })
    }

    /// Asks the next upstream; when there is none, waits for those asked, or gives up.
    pub(super) fn go_on(&mut self, id: PursuitId, now: Instant, actions: &mut Vec<Action>) {
        loop {
            let Some(pursuit) = self.pursuits.get(&id) else { return };
            let is_spent = pursuit.tried.len() >= self.settings.attempts_max;
            let next = if is_spent { None } else { self.next_untried(id) };
            if let Some(upstream) = next {
                if self.attempt(id, upstream, now, actions) {
                    return;
                }
                self.refuse(id, upstream, Fault::Busy);
                continue;
            }
            if self.is_awaiting(id) {
                return;
            }
            return self.exhausted(id, is_spent, now, actions);
        }
    }

    /// All were asked, and none has time left: asks again, waits for a late answer, or gives up.
    fn exhausted(
        &mut self,
        id: PursuitId,
        is_spent: bool,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        let Some(pursuit) = self.pursuits.get_mut(&id) else { return };
        if !pursuit.refused.is_empty() || pursuit.truncated.is_some() {
            return self.give_up(id, now, actions);
        }
        if pursuit.is_unreachable() {
            return self.give_up(id, now, actions);
        }
        if !is_spent && matches!(pursuit.fault, Some((_, Fault::Network))) {
            let rounds = pursuit.order.iter().map(|it| pursuit.tries(*it));
            let (least, most) = (rounds.clone().min(), rounds.max());
            // The others have their second turn as soon as the first had its.
            if least == most || !self.ask_again(id, now, actions) {
                self.retry_later(id, now);
            }
            return;
        }
        if !is_spent && self.ask_again(id, now, actions) {
            return;
        }
        let is_hopeless =
            self.pursuits.get(&id).is_some_and(|pursuit| pursuit.exchanges.is_empty());
        if is_hopeless {
            self.give_up(id, now, actions);
        }
    }

    fn retry_later(&mut self, id: PursuitId, now: Instant) {
        let Some(pursuit) = self.pursuits.get_mut(&id) else { return };
        let rounds = pursuit.order.iter().map(|it| pursuit.tries(*it)).max().unwrap_or_default();
        let doublings = u32::try_from(rounds).unwrap_or(u32::MAX).clamp(1, 16) - 1;
        pursuit.retry_at = Some(now + RETRY_FIRST * 2_u32.pow(doublings));
    }

    /// Whom nobody asked this yet: those that are up first, then any.
    fn next_untried(&self, id: PursuitId) -> Option<UpstreamId> {
        let pursuit = self.pursuits.get(&id)?;
        let is_new = |upstream: &UpstreamId| {
            pursuit.tries(*upstream) == 0 && !pursuit.refused.contains(upstream)
        };
        let standing = |upstream: &UpstreamId| self.upstreams.get(upstream.0);
        let mut new = pursuit.order.iter().copied().filter(is_new);
        let up = new.clone().find(|upstream| standing(upstream).is_some_and(|it| it.is_usable()));
        // Those that are down are worth a try only when nobody who is up says anything.
        if up.is_some() || !pursuit.refused.is_empty() || self.fails_fast(pursuit) {
            return up;
        }
        new.find(|upstream| standing(upstream).is_some_and(|it| !it.is_looping))
    }

    /// Asks one again that did not answer: the one that was asked least.
    fn ask_again(&mut self, id: PursuitId, now: Instant, actions: &mut Vec<Action>) -> bool {
        let Some(pursuit) = self.pursuits.get(&id) else { return false };
        let fails_fast = self.fails_fast(pursuit);
        let standing = |upstream: &UpstreamId| self.upstreams.get(upstream.0);
        let candidates = pursuit.order.iter().copied().filter(|upstream| {
            standing(upstream).is_some_and(|it| !(it.is_looping || fails_fast && it.is_down))
                && !pursuit.refused.contains(upstream)
        });
        let least = candidates.min_by_key(|upstream| {
            (pursuit.tries(*upstream), standing(upstream).is_some_and(|it| it.is_down))
        });
        least.is_some_and(|upstream| self.attempt(id, upstream, now, actions))
    }

    /// Whether upstreams that are down are not asked at all.
    fn fails_fast(&self, pursuit: &Pursuit) -> bool {
        let first = pursuit.order.first().and_then(|first| self.upstreams.get(first.0));
        let members = first.and_then(|standing| self.groups.get(standing.rule.0));
        members.is_some_and(|it| it.group.fails_fast)
    }

    /// Goes on with the upstreams of another group, and no longer with those that were asked.
    pub(super) fn turn_to(
        &mut self,
        id: PursuitId,
        rule: RuleId,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        let order = self.in_order(rule);
        let Some(pursuit) = self.pursuits.get_mut(&id) else { return };
        pursuit.order = order;
        pursuit.refused.clear();
        for exchange in pursuit.exchanges.clone() {
            self.close_exchange(exchange, now, actions);
        }
    }

    /// This upstream is not asked this again.
    pub(super) fn refuse(&mut self, id: PursuitId, upstream: UpstreamId, fault: Fault) {
        if let Some(pursuit) = self.pursuits.get_mut(&id) {
            pursuit.refused.push(upstream);
            pursuit.fault = Some((upstream, fault));
        }
    }

    /// When to ask a second one, should the first be slower than it usually is.
    pub(super) fn set_hedge(&mut self, id: PursuitId, now: Instant) {
        let Some(pursuit) = self.pursuits.get_mut(&id) else { return };
        let first = pursuit.tried.first().and_then(|first| self.upstreams.get(first.0));
        let usual = first.and_then(super::upstream::Standing::usual_most);
        pursuit.hedge_at = usual.map(|usual| now + usual);
    }

    fn hedge(&mut self, id: PursuitId, now: Instant, actions: &mut Vec<Action>) {
        if self.hedge_credit < HEDGE_COST {
            return;
        }
        let Some(upstream) = self.next_untried(id) else { return };
        let is_usable = self.upstreams.get(upstream.0).is_some_and(|it| it.is_usable());
        if is_usable && self.attempt(id, upstream, now, actions) {
            self.hedge_credit -= HEDGE_COST;
            if let Some(standing) = self.upstreams.get_mut(upstream.0) {
                standing.stats.hedges += 1;
            }
        }
    }

    pub(super) fn pursuit_due(&mut self, id: PursuitId, now: Instant, actions: &mut Vec<Action>) {
        let Some(pursuit) = self.pursuits.get_mut(&id) else { return };
        if now >= pursuit.ends {
            return self.give_up(id, now, actions);
        }
        let wants_retry = pursuit.retry_at.take_if(|at| *at <= now).is_some();
        let wants_hedge = pursuit.hedge_at.take_if(|at| *at <= now).is_some();
        self.give_stale(id, now, actions);
        let is_overdue = self.mark_overdue(id, now, actions);
        if is_overdue {
            self.go_on(id, now, actions);
        } else if wants_hedge {
            self.hedge(id, now, actions);
        }
        if wants_retry && !self.ask_again(id, now, actions) {
            self.give_up(id, now, actions);
        }
        self.set_pursuit_timer(id);
    }

    fn mark_overdue(&mut self, id: PursuitId, now: Instant, actions: &mut Vec<Action>) -> bool {
        let Some(pursuit) = self.pursuits.get(&id) else { return false };
        let mut found = Vec::new();
        for exchange in &pursuit.exchanges {
            if let Some(it) = self.exchanges.get_mut(exchange)
                && !it.is_overdue
                && it.due_at <= now
            {
                it.is_overdue = true;
                found.push((it.upstream, it.way, it.sent_at));
            }
        }
        for (upstream, way, sent_at) in &found {
            self.suspect(*way, *sent_at);
            self.timed_out(*upstream, now, actions);
            if let Some(pursuit) = self.pursuits.get_mut(&id) {
                pursuit.fault = Some((*upstream, Fault::Timeout));
            }
        }
        !found.is_empty()
    }

    /// Goes on with what is not decided yet, only to learn how long it takes.
    pub(super) fn measure_or_close(
        &mut self,
        id: ExchangeId,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        if exchange.is_overdue || !exchange.is_by_datagram() || self.measured >= MEASURED_MAX {
            return self.close_exchange(id, now, actions);
        }
        exchange.purpose = Purpose::Measure;
        self.measured += 1;
        self.timers.set(Sleeper::Exchange(id), Some(exchange.due_at));
    }

    pub(super) fn measure_due(&mut self, id: ExchangeId, now: Instant, actions: &mut Vec<Action>) {
        let Some(upstream) = self.exchanges.get(&id).map(|exchange| exchange.upstream) else {
            return;
        };
        self.timed_out(upstream, now, actions);
        self.close_exchange(id, now, actions);
    }
}
