//! How is what a forwarder says done?

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng as _, SeedableRng as _};
use dns::cache::{Cache, CacheView, Failure};
use dns::forward::{
    Action, ConnectionToken, Event, Forwarder, Outcome, Report, Settings, SocketToken, Ticket,
    Upstream, UpstreamId,
};
use dns::respond::Response;
use dns::wire::ExtendedError;
use dns::wire::Rcode;
use host::clock::monotonic;
use tokio::sync::mpsc;
use tokio_rustls::rustls::ClientConfig;

use crate::answer::{Generation, Policy, Shared, Way};
use crate::failures::Notes;
use crate::published::Reader;
use crate::stats::Counters;

use super::datagram::{ANSWER_MAX, Come, Datagrams, OpenId};
use super::heard::{Heard, News};
use super::stream::{Destination, Link};
use super::{Asked, Request, ask_event, stream};

/// Forwarders of former settings that go on at once, at most; the oldest is ended beyond.
const RETIRED_MAX: usize = 4;

/// How long a thread may take to see new rules. Its questions by the former ones are asked as long.
const STILL_ASKED: Duration = Duration::from_secs(5);

/// The forwarder that is asked, and the former ones that somebody still waits for.
pub(super) struct Current {
    pub(super) running: Running,
    pub(super) retired: Vec<Running>,
    pub(super) edge: Edge,
    buffer: Box<[u8]>,
}

/// What all forwarders share: the clients that wait, and the sockets of questions.
pub(super) struct Edge {
    pub(super) replies: Replies,
    pub(super) datagrams: Datagrams,
}

/// A forwarder, and all that is open for it.
pub(super) struct Running {
    generation: Generation,
    pub(super) forwarder: Forwarder,
    upstreams: Vec<Upstream>,
    stream_room: usize,
    tls: Option<Arc<ClientConfig>>,
    heard: mpsc::Sender<Heard>,
    waiting: BTreeMap<Ticket, Asked>,
    /// Until then, questions by its rules may still come.
    retires_at: Option<Instant>,
    next_ticket: u64,
    sockets: BTreeMap<SocketToken, OpenId>,
    links: BTreeMap<ConnectionToken, Link>,
    is_view_changed: bool,
}

/// What could not even be begun.
enum Failed {
    Socket(SocketToken),
    Connection(ConnectionToken),
}

/// How waiting clients are answered.
pub(super) struct Replies {
    shared: Arc<Shared>,
    policy: Reader<Policy>,
    cache: Reader<CacheView>,
    random: ChaCha8Rng,
    counters: Arc<Counters>,
    notes: Notes,
    buffer: Box<[u8]>,
}

impl Current {
    pub(super) fn new(running: Running, edge: Edge) -> Self {
        let buffer = vec![0; ANSWER_MAX].into();
        Self { running, retired: Vec::new(), edge, buffer }
    }

    pub(super) fn has_waiting(&self) -> bool {
        self.retired.iter().chain([&self.running]).any(|it| !it.waiting.is_empty())
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let all = self.retired.iter().chain([&self.running]);
        all.filter_map(|it| it.forwarder.next_deadline()).min()
    }

    pub(super) fn hear(&mut self, heard: Heard) {
        let Heard { generation, news } = heard;
        if let (Some(running), edge) = self.find(generation) {
            let again = running.handle_news(&news, edge);
            self.ask_all(again);
        }
    }

    /// Hears what came by datagrams, not necessarily all.
    pub(super) fn receive(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        for id in self.edge.datagrams.ready() {
            let come = self.edge.datagrams.receive(id, &mut buffer);
            let Some(Come { owner: (generation, socket), upstream, len }) = come else { continue };
            let event = match len {
                Ok(len) => {
                    let bytes = buffer.get(..len).unwrap_or_default();
                    Event::Datagram { socket, from: upstream, bytes }
                }
                Err(_network) => Event::SocketFailed { socket },
            };
            if let (Some(running), edge) = self.find(generation) {
                if matches!(event, Event::SocketFailed { .. }) {
                    running.sockets.remove(&socket);
                }
                let again = running.handle(event, edge);
                self.ask_all(again);
            }
        }
        self.buffer = buffer;
    }

    pub(super) fn take(&mut self, request: Request) {
        match request {
            Request::Ask(asked) => self.ask_all(vec![asked]),
            Request::Refresh(ask, generation) => {
                if let (Some(running), edge) = self.find(generation) {
                    let refresh = Event::Refresh { rule: ask.rule, question: ask.question };
                    let again = running.handle(refresh, edge);
                    self.ask_all(again);
                }
            }
        }
    }

    fn find(&mut self, generation: Generation) -> (Option<&mut Running>, &mut Edge) {
        let mut all = self.retired.iter_mut().chain([&mut self.running]);
        (all.find(|it| it.generation == generation), &mut self.edge)
    }

