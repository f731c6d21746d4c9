//! What does a client get for a message?
//!
//! A [`Responder`] is everything that decides it, as one value that never changes. What it knows it
//! writes at once. For the rest it says whom to ask, and when there is an outcome it begins anew with
//! one thing more that it knows: so an answer that took time is made of the cluster as it is at its
//! end, and there is one way to an answer.

mod blocks;
mod hosts;
mod knowledge;
mod otherwise;
mod relay;
mod rewrite;
mod run;
mod search;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::cache::{CacheView, Question};
use crate::forward::{Outcome, RuleId};
use crate::wire::{Rcode, RecordType, ReplySize};
use crate::zone::{Zone, ZoneOf};

use knowledge::Knowledge;
use run::Run;

pub use blocks::{Block, Blocks, Route};
pub use rewrite::Rewrites;
pub use search::Search;

/// Questions that one message may lead to: a search list for both families, and aliases.
const QUESTIONS_MAX: usize = 24;

/// All that decides what clients are told.
#[derive(Debug, Clone)]
pub struct Responder {
    pub zone: Zone,
    /// Whom to ask for names that are not the zone's, and what else holds there.
    pub blocks: Arc<Blocks>,
    /// Whose search lists are walked for them.
    pub search: Search,
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
    /// Where the question's name is.
    pub zone: ZoneOf,
    /// The answer is that of a later name of the client's search list.
    pub is_walked: bool,
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
    zone: ZoneOf,
    ask: Ask,
    /// What was learned for it already.
    outcomes: Vec<(Question, Outcome)>,
}

impl Pending {
    /// What is to be asked now.
    #[must_use]
    pub const fn ask(&self) -> &Ask {
        &self.ask
    }

    #[must_use]
    pub const fn client(&self) -> Client {
        self.client
    }

    /// Where the name of the client's question is.
    #[must_use]
    pub const fn zone(&self) -> ZoneOf {
        self.zone
    }

    /// The client's message.
    #[must_use]
    pub const fn message(&self) -> &[u8] {
        &self.message
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
        let known = Knowledge { cache, now, outcomes: &[] };
        match self.run(message, client, known, random, buffer) {
            Run::Done(response) => response,
            Run::Ask(ask, zone) => Response::Ask(Box::new(Pending {
                message: message.into(),
                client,
                zone,
                ask,
                outcomes: Vec::new(),
            })),
        }
    }

    /// Goes on with a message when what it asked for has an outcome.
    pub fn resume(
        &self,
        mut pending: Box<Pending>,
        outcome: Outcome,
        cache: &CacheView,
        (now, random): (Instant, u64),
        buffer: &mut [u8],
    ) -> Response {
        let asked = pending.ask.question.clone();
        pending.outcomes.push((asked, outcome));
        let known = Knowledge { cache, now, outcomes: &pending.outcomes };
        match self.run(&pending.message, pending.client, known, random, buffer) {
            Run::Done(response) => response,
            Run::Ask(..) if pending.outcomes.len() >= QUESTIONS_MAX => {
                run::give_up(&pending, buffer)
            }
            Run::Ask(ask, _) => {
                pending.ask = ask;
                Response::Ask(pending)
            }
        }
    }
}
