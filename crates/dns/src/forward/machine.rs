//! What does each event lead to?

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::cache::{Cache, CacheView, Cached, Failure, Freshness, Question};
use crate::wire::{ExtendedError, Rcode};

use super::connection::Connection;
use super::exchange::{Exchange, ExchangeId, Pursuit, PursuitId, Waiting};
use super::random::Random;
use super::timers::{Sleeper, Timers};
use super::upstream::Standing;
use super::{
    Action, ConnectionToken, Event, Group, Outcome, RuleId, Settings, Stats, Ticket, Transport,
    UpstreamId,
};

/// How often some of the cache is looked at for what is beyond use.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);

/// What one hedge costs. Each pursuit gives one, so no more than one in ten is hedged for long.
pub(super) const HEDGE_COST: u32 = 10;

/// Hedges that may follow one another when there were none for long.
const HEDGES_SAVED: u32 = 16;

pub(super) const SERVFAIL: u16 = Rcode::SERVFAIL.0;
pub(super) const REFUSED: u16 = Rcode::REFUSED.0;

/// Asks upstreams, and owns the cache of what they answered.
#[derive(Debug)]
pub struct Forwarder {
    pub(super) settings: Settings,
    pub(super) cache: Cache,
    pub(super) random: Random,
    pub(super) groups: Vec<Members>,
    pub(super) upstreams: Vec<Standing>,
    pub(super) pursuits: BTreeMap<PursuitId, Pursuit>,
    pub(super) in_flight: BTreeMap<(RuleId, Question), PursuitId>,
    pub(super) exchanges: BTreeMap<ExchangeId, Exchange>,
    pub(super) connections: BTreeMap<ConnectionToken, Connection>,
    pub(super) timers: Timers,
    pub(super) stats: Stats,
    pub(super) hedge_credit: u32,
    /// How many exchanges go on only to learn how long they take.
    pub(super) measured: usize,
    pub(super) is_cache_changed: bool,
    next_token: u64,
}

/// A group and what it is doing.
#[derive(Debug)]
pub(super) struct Members {
    pub group: Group,
    pub upstreams: Vec<UpstreamId>,
    pub turn: usize,
    pub waiting: usize,
    pub pursuits: usize,
}

impl Forwarder {
    /// One that has asked nobody yet. Who can foresee the seed can forge answers.
    ///
    /// The first deadline is now: at the first event it begins to look for loops.
    pub fn new(settings: Settings, seed: [u8; 32], now: Instant) -> Self {
        let mut random = Random::new(seed);
        let cache = Cache::new(settings.cache.clone(), random.number());
        Self::assemble(settings, random, cache, now)
    }

    /// One that knows what another knew, as when the groups change.
    pub fn with_cache(settings: Settings, seed: [u8; 32], cache: Cache, now: Instant) -> Self {
        Self::assemble(settings, Random::new(seed), cache, now)
    }

    fn assemble(settings: Settings, random: Random, cache: Cache, now: Instant) -> Self {
        let mut upstreams = Vec::new();
        let mut groups = Vec::new();
        for (index, group) in settings.groups.iter().enumerate() {
            let first = upstreams.len();
            let rule = RuleId(index);
            let members = group.upstreams.iter();
            upstreams.extend(members.map(|it| Standing::new(it.clone(), rule, now)));
            let members = (first..upstreams.len()).map(UpstreamId).collect();
            let group = group.clone();
            groups.push(Members { group, upstreams: members, turn: 0, waiting: 0, pursuits: 0 });
        }
        let mut timers = Timers::default();
        for (index, standing) in upstreams.iter().enumerate() {
            timers.set(Sleeper::Upstream(UpstreamId(index)), standing.wakes_at());
        }
        Self {
            settings,
            cache,
            random,
            groups,
            upstreams,
            pursuits: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            exchanges: BTreeMap::new(),
            connections: BTreeMap::new(),
            timers,
            stats: Stats::default(),
            hedge_credit: HEDGE_COST * HEDGES_SAVED,
            measured: 0,
            is_cache_changed: false,
            next_token: 0,
        }
    }

