//! What becomes of one message, whichever way it came?

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Instant;

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng as _, SeedableRng as _};
use dns::cache::{CacheView, Failure as UpstreamFailure};
use dns::forward::Outcome;
use dns::respond::{Client, Pending, Responder, Response, Summary};
use dns::wire::ExtendedError;
use dns::wire::{Rcode, RecordType, ReplySize, read};
use dns::zone::ZoneOf;
use host::datagram::{Ends, UdpSocket};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::failures::{FailureLog, Notes};
use crate::forwarder::{Asked, Request};
use crate::options::DATAGRAM_SIZE_MAX;
use crate::published::{Published, Reader};
use crate::stats::Counters;

/// What clients are told, and for which forwarder its routes are made.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) responder: Arc<Responder>,
    pub(crate) generation: Generation,
}

/// Which of the settings in turn a forwarder is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Generation(pub(crate) u64);

/// What all threads that answer share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) policy: Arc<Published<Policy>>,
    pub(crate) cache: Arc<Published<CacheView>>,
    pub(crate) failures: FailureLog,
    /// Octets that an answer by datagram may have.
    pub(crate) datagram_size: AtomicU16,
}

/// Where an answer goes.
#[derive(Debug)]
pub(crate) enum Way {
    /// Out of the socket that the question came by, from the address that was asked.
    Datagram { socket: Arc<UdpSocket>, ends: Ends },
    /// To the stream's own writer. It has room for as many answers as the stream has questions.
    Stream(mpsc::Sender<Vec<u8>>),
}

/// What is to be done with a message now.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Nothing.
    Silent,
    /// Send so many octets of the buffer; it is counted for this zone.
    Reply(usize, ZoneOf),
    /// Nothing: the forwarder sends it.
    Later,
    /// Send these, one behind the other.
    Transfer(Vec<Vec<u8>>),
}

/// One thread's way to answers.
#[derive(Debug)]
pub(crate) struct Answerer {
    shared: Arc<Shared>,
    policy: Reader<Policy>,
    cache: Reader<CacheView>,
    random: ChaCha8Rng,
    pub(crate) counters: Arc<Counters>,
    notes: Notes,
    requests: mpsc::Sender<Request>,
}

impl Answerer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        counters: Arc<Counters>,
        requests: mpsc::Sender<Request>,
        seed: [u8; 32],
    ) -> Self {
        Self {
            policy: Reader::new(Arc::clone(&shared.policy)),
            cache: Reader::new(Arc::clone(&shared.cache)),
            shared,
            random: ChaCha8Rng::from_seed(seed),
            counters,
            notes: Notes::new(),
            requests,
        }
    }

    /// Before messages that came together.
    pub(crate) fn begin(&mut self) {
        self.policy.refresh();
        self.cache.refresh();
    }

    pub(crate) fn datagram_size(&self) -> ReplySize {
        let size = self.shared.datagram_size.load(Ordering::Relaxed);
        ReplySize::Datagram(usize::from(size.min(DATAGRAM_SIZE_MAX)))
    }

    /// After messages that came together.
    pub(crate) fn end(&mut self) {
        self.notes.flush(&self.shared.failures);
    }

    /// Answers a message that arrived at `now` into the buffer.
    pub(crate) fn answer(
        &mut self,
        message: &[u8],
        client: Client,
        now: Instant,
        way: impl FnOnce() -> Way,
        buffer: &mut [u8],
    ) -> Answer {
        let Policy { responder, generation } = self.policy.value();
        let drawn = (now, self.random.next_u64());
        let response = responder.respond(message, client, self.cache.value(), drawn, buffer);
        if let Response::ReplyAndRefresh(_, _, ask) = &response {
            // Without room, whoever asks next after its end asks for it.
            drop(self.requests.try_send(Request::Refresh(ask.clone(), *generation)));
        }
        match response {
            Response::Silent => {
                self.counters.silent.add(1);
                Answer::Silent
            }
            Response::Reply(len, summary) | Response::ReplyAndRefresh(len, summary, _) => {
                self.count(message, client, now, (summary, len));
                self.count_dnssec(message, summary.zone);
                Answer::Reply(len, summary.zone)
            }
            Response::Transfer(messages, summary) => {
                let len = messages.iter().map(Vec::len).sum();
                self.count(message, client, now, (summary, len));
                self.count_dnssec(message, summary.zone);
                Answer::Transfer(messages)
            }
            Response::Ask(pending) => {
                self.count_dnssec(message, pending.zone());
                let asked = Asked { pending, generation: *generation, arrived: now, way: way() };
                self.ask(message, client, asked, buffer)
            }
        }
    }

    fn ask(&mut self, message: &[u8], client: Client, asked: Asked, buffer: &mut [u8]) -> Answer {
        let (rtype, now) = (asked.pending.ask().question.rtype, asked.arrived);
        let zone = asked.pending.zone();
        let rejected = match self.requests.try_send(Request::Ask(asked)) {
            Ok(()) => {
                let rtype = RecordType(rtype);
                self.counters.request(client, (zone, rtype), message.len());
                return Answer::Later;
            }
            Err(TrySendError::Full(request) | TrySendError::Closed(request)) => request,
        };
        self.counters.asks_full.add(1);
        let Request::Ask(Asked { pending, .. }) = rejected else { return Answer::Silent };
        self.refuse(pending, message, now, buffer)
    }

    /// The answer when too many wait: all that it needs from upstreams fails.
    fn refuse(
        &mut self,
        mut pending: Box<Pending>,
        message: &[u8],
        now: Instant,
        buffer: &mut [u8],
    ) -> Answer {
        let client = pending.client();
        loop {
            let responder = &self.policy.value().responder;
            let (cache, drawn) = (self.cache.value(), (now, self.random.next_u64()));
            let outcome = Outcome::Failure(overloaded());
            match responder.resume(pending, outcome, cache, drawn, buffer) {
                // The responder bounds how often.
                Response::Ask(next) => pending = next,
                Response::Reply(len, summary) | Response::ReplyAndRefresh(len, summary, _) => {
                    self.count(message, client, now, (summary, len));
                    return Answer::Reply(len, summary.zone);
                }
                Response::Silent | Response::Transfer(..) => return Answer::Silent,
            }
        }
    }

    fn count(&mut self, message: &[u8], client: Client, now: Instant, told: (Summary, usize)) {
        let (summary, len) = told;
        self.counters.request(client, (summary.zone, summary.rtype), message.len());
        self.counters.response(client, summary, len);
        if !self.notes.add(client.address, message, summary, now) {
            self.counters.unlogged.add(1);
        }
    }

    /// Only a message with additional records can want signatures.
    fn count_dnssec(&self, message: &[u8], zone: ZoneOf) {
        let may_want = message.get(10..12).is_some_and(|count| count != [0, 0]);
        if may_want && read(message).is_ok_and(|query| query.dnssec_ok()) {
            self.counters.dnssec_request(zone);
        }
    }
}

/// What clients are told when too many questions are on their way to upstreams.
pub(crate) fn overloaded() -> UpstreamFailure {
    UpstreamFailure {
        rcode: Rcode::SERVFAIL.0,
        extended: ExtendedError::OTHER,
        text: "too many questions wait for upstreams".into(),
    }
}
