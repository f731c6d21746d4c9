//! What does a client get for a message?
//!
//! A [`Responder`] is everything that decides it, as one value that never changes. What it knows it
//! writes at once; for the rest it says whom to ask, and goes on when there is an outcome.

use std::net::IpAddr;
use std::time::Instant;

use crate::cache::{CacheView, Question};
use crate::forward::{Outcome, RuleId};
use crate::wire::{Rcode, RecordType, ReplySize};
use crate::zone::Zone;

/// All that decides what clients are told.
#[derive(Debug, Clone)]
pub struct Responder {
    zone: Zone,
}

/// Who asks, and how much an answer may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    pub address: IpAddr,
    pub size: ReplySize,
}

/// What becomes of a message.
#[derive(Debug)]
pub enum Response {
    /// Nobody waits for an answer.
    Silent,
    /// The answer is whole: so many octets of the buffer.
    Reply(usize, Summary),
    /// An answer from the cache is whole, and ends soon: ask for it again, without a client.
    ReplyAndRefresh(usize, Summary, Box<Ask>),
    /// Somebody else must be asked first.
    Ask(Box<Pending>),
    /// The whole zone, in messages for a stream.
    Transfer(Vec<Vec<u8>>, Summary),
}

/// What is counted of an answer, and remembered of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    pub rcode: Rcode,
    /// The type that was asked for; zero where the question could not be read.
    pub rtype: RecordType,
    pub by: AnsweredBy,
}

/// Who knew the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnsweredBy {
    /// The message itself was refused.
    Protocol,
    /// The cluster's zone.
    Zone,
    /// Static entries.
    Hosts,
    Cache,
    /// An upstream, just now, or none of them.
    Forwarder,
}

/// A question for an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    pub rule: RuleId,
    pub question: Question,
    /// The client came by a stream.
    pub is_stream: bool,
}

/// A message whose answer waits for somebody else's.
#[derive(Debug)]
pub struct Pending {
    message: Box<[u8]>,
    client: Client,
    ask: Ask,
}

impl Pending {
    /// What is to be asked now.
    #[must_use]
    pub const fn ask(&self) -> &Ask {
        &self.ask
    }
}

impl Responder {
    /// Answers one message into `buffer`, which has room for a datagram of the client's size, or for
    /// 65,535 octets on a stream. Nothing is allocated, but for what is asked elsewhere.
    pub fn respond(
        &self,
        message: &[u8],
        client: Client,
        cache: &CacheView,
        (now, random): (Instant, u64),
        buffer: &mut [u8],
    ) -> Response {
        let _ = (message, client, cache, now, random, buffer, &self.zone);
        Response::Silent
    }

    /// Goes on with a message when what it asked for has an outcome.
    pub fn resume(
        &self,
        pending: Box<Pending>,
        outcome: &Outcome,
        cache: &CacheView,
        (now, random): (Instant, u64),
        buffer: &mut [u8],
    ) -> Response {
        let _ = (outcome, cache, now, random, buffer);
        Response::Ask(pending)
    }
}