    /// Takes an event in and appends what is to be done.
    pub fn handle(&mut self, event: Event<'_>, now: Instant, actions: &mut Vec<Action>) {
        match event {
            Event::Ask { ticket, rule, question, transport, stale_ok } => {
                self.ask((ticket, stale_ok), rule, question, transport, now, actions);
            }
            Event::Refresh { rule, question } => self.refresh(rule, question, now, actions),
            Event::Datagram { socket, from, bytes } => {
                self.datagram(ExchangeId(socket.0), from, bytes, now, actions);
            }
            Event::SocketFailed { socket } => {
                self.socket_failed(ExchangeId(socket.0), now, actions);
            }
            Event::Opened { connection } => self.opened(connection, now, actions),
            Event::Message { connection, bytes } => self.message(connection, bytes, now, actions),
            Event::Closed { connection } => self.closed(connection, now, actions),
            Event::Tick => {}
        }
        while let Some(sleeper) = self.timers.pop(now) {
            match sleeper {
                Sleeper::Pursuit(id) => self.pursuit_due(id, now, actions),
                Sleeper::Exchange(id) => self.measure_due(id, now, actions),
                Sleeper::Connection(token) => self.connection_idle(token, actions),
                Sleeper::Upstream(id) => self.probes_due(id, now, actions),
                Sleeper::Sweep => self.is_cache_changed |= self.cache.sweep(now) > 0,
            }
        }
        if std::mem::take(&mut self.is_cache_changed) {
            actions.push(Action::Publish);
        }
        if !self.cache.is_empty() && !self.timers.is_set(Sleeper::Sweep) {
            self.timers.set(Sleeper::Sweep, Some(now + SWEEP_INTERVAL));
        }
    }

    /// When [`Event::Tick`] is due, if nothing happens before.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// The cache, for readers. To be published after [`Action::Publish`].
    pub fn view(&self) -> CacheView {
        self.cache.view()
    }

    /// The cache, to count and to hand on to another forwarder.
    pub const fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The cache, for purging. Publish a view afterwards.
    pub const fn cache_mut(&mut self) -> &mut Cache {
        &mut self.cache
    }

    /// What is counted up to now.
    pub fn stats(&self) -> Stats {
        Stats {
            upstreams: self.upstreams.iter().map(Standing::counted).collect(),
            outstanding: self.groups.iter().map(|members| members.waiting).sum(),
            sockets: self.exchanges.values().filter(|it| it.is_by_datagram()).count(),
            connections: self.connections.len(),
            cache: self.cache.stats(),
            ..self.stats.clone()
        }
    }

    /// Whether nobody waits and nothing is asked, so that it may be dropped.
    pub fn is_idle(&self) -> bool {
        self.pursuits.is_empty()
    }

    pub(super) const fn token(&mut self) -> u64 {
        self.next_token += 1;
        self.next_token
    }

    fn ask(
        &mut self,
        (ticket, stale_ok): (Ticket, bool),
        rule: RuleId,
        question: Question,
        transport: Transport,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        self.stats.asked += 1;
        if let Some(upstream) = self.loop_seen(question.name(), now, actions) {
            let text = format!("a probe for loops came back by {}", self.address(upstream));
            return self.fail(ticket, REFUSED, &text, actions);
        }
        if self.answer_from_cache(ticket, rule, &question, stale_ok, now, actions) {
            return;
        }
        let Some(members) = self.groups.get_mut(rule.0) else {
            return self.fail(ticket, SERVFAIL, "no such group of upstreams", actions);
        };
        let most = members.group.outstanding_max;
        let key = (rule, question);
        let flying = self.in_flight.get(&key).copied();
        if members.waiting >= most || (flying.is_none() && members.pursuits >= most) {
            self.stats.refused += 1;
            let text = format!("no more questions than {most} may be in flight");
            return self.fail(ticket, REFUSED, &text, actions);
        }
        members.waiting += 1;
        let patience = self.settings.cache.stale.filter(|_| stale_ok).map(|it| it.patience);
        let waiting = Waiting { ticket, stale_at: patience.map(|patience| now + patience) };
        if let Some(id) = flying {
            self.stats.coalesced += 1;
            if let Some(pursuit) = self.pursuits.get_mut(&id) {
                pursuit.waiting.push(waiting);
            }
            return self.set_pursuit_timer(id);
        }
        self.pursue(key, transport, vec![waiting], now, actions);
    }

