//! Which stream carries a question, and what when a stream ends?

use std::time::Instant;

use crate::received::Received;

use super::connection::Connection;
use super::exchange::{Exchange, ExchangeId, Way};
use super::machine::Forwarder;
use super::timers::Sleeper;
use super::{Action, ConnectionToken, UpstreamId};

impl Forwarder {
    /// Puts it on a stream that has room, or on a new one. `None` when there is no room.
    pub(super) fn send_by_stream(
        &mut self,
        id: ExchangeId,
        exchange: &mut Exchange,
        now: Instant,
        actions: &mut Vec<Action>,
    ) -> Option<()> {
        let upstream = exchange.upstream;
        let found = self.connection_with_room(upstream);
        if let Some(standing) = self.upstreams.get_mut(upstream.0) {
            standing.stats.connection_hits += u64::from(found.is_some());
            standing.stats.connection_misses += u64::from(found.is_none());
        }
        let token = match found {
            Some(token) => token,
            None => self.open_connection(upstream, actions)?,
        };
        let connection = self.connections.get_mut(&token)?;
        exchange.id = connection.take_id(id, &mut self.random);
        exchange.way = Way::Stream(token);
        exchange.sent_at = now;
        self.timers.set(Sleeper::Connection(token), None);
        if connection.is_open {
            actions.push(Action::SendMessage { connection: token, bytes: exchange.encode() });
        } else {
            // It takes a few times to and fro until the question is even sent.
            exchange.due_at = now + self.settings.attempt_most;
        }
        Some(())
    }

    /// One that is open, before one that is being opened.
    fn connection_with_room(&self, upstream: UpstreamId) -> Option<ConnectionToken> {
        let of_upstream = self.connections.iter().filter(|(_, it)| it.upstream == upstream);
        let with_room = of_upstream.filter(|(_, it)| it.takes_more(&self.settings));
        with_room.max_by_key(|(_, connection)| connection.is_open).map(|(token, _)| *token)
    }

    fn open_connection(
        &mut self,
        upstream: UpstreamId,
        actions: &mut Vec<Action>,
    ) -> Option<ConnectionToken> {
        let count = self.connections.values().filter(|it| it.upstream == upstream).count();
        if count >= self.settings.connections_max {
            return None;
        }
        let connection = ConnectionToken(self.token());
        self.connections.insert(connection, Connection::new(upstream));
        actions.push(Action::OpenConnection { connection, upstream });
        Some(connection)
    }

    pub(super) fn opened(
        &mut self,
        token: ConnectionToken,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        let Some(connection) = self.connections.get_mut(&token) else { return };
        if std::mem::replace(&mut connection.is_open, true) {
            return;
        }
        for id in connection.in_order() {
            if let Some(exchange) = self.exchanges.get_mut(&id) {
                exchange.sent_at = now;
                actions.push(Action::SendMessage { connection: token, bytes: exchange.encode() });
            }
        }
        if connection.exchanges.is_empty() {
            self.timers.set(Sleeper::Connection(token), Some(now + self.settings.idle_most));
        }
    }

    pub(super) fn message(
        &mut self,
        token: ConnectionToken,
        bytes: &[u8],
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        let Some(connection) = self.connections.get_mut(&token) else { return };
        let Some(standing) = self.upstreams.get_mut(connection.upstream.0) else { return };
        let Ok(received) = Received::parse(bytes) else {
            standing.stats.malformed += 1;
            return;
        };
        let id = connection.exchanges.get(&received.header().id);
        let exchange = id.and_then(|id| Some((*id, self.exchanges.get(id)?)));
        let Some((id, exchange)) = exchange else {
            // Most often what was given up.
            standing.stats.mismatches += 1;
            return;
        };
        if !exchange.is_answered_by(&received) {
            standing.stats.mismatches += 1;
            return;
        }
        connection.heard_at = Some(now);
        connection.is_suspect = false;
        self.settle(id, &received, now, actions);
    }

    /// An exchange on it is over. A stream that said nothing to it is not worth keeping.
    pub(super) fn leave_stream(
        &mut self,
        token: ConnectionToken,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        let Some(connection) = self.connections.get(&token) else { return };
        if !connection.exchanges.is_empty() {
            return;
        }
        if connection.is_suspect {
            self.connection_idle(token, actions);
        } else {
            self.timers.set(Sleeper::Connection(token), Some(now + self.settings.idle_most));
        }
    }

    pub(super) fn connection_idle(&mut self, token: ConnectionToken, actions: &mut Vec<Action>) {
        if self.connections.remove(&token).is_some() {
            self.timers.set(Sleeper::Connection(token), None);
            actions.push(Action::CloseConnection { connection: token });
        }
    }

    /// Somebody waits in vain on this way since then; nothing more is put on a stream that is silent.
    pub(super) fn suspect(&mut self, way: Way, since: Instant) {
        if let Way::Stream(token) = way
            && let Some(connection) = self.connections.get_mut(&token)
        {
            connection.is_suspect = connection.heard_at.is_none_or(|at| at < since);
        }
    }

    /// The stream ended. Upstreams close what was idle for them at any time (RFC 7766, section
    /// 6.2.3), so what was on a stream that worked is sent once more, on another.
    pub(super) fn closed(
        &mut self,
        token: ConnectionToken,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        let Some(connection) = self.connections.remove(&token) else { return };
        self.timers.set(Sleeper::Connection(token), None);
        let worked = connection.heard_at.is_some();
        let (again, failed): (Vec<_>, Vec<_>) = connection.in_order().into_iter().partition(|id| {
            worked && self.exchanges.get(id).is_some_and(|it| !it.is_resent && !it.is_overdue)
        });
        let mut purposes = Vec::new();
        for id in failed {
            let purpose = self.exchanges.get(&id).map(|exchange| exchange.purpose);
            self.forget_exchange(id);
            purposes.extend(purpose);
        }
        for id in again {
            let purpose = self.exchanges.get(&id).map(|exchange| exchange.purpose);
            if !self.resend(id, now, actions) {
                purposes.extend(purpose);
            }
        }
        // One failure of the upstream, however many were on it.
        if !purposes.is_empty() || !(worked || connection.is_open) {
            self.network_failed(connection.upstream, now, actions);
        }
        for purpose in purposes {
            self.lost(purpose, connection.upstream, now, actions);
        }
    }

    fn resend(&mut self, id: ExchangeId, now: Instant, actions: &mut Vec<Action>) -> bool {
        let Some(mut exchange) = self.exchanges.remove(&id) else { return false };
        exchange.is_resent = true;
        let purpose = exchange.purpose;
        let is_sent = self.send_by_stream(id, &mut exchange, now, actions).is_some();
        self.exchanges.insert(id, exchange);
        if !is_sent {
            self.forget_exchange(id);
        } else if let super::exchange::Purpose::Pursuit(pursuit) = purpose {
            self.set_pursuit_timer(pursuit);
        }
        is_sent
    }
}
