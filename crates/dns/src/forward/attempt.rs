//! How is one upstream asked once, and what does its answer mean?

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::cache::{Question, Reply};
use crate::received::Received;
use crate::wire::Rcode;

use super::exchange::{Exchange, ExchangeId, Fault, Purpose, PursuitId, Way};
use super::machine::Forwarder;
use super::query::mix_case;
use super::timers::Sleeper;
use super::{Action, Group, Report, Transport, UpstreamId};

const NOERROR: u16 = Rcode::NOERROR.0;
const FORMERR: u16 = Rcode::FORMERR.0;
const NXDOMAIN: u16 = Rcode::NXDOMAIN.0;
const NOTIMP: u16 = Rcode::NOTIMP.0;
/// What a DNAME leads to is too long: an answer about the name, not about the server.
const YXDOMAIN: u16 = 6;
const BADVERS: u16 = Rcode::BADVERS.0;

/// What is kept of an upstream's explanation.
const EXPLAINED_CHARS: usize = 80;

impl Forwarder {
    /// Asks an upstream for a pursuit. False when all of its streams are full.
    pub(super) fn attempt(
        &mut self,
        id: PursuitId,
        upstream: UpstreamId,
        now: Instant,
        actions: &mut Vec<Action>,
    ) -> bool {
        let Some(pursuit) = self.pursuits.get(&id) else { return false };
        let by_stream = pursuit.needs_stream || pursuit.transport == Transport::Tcp;
        let rule = self.upstreams.get(upstream.0).map_or(pursuit.rule, |it| it.rule);
        let prefers_udp = self.groups.get(rule.0).is_some_and(|it| it.group.prefer_udp);
        let by_stream = by_stream && (pursuit.needs_stream || !prefers_udp);
        let (question, is_plain) = (pursuit.question.clone(), pursuit.is_plain);
        let doublings = u32::try_from(pursuit.tries(upstream)).unwrap_or(16).min(16);
        let purpose = Purpose::Pursuit(id);
        let sent = self.send(purpose, upstream, question, (by_stream, !is_plain), now, actions);
        let Some(exchange_id) = sent else { return false };
        if let Some(exchange) = self.exchanges.get_mut(&exchange_id) {
            let most = self.settings.attempt_most;
            let given = (exchange.due_at - now).saturating_mul(2_u32.pow(doublings));
            exchange.due_at = now + given.min(most);
        }
        if let Some(standing) = self.upstreams.get_mut(upstream.0) {
            standing.stats.requests += 1;
        }
        let Some(pursuit) = self.pursuits.get_mut(&id) else { return false };
        pursuit.tried.push(upstream);
        pursuit.exchanges.push(exchange_id);
        let surplus = pursuit.exchanges.len() > self.settings.sockets_per_question_max;
        let oldest = surplus.then(|| pursuit.exchanges.remove(0));
        if let Some(oldest) = oldest {
            self.close_exchange(oldest, now, actions);
        }
        true
    }

    /// Sends a question to an upstream. `None` when all of its streams are full.
    pub(super) fn send(
        &mut self,
        purpose: Purpose,
        upstream: UpstreamId,
        question: Question,
        (by_stream, has_opt): (bool, bool),
        now: Instant,
        actions: &mut Vec<Action>,
    ) -> Option<ExchangeId> {
        let standing = self.upstreams.get(upstream.0)?;
        let is_forced = self.groups.get(standing.rule.0).is_some_and(|it| it.group.force_tcp);
        let by_stream = by_stream || is_forced || standing.upstream.tls.is_some();
        let due_at = now + standing.attempt_timeout(&self.settings);
        let name = if self.settings.mixes_case {
            mix_case(question.name(), &mut self.random)
        } else {
            question.name().into()
        };
        let id = ExchangeId(self.token());
        let mut exchange = Exchange {
            purpose,
            upstream,
            way: Way::Datagram,
            id: self.random.id(),
            question,
            name,
            has_opt,
            sent_at: now,
            due_at,
            is_overdue: false,
            is_resent: false,
            mismatches: 0,
        };
        if by_stream {
            self.send_by_stream(id, &mut exchange, now, actions)?;
        } else {
            let bytes = exchange.encode();
            actions.push(Action::SendDatagram { socket: id.socket(), upstream, bytes });
        }
        self.exchanges.insert(id, exchange);
        Some(id)
    }