    /// Asks each by the rules that it was made by; an answer may lead to the next question.
    fn ask_all(&mut self, mut all: Vec<Asked>) {
        // The responder bounds how often one message asks.
        while let Some(asked) = all.pop() {
            match self.find(asked.generation) {
                (Some(running), edge) => all.extend(running.ask(asked, edge)),
                (None, edge) => all.extend(edge.replies.resume(asked, outdated())),
            }
        }
        self.edge.replies.end();
    }

    pub(super) fn tick(&mut self) {
        let now = monotonic();
        let all = self.retired.iter().chain([&self.running]);
        let is_due = |it: &&Running| it.forwarder.next_deadline().is_some_and(|at| at <= now);
        let due: Vec<_> = all.filter(is_due).map(|it| it.generation).collect();
        for generation in due {
            if let (Some(running), edge) = self.find(generation) {
                let again = running.handle(Event::Tick, edge);
                self.ask_all(again);
            }
        }
        let is_recent = |it: &Running| it.retires_at.is_some_and(|at| now < at);
        let datagrams = &mut self.edge.datagrams;
        for gone in self.retired.extract_if(.., |it| !is_recent(it) && it.waiting.is_empty()) {
            datagrams.close_all_of(gone.generation);
        }
    }

    pub(super) fn changed_view(&mut self) -> Option<CacheView> {
        std::mem::take(&mut self.running.is_view_changed).then(|| self.running.forwarder.view())
    }

    pub(super) fn replace(
        &mut self,
        settings: Settings,
        generation: Generation,
        tls: Option<Arc<ClientConfig>>,
        cache: Cache,
    ) {
        let mut seed = [0; 32];
        self.edge.replies.random.fill_bytes(&mut seed);
        let forwarder = Forwarder::with_cache(settings.clone(), seed, cache, monotonic());
        let heard = self.running.heard.clone();
        let next = Running::new(generation, forwarder, &settings, tls, heard);
        let mut former = std::mem::replace(&mut self.running, next);
        former.retires_at = Some(monotonic() + STILL_ASKED);
        self.retired.push(former);
        if self.retired.len() > RETIRED_MAX {
            let mut oldest = self.retired.remove(0);
            self.edge.datagrams.close_all_of(oldest.generation);
            let waiting = std::mem::take(&mut oldest.waiting);
            let again = waiting.into_values();
            let again =
                again.filter_map(|asked| self.edge.replies.resume(asked, outdated())).collect();
            self.ask_all(again);
        }
    }
}

fn outdated() -> Outcome {
    Outcome::Failure(Failure {
        rcode: Rcode::SERVFAIL.0,
        extended: ExtendedError::OTHER,
        text: "the configuration changed too often".into(),
    })
}

impl Running {
    pub(super) fn new(
        generation: Generation,
        forwarder: Forwarder,
        settings: &Settings,
        tls: Option<Arc<ClientConfig>>,
        heard: mpsc::Sender<Heard>,
    ) -> Self {
        let upstreams = settings.groups.iter().flat_map(|group| group.upstreams.iter().cloned());
        Self {
            generation,
            forwarder,
            upstreams: upstreams.collect(),
            stream_room: settings.in_flight_max,
            tls,
            heard,
            waiting: BTreeMap::new(),
            retires_at: None,
            next_ticket: 0,
            sockets: BTreeMap::new(),
            links: BTreeMap::new(),
            is_view_changed: true,
        }
    }

    fn ask(&mut self, asked: Asked, edge: &mut Edge) -> Vec<Asked> {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        let event = ask_event(asked.pending.ask(), ticket);
        self.waiting.insert(ticket, asked);
        self.handle(event, edge)
    }

    fn handle_news(&mut self, news: &News, edge: &mut Edge) -> Vec<Asked> {
        match news {
            News::Closed(connection) => drop(self.links.remove(connection)),
            News::Opened(_) | News::Message { .. } => {}
        }
        self.handle(news.event(), edge)
    }

    /// Tells the forwarder, and does what it says. What must be asked anew is returned.
    fn handle(&mut self, event: Event<'_>, edge: &mut Edge) -> Vec<Asked> {
        let (mut actions, mut failed, mut again) = (Vec::new(), Vec::new(), Vec::new());
        self.forwarder.handle(event, monotonic(), &mut actions);
        loop {
            for action in actions.drain(..) {
                failed.extend(self.act(action, edge, &mut again));
            }
            let event = match failed.pop() {
                None => return again,
                Some(Failed::Socket(socket)) => Event::SocketFailed { socket },
                Some(Failed::Connection(connection)) => Event::Closed { connection },
            };
            self.forwarder.handle(event, monotonic(), &mut actions);
        }
    }