    /// Readers look before they ask, but what came in meanwhile they have not seen.
    fn answer_from_cache(
        &mut self,
        ticket: Ticket,
        rule: RuleId,
        question: &Question,
        stale_ok: bool,
        now: Instant,
        actions: &mut Vec<Action>,
    ) -> bool {
        let Some(hit) = self.cache.lookup(question, now) else { return false };
        let freshness = hit.freshness;
        let is_stale = match freshness {
            Freshness::Fresh | Freshness::Ending => false,
            Freshness::StaleAfterFailure if stale_ok => true,
            Freshness::StaleAfterFailure | Freshness::Stale => return false,
        };
        let outcome = match hit.cached {
            Cached::Reply { reply, ttls } => {
                Outcome::Reply { reply: std::sync::Arc::clone(reply), ttls, is_stale }
            }
            Cached::Failure(failure) => Outcome::Failure(failure.clone()),
        };
        self.stats.stale_served += u64::from(is_stale);
        actions.push(Action::Answer { ticket, outcome });
        if freshness == Freshness::Ending {
            self.refresh(rule, question.clone(), now, actions);
        }
        true
    }

    fn refresh(
        &mut self,
        rule: RuleId,
        question: Question,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        let Some(members) = self.groups.get(rule.0) else { return };
        let is_full = members.pursuits >= members.group.outstanding_max;
        // A reader may have seen what is replaced by now.
        let is_wanted = self.cache.is_prefetched(&question);
        let key = (rule, question);
        if is_full || !is_wanted || self.in_flight.contains_key(&key) {
            return;
        }
        self.stats.prefetches += 1;
        self.pursue(key, Transport::Udp, Vec::new(), now, actions);
    }

    fn pursue(
        &mut self,
        (rule, question): (RuleId, Question),
        transport: Transport,
        waiting: Vec<Waiting>,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        let id = PursuitId(self.token());
        if let Some(members) = self.groups.get_mut(rule.0) {
            members.pursuits += 1;
        }
        self.in_flight.insert((rule, question.clone()), id);
        let ends = now + self.settings.patience;
        let order = self.in_order(rule);
        let is_usable = |it: &UpstreamId| self.upstreams.get(it.0).is_some_and(Standing::is_usable);
        let is_broken = !order.is_empty() && !order.iter().any(is_usable);
        self.stats.none_up += u64::from(is_broken);
        let pursuit = Pursuit::new((rule, question), order, transport, waiting, ends);
        self.pursuits.insert(id, pursuit);
        self.hedge_credit = (self.hedge_credit + 1).min(HEDGE_COST * HEDGES_SAVED);
        self.go_on(id, now, actions);
        self.set_hedge(id, now);
        self.set_pursuit_timer(id);
    }

    fn fail(&mut self, ticket: Ticket, rcode: u16, text: &str, actions: &mut Vec<Action>) {
        self.stats.failed += 1;
        let failure = Failure { rcode, extended: ExtendedError::OTHER, text: text.into() };
        actions.push(Action::Answer { ticket, outcome: Outcome::Failure(failure) });
    }

    pub(super) fn address(&self, id: UpstreamId) -> String {
        let address = self.upstreams.get(id.0).map(|standing| standing.upstream.address);
        address.map_or_else(String::new, |address| address.to_string())
    }

    /// Those of a group, in the order in which it wants them asked.
    pub(super) fn in_order(&mut self, rule: RuleId) -> Vec<UpstreamId> {
        let Some(members) = self.groups.get_mut(rule.0) else { return Vec::new() };
        let mut order = members.upstreams.clone();
        match members.group.policy {
            super::Policy::Sequential => {}
            super::Policy::RoundRobin => {
                let turn = members.turn % order.len().max(1);
                members.turn = turn + 1;
                order.rotate_left(turn);
            }
            super::Policy::Random => {
                for left in (1..order.len()).rev() {
                    order.swap(left, self.random.below(left + 1));
                }
            }
        }
        order
    }
}