    pub(super) fn datagram(
        &mut self,
        id: ExchangeId,
        from: SocketAddr,
        bytes: &[u8],
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        if !exchange.is_by_datagram() {
            return;
        }
        let Some(standing) = self.upstreams.get_mut(exchange.upstream.0) else { return };
        let Ok(received) = Received::parse(bytes) else {
            standing.stats.malformed += 1;
            return;
        };
        if standing.upstream.address == from && exchange.is_answered_by(&received) {
            return self.settle(id, &received, now, actions);
        }
        standing.stats.mismatches += 1;
        exchange.mismatches += 1;
        if exchange.mismatches < self.settings.mismatches_max {
            return;
        }
        // Somebody tries out IDs. A stream cannot be guessed into.
        if let Purpose::Pursuit(pursuit_id) = exchange.purpose {
            let upstream = exchange.upstream;
            if let Some(pursuit) = self.pursuits.get_mut(&pursuit_id) {
                pursuit.needs_stream = true;
            }
            self.close_exchange(id, now, actions);
            self.again_by_stream(pursuit_id, upstream, now, actions);
        }
    }

    fn again_by_stream(
        &mut self,
        id: PursuitId,
        upstream: UpstreamId,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        if !self.attempt(id, upstream, now, actions) {
            self.refuse(id, upstream, Fault::Busy);
            self.go_on(id, now, actions);
        }
        self.set_pursuit_timer(id);
    }

    pub(super) fn socket_failed(
        &mut self,
        id: ExchangeId,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        let Some(exchange) = self.exchanges.get(&id).filter(|it| it.is_by_datagram()) else {
            return;
        };
        let (upstream, purpose) = (exchange.upstream, exchange.purpose);
        self.forget_exchange(id);
        self.network_failed(upstream, now, actions);
        self.lost(purpose, upstream, now, actions);
    }

    /// What an exchange was for goes on without it.
    pub(super) fn lost(
        &mut self,
        purpose: Purpose,
        upstream: UpstreamId,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        match purpose {
            Purpose::Pursuit(id) => {
                if let Some(pursuit) = self.pursuits.get_mut(&id) {
                    pursuit.fault = Some((upstream, Fault::Network));
                    pursuit.unreached.push(upstream);
                }
                self.go_on(id, now, actions);
                self.set_pursuit_timer(id);
            }
            Purpose::Health => {
                if let Some(standing) = self.upstreams.get_mut(upstream.0) {
                    standing.stats.health_failures += 1;
                    standing.health.exchange = None;
                }
            }
            Purpose::Measure | Purpose::Loop => {}
        }
    }

    /// The answer that was awaited, whatever it says.
    pub(super) fn settle(
        &mut self,
        id: ExchangeId,
        received: &Received<'_>,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        let Some(exchange) = self.exchanges.get(&id) else { return };
        let (purpose, upstream, sent_at) = (exchange.purpose, exchange.upstream, exchange.sent_at);
        let (by_datagram, has_opt) = (exchange.is_by_datagram(), exchange.has_opt);
        if let Some(standing) = self.upstreams.get_mut(upstream.0)
            && standing.answered(now.saturating_duration_since(sent_at))
        {
            // Whatever it answered, it need not be asked whether it is back.
            let probe = standing.health.exchange.take();
            self.set_upstream_timer(upstream);
            actions.push(Action::Report(Report::Up(upstream)));
            if let Some(probe) = probe {
                self.close_exchange(probe, now, actions);
            }
        }
        self.close_exchange(id, now, actions);
        match purpose {
            Purpose::Measure | Purpose::Health => {}
            Purpose::Loop => self.loop_answered(upstream, now, actions),
            Purpose::Pursuit(pursuit) if by_datagram && received.header().is_truncated() => {
                self.truncated(pursuit, upstream, received, now, actions);
            }
            Purpose::Pursuit(pursuit) => {
                self.judge(pursuit, upstream, received, has_opt, now, actions);
            }
        }
    }