    /// What failed at once, if something did.
    fn act(&mut self, action: Action, edge: &mut Edge, again: &mut Vec<Asked>) -> Option<Failed> {
        match action {
            Action::SendDatagram { socket, upstream, bytes } => {
                let address = self.upstreams.get(upstream.0)?.address;
                let ids = (self.generation, socket);
                match edge.datagrams.ask(ids, address, &bytes) {
                    Ok(open) => drop(self.sockets.insert(socket, open)),
                    Err(_network) => return Some(Failed::Socket(socket)),
                }
            }
            Action::CloseSocket { socket } => {
                if let Some(open) = self.sockets.remove(&socket) {
                    edge.datagrams.close(open);
                }
            }
            Action::OpenConnection { connection, upstream } => {
                let Some(destination) = self.destination(upstream) else {
                    return Some(Failed::Connection(connection));
                };
                let (ids, heard) = ((self.generation, connection), self.heard.clone());
                let link = stream::open(ids, destination, self.stream_room, heard);
                self.links.insert(connection, link);
            }
            Action::SendMessage { connection, bytes } => {
                let is_sent = self.links.get(&connection).is_some_and(|link| link.send(bytes));
                if !is_sent {
                    self.links.remove(&connection);
                    return Some(Failed::Connection(connection));
                }
            }
            Action::CloseConnection { connection } => drop(self.links.remove(&connection)),
            Action::Publish => self.is_view_changed = true,
            Action::Report(report) => self.report(report),
            Action::Answer { ticket, outcome } => {
                let asked = self.waiting.remove(&ticket);
                again.extend(asked.and_then(|asked| edge.replies.resume(asked, outcome)));
            }
        }
        None
    }

    fn destination(&self, upstream: UpstreamId) -> Option<Destination> {
        let Upstream { address, tls } = self.upstreams.get(upstream.0)?;
        let tls = match tls {
            None => None,
            Some(name) => Some((Arc::clone(self.tls.as_ref()?), Arc::clone(name))),
        };
        Some(Destination { address: *address, tls })
    }

    fn report(&self, report: Report) {
        let address = |id: UpstreamId| self.upstreams.get(id.0).map(|it| it.address);
        match report {
            Report::Down(id) => {
                tracing::warn!(upstream = ?address(id), "an upstream does not answer");
            }
            Report::Up(id) => tracing::info!(upstream = ?address(id), "an upstream answers again"),
            Report::LoopFound(id) => tracing::warn!(
                upstream = ?address(id),
                "what this upstream is asked comes back to us: it is not asked while that is so"
            ),
            Report::LoopGone(id) => {
                tracing::info!(upstream = ?address(id), "an upstream no longer leads back to us");
            }
        }
    }
}

impl Replies {
    pub(super) fn new(shared: Arc<Shared>, counters: Arc<Counters>, seed: [u8; 32]) -> Self {
        // Another stream of numbers than the forwarder's own, of the same seed.
        let mut random = ChaCha8Rng::from_seed(seed);
        random.set_stream(1);
        Self {
            policy: Reader::new(Arc::clone(&shared.policy)),
            cache: Reader::new(Arc::clone(&shared.cache)),
            shared,
            random,
            counters,
            notes: Notes::new(),
            buffer: vec![0; usize::from(u16::MAX)].into(),
        }
    }

    /// Answers who waited, unless that takes another question: then it is given back.
    fn resume(&mut self, asked: Asked, outcome: Outcome) -> Option<Asked> {
        self.policy.refresh();
        self.cache.refresh();
        let Asked { pending, arrived, way, generation: _ } = asked;
        let (now, client) = (monotonic(), pending.client());
        let question = pending.message().to_vec();
        let drawn = (now, self.random.next_u64());
        let Policy { responder, generation } = self.policy.value();
        let (cache, generation) = (self.cache.value(), *generation);
        match responder.resume(pending, outcome, cache, drawn, &mut self.buffer) {
            Response::Ask(pending) => return Some(Asked { pending, generation, arrived, way }),
            Response::Reply(len, summary) | Response::ReplyAndRefresh(len, summary, _) => {
                self.counters.response(client, summary, len);
                self.counters.duration(now.saturating_duration_since(arrived), summary.zone);
                if !self.notes.add(client.address, &question, summary, now) {
                    self.counters.unlogged.add(1);
                }
                self.send(&way, len);
            }
            Response::Silent | Response::Transfer(..) => self.counters.silent.add(1),
        }
        None
    }

    fn send(&self, way: &Way, len: usize) {
        let reply = self.buffer.get(..len).unwrap_or_default();
        let is_sent = match way {
            Way::Datagram { socket, ends } => socket.send(reply, ends).is_ok(),
            // There is room; but the client may have gone.
            Way::Stream(answers) => answers.try_send(reply.to_vec()).is_ok(),
        };
        if !is_sent {
            self.counters.unsent.add(1);
        }
    }

    fn end(&mut self) {
        self.notes.flush(&self.shared.failures);
    }
}
