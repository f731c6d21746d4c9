//! What is in flight: which questions are pursued, and what was each upstream asked?

use std::sync::Arc;
use std::time::Instant;

use crate::cache::{Question, Reply};
use crate::received::Received;

use super::query::encode;
use super::{ConnectionToken, RuleId, SocketToken, Ticket, Transport, UpstreamId};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PursuitId(pub u64);

/// Also the number of its socket's token, when it has a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ExchangeId(pub u64);

/// A question on its way to an answer, and all who wait for it.
#[derive(Debug)]
pub(super) struct Pursuit {
    pub rule: RuleId,
    pub question: Question,
    /// Whom its group has, in the order in which to ask them.
    pub order: Vec<UpstreamId>,
    pub transport: Transport,
    pub waiting: Vec<Waiting>,
    pub ends: Instant,
    pub hedge_at: Option<Instant>,
    /// When to ask again, after nobody could be reached.
    pub retry_at: Option<Instant>,
    /// Those that may still answer, the oldest first.
    pub exchanges: Vec<ExchangeId>,
    /// Whom it asked, as often as it did.
    pub tried: Vec<UpstreamId>,
    /// Whom the network did not reach, as often as that was so.
    pub unreached: Vec<UpstreamId>,
    /// Who said that there is no answer to be had; not asked again.
    pub refused: Vec<UpstreamId>,
    /// An answer did not fit a datagram, or somebody forges them.
    pub needs_stream: bool,
    /// An upstream did not understand EDNS.
    pub is_plain: bool,
    /// Better than nothing.
    pub truncated: Option<Arc<Reply>>,
    /// An answer that holds unless another upstream says something else.
    pub kept: Option<Arc<Reply>>,
    pub fault: Option<(UpstreamId, Fault)>,
    /// What the last who refused said about it (RFC 8914).
    pub explained: Option<(u16, Box<str>)>,
}

/// One client.
#[derive(Debug)]
pub(super) struct Waiting {
    pub ticket: Ticket,
    /// When it takes a stale answer; never, when it does not.
    pub stale_at: Option<Instant>,
}

/// Why an attempt gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Timeout,
    Network,
    /// All its streams are full.
    Busy,
    Rcode(u16),
}

/// One message to an upstream, whose answer is awaited.
#[derive(Debug)]
pub(super) struct Exchange {
    pub purpose: Purpose,
    pub upstream: UpstreamId,
    pub way: Way,
    pub id: u16,
    pub question: Question,
    /// The name as it was sent.
    pub name: Box<[u8]>,
    pub has_opt: bool,
    pub sent_at: Instant,
    pub due_at: Instant,
    /// It counted as failed; an answer is still welcome.
    pub is_overdue: bool,
    /// It was sent again, since its stream ended.
    pub is_resent: bool,
    pub mismatches: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Pursuit(PursuitId),
    /// Another was faster; only to learn how long this one takes.
    Measure,
    Health,
    Loop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Datagram,
    Stream(ConnectionToken),
}

impl Exchange {
    pub(super) fn is_by_datagram(&self) -> bool {
        self.way == Way::Datagram
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        encode(self.id, &self.name, &self.question, self.has_opt)
    }

    /// Whether this can only be the answer to what was asked, as far as a message tells.
    ///
    /// Who could not read the question may not repeat it, and says so.
    pub(super) fn is_answered_by(&self, received: &Received<'_>) -> bool {
        let header = received.header();
        if !header.is_response() || header.opcode() != 0 || header.id != self.id {
            return false;
        }
        match received.question() {
            Some(_) => {
                let has_case = received.bytes().get(12..12 + self.name.len()) == Some(&*self.name);
                let is_mixed = *self.name != *self.question.name();
                let Question { rtype, class, .. } = self.question;
                received.asks(self.question.name(), rtype, class) && (has_case || !is_mixed)
            }
            None => {
                let has_nothing = header.answers == 0 && header.authorities == 0;
                has_nothing && is_failure(received.rcode())
            }
        }
    }
}

impl ExchangeId {
    pub(super) const fn socket(self) -> SocketToken {
        SocketToken(self.0)
    }
}

/// Neither NOERROR nor NXDOMAIN.
const fn is_failure(rcode: u16) -> bool {
    !matches!(rcode, 0 | 3)
}