    fn truncated(
        &mut self,
        id: PursuitId,
        upstream: UpstreamId,
        received: &Received<'_>,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        if let Some(standing) = self.upstreams.get_mut(upstream.0) {
            standing.stats.truncations += 1;
        }
        if let Some(pursuit) = self.pursuits.get_mut(&id) {
            pursuit.needs_stream = true;
            if received.rcode() == NOERROR {
                pursuit.truncated = Some(Arc::new(Reply::new(received)));
            }
        }
        self.again_by_stream(id, upstream, now, actions);
    }

    fn judge(
        &mut self,
        id: PursuitId,
        upstream: UpstreamId,
        received: &Received<'_>,
        has_opt: bool,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        let Some(pursuit) = self.pursuits.get_mut(&id) else { return };
        let Some(standing) = self.upstreams.get_mut(upstream.0) else { return };
        standing.stats.add_rcode(received.rcode());
        let group = self.groups.get(standing.rule.0).map(|members| &members.group);
        match (received.rcode(), group) {
            (rcode, Some(Group { next: (codes, Some(rule)), .. })) if codes.contains(&rcode) => {
                let rule = *rule;
                pursuit.kept = Some(Arc::new(Reply::new(received)));
                self.turn_to(id, rule, now, actions);
            }
            (rcode, Some(Group { failover, .. })) if failover.contains(&rcode) => {
                pursuit.kept = Some(Arc::new(Reply::new(received)));
                self.refuse(id, upstream, Fault::Rcode(rcode));
            }
            (NOERROR | NXDOMAIN | YXDOMAIN, _) => {
                standing.stats.answers += 1;
                let reply = Arc::new(Reply::new(received));
                let kept = self.cache.insert(&pursuit.question, received, &reply, now);
                self.is_cache_changed |= kept.is_ok();
                return self.succeed(id, &reply, now, actions);
            }
            (FORMERR | NOTIMP | BADVERS, _) if has_opt && !pursuit.is_plain => {
                // RFC 6891, section 7: perhaps it does not know EDNS.
                pursuit.is_plain = true;
                if self.attempt(id, upstream, now, actions) {
                    return self.set_pursuit_timer(id);
                }
                self.refuse(id, upstream, Fault::Busy);
            }
            (rcode, _) => {
                standing.stats.refusals += 1;
                pursuit.explained = received.extended_error().map(explained);
                self.refuse(id, upstream, Fault::Rcode(rcode));
            }
        }
        self.go_on(id, now, actions);
        self.set_pursuit_timer(id);
    }

    /// Nothing comes of it any more.
    pub(super) fn close_exchange(
        &mut self,
        id: ExchangeId,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        match self.forget_exchange(id) {
            Some(Way::Datagram) => actions.push(Action::CloseSocket { socket: id.socket() }),
            Some(Way::Stream(token)) => self.leave_stream(token, now, actions),
            None => {}
        }
    }

    /// Takes it out of everything that knows it; gives how it was sent.
    pub(super) fn forget_exchange(&mut self, id: ExchangeId) -> Option<Way> {
        let exchange = self.exchanges.remove(&id)?;
        match exchange.purpose {
            Purpose::Pursuit(pursuit) => {
                if let Some(pursuit) = self.pursuits.get_mut(&pursuit) {
                    pursuit.exchanges.retain(|other| *other != id);
                }
            }
            Purpose::Measure => {
                self.measured -= 1;
                self.timers.set(Sleeper::Exchange(id), None);
            }
            Purpose::Health | Purpose::Loop => {}
        }
        if let Way::Stream(token) = exchange.way
            && let Some(connection) = self.connections.get_mut(&token)
        {
            connection.exchanges.remove(&exchange.id);
        }
        Some(exchange.way)
    }

    pub(super) fn timed_out(
        &mut self,
        upstream: UpstreamId,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        if let Some(standing) = self.upstreams.get_mut(upstream.0) {
            standing.stats.timeouts += 1;
        }
        self.failed(upstream, now, actions);
    }

    pub(super) fn network_failed(
        &mut self,
        upstream: UpstreamId,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        if let Some(standing) = self.upstreams.get_mut(upstream.0) {
            standing.stats.network_failures += 1;
        }
        self.failed(upstream, now, actions);
    }

    fn failed(&mut self, upstream: UpstreamId, now: Instant, actions: &mut Vec<Action>) {
        let Some(standing) = self.upstreams.get_mut(upstream.0) else { return };
        let max_fails = self.groups.get(standing.rule.0).map_or(0, |it| it.group.max_fails);
        if standing.failed(max_fails, &self.settings, now) {
            self.set_upstream_timer(upstream);
            actions.push(Action::Report(Report::Down(upstream)));
        }
    }
}

/// The text goes on to clients, in datagrams, so it is kept short.
fn explained((code, text): (u16, &[u8])) -> (u16, Box<str>) {
    let text = String::from_utf8_lossy(text);
    (code, text.chars().filter(|it| !it.is_control()).take(EXPLAINED_CHARS).collect())
}
