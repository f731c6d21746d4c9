//! What is around a forwarder in tests: a clock, a network, upstreams, clients?

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::cache::{Question, Ttls};
use crate::forward::random::Random;
use crate::forward::{
    Action, ConnectionToken, Event, Forwarder, Group, Outcome, Report, RuleId, Settings,
    SocketToken, Stats, Ticket, Transport, Upstream, UpstreamId,
};
use crate::received::Received;
use crate::received::written::name;

use super::upstream::{Mood, Server};

/// A simulated world: everything happens in the order of time, and the same each time.
pub(super) struct World {
    pub forwarder: Forwarder,
    pub servers: Vec<Server>,
    pub answers: Vec<(u64, u64, Told)>,
    pub reports: Vec<(u64, Report)>,
    pub sent: Vec<Sent>,
    /// The names that probes for loops asked for.
    pub probed: Vec<Vec<u8>>,
    start: Instant,
    now: Instant,
    on_the_way: BTreeMap<(Instant, u64), Arrival>,
    order: u64,
    sockets: BTreeMap<SocketToken, UpstreamId>,
    tokens: BTreeSet<u64>,
    connections: BTreeMap<ConnectionToken, (UpstreamId, bool)>,
    waiting: BTreeSet<Ticket>,
    random: Random,
    /// What comes back to us is answered as a client's question.
    looped: BTreeMap<Ticket, (SocketToken, Vec<u8>)>,
}

/// What a client is told, without what never differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    Reply { rcode: u16, is_truncated: bool, is_stale: bool, ttl: Option<u32> },
    Failure { rcode: u16, extended: u16, text: String },
}

/// One question to an upstream, probes left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent {
    pub at: u64,
    pub upstream: usize,
    pub connection: Option<u64>,
    pub bytes: Vec<u8>,
}

enum Arrival {
    Datagram(SocketToken, SocketAddr, Vec<u8>),
    SocketFailed(SocketToken),
    Opened(ConnectionToken),
    Message(ConnectionToken, Vec<u8>),
    Closed(ConnectionToken),
    Loop(SocketToken, Vec<u8>),
}

pub(super) fn address(upstream: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, u8::try_from(upstream).unwrap()], 53))
}

pub(super) fn told(ttl: u32) -> Told {
    Told::Reply { rcode: 0, is_truncated: false, is_stale: false, ttl: Some(ttl) }
}

pub(super) fn failed(rcode: u16, extended: u16, text: &str) -> Told {
    Told::Failure { rcode, extended, text: text.to_owned() }
}

/// A group of so many upstreams, asked in order.
pub(super) fn group(count: usize) -> Group {
    group_of(0..count)
}

/// A group of these upstreams, asked in order.
pub(super) fn group_of(upstreams: std::ops::Range<usize>) -> Group {
    let upstream = |at| Upstream { address: address(at), tls: None };
    let policy = crate::forward::Policy::Sequential;
    Group { policy, ..Group::new(&[0], upstreams.map(upstream).collect()) }
}

impl World {
    pub(super) fn new(servers: &[Server]) -> Self {
        Self::with(group(servers.len()), |_| {}, servers)
    }

    pub(super) fn with(group: Group, change: impl Fn(&mut Settings), servers: &[Server]) -> Self {
        Self::of_groups(vec![group], change, servers)
    }

    /// The servers are those of all groups, in their order; questions go to the first.
    pub(super) fn of_groups(
        groups: Vec<Group>,
        change: impl Fn(&mut Settings),
        servers: &[Server],
    ) -> Self {
        #[expect(clippy::disallowed_methods, reason = "an Instant can be had from the clock only")]
        let start = Instant::now();
        let mut settings = Settings { groups, ..Settings::default() };
        change(&mut settings);
        let mut world = Self {
            forwarder: Forwarder::new(settings, [7; 32], start),
            servers: servers.to_vec(),
            answers: Vec::new(),
            reports: Vec::new(),
            sent: Vec::new(),
            probed: Vec::new(),
            start,
            now: start,
            on_the_way: BTreeMap::new(),
            order: 0,
            sockets: BTreeMap::new(),
            tokens: BTreeSet::new(),
            connections: BTreeMap::new(),
            waiting: BTreeSet::new(),
            random: Random::new([9; 32]),
            looped: BTreeMap::new(),
        };
        // Probes for loops are over before a test begins.
        world.run(1_000);
        world.start = world.now;
        world
    }

    pub(super) fn ms(&self) -> u64 {
        u64::try_from(self.now.duration_since(self.start).as_millis()).unwrap()
    }

    pub(super) fn stats(&self) -> Stats {
        self.forwarder.stats()
    }

    /// A client asks for an address by UDP, and takes a stale one.
    pub(super) fn ask(&mut self, ticket: u64, dotted: &str) {
        self.ask_by(ticket, dotted, Transport::Udp, true);
    }

    pub(super) fn ask_by(
        &mut self,
        ticket: u64,
        dotted: &str,
        transport: Transport,
        stale_ok: bool,
    ) {
        let question = Question::new(&name(dotted), 1);
        assert!(self.waiting.insert(Ticket(ticket)));
        let (ticket, rule) = (Ticket(ticket), RuleId(0));
        self.handle(&Event::Ask { ticket, rule, question, transport, stale_ok });
    }

    /// A question from whoever is asked, by the socket that led to it.
    fn asked_by_upstream(&mut self, socket: SocketToken, query: Vec<u8>) {
        let received = Received::parse(&query).unwrap();
        let asked = received.question().unwrap();
        let mut wire = [0; 255];
        let length = asked.name.expand(&mut wire).unwrap();
        let question = Question::new(&wire[..length], asked.rtype);
        let ticket = Ticket(1_000_000 + socket.0);
        self.waiting.insert(ticket);
        self.looped.insert(ticket, (socket, query));
        let (rule, transport) = (RuleId(0), Transport::Udp);
        self.handle(&Event::Ask { ticket, rule, question, transport, stale_ok: true });
    }

    /// Lets so many milliseconds pass.
    pub(super) fn run(&mut self, milliseconds: u64) {
        let until = self.now + Duration::from_millis(milliseconds);
        for _ in 0..2_000_000 {
            let deadline = self.forwarder.next_deadline();
            let arrival = self.on_the_way.keys().next().map(|(at, _)| *at);
            let Some(next) = deadline.into_iter().chain(arrival).min().filter(|at| *at <= until)
            else {
                self.now = until;
                return;
            };
            self.now = self.now.max(next);
            let key = self.on_the_way.keys().next().copied().filter(|(at, _)| *at <= self.now);
            match key.and_then(|key| self.on_the_way.remove(&key)) {
                Some(arrival) => self.arrive(arrival),
                None => self.handle(&Event::Tick),
            }
        }
        panic!("the forwarder never rests");
    }

    /// Ends every stream that is open, as an upstream does.
    pub(super) fn close_connections(&mut self) {
        for connection in self.connections.keys().copied().collect::<Vec<_>>() {
            self.arrive(Arrival::Closed(connection));
        }
    }

    pub(super) fn refresh(&mut self, dotted: &str) {
        let question = Question::new(&name(dotted), 1);
        self.handle(&Event::Refresh { rule: RuleId(0), question });
    }

    /// What a reader of the cache is told to do.
    pub(super) fn seen(&self, dotted: &str) -> Option<crate::cache::Freshness> {
        let view = self.forwarder.view();
        let hit = view.lookup(&name(dotted), 1, 1, false, false, self.now);
        hit.map(|hit| hit.freshness)
    }

    /// Sockets and streams that are open.
    pub(super) fn open(&self) -> (usize, usize) {
        (self.sockets.len(), self.connections.len())
    }

    fn arrive(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Datagram(socket, from, bytes) if self.sockets.contains_key(&socket) => {
                self.handle(&Event::Datagram { socket, from, bytes: &bytes });
            }
            Arrival::SocketFailed(socket) if self.sockets.remove(&socket).is_some() => {
                self.handle(&Event::SocketFailed { socket });
            }
            Arrival::Opened(connection) if self.connections.contains_key(&connection) => {
                self.connections.entry(connection).and_modify(|it| it.1 = true);
                self.handle(&Event::Opened { connection });
            }
            Arrival::Message(connection, bytes) if self.connections.contains_key(&connection) => {
                self.handle(&Event::Message { connection, bytes: &bytes });
            }
            Arrival::Closed(connection) if self.connections.remove(&connection).is_some() => {
                self.handle(&Event::Closed { connection });
            }
            Arrival::Loop(socket, query) => self.asked_by_upstream(socket, query),
            // Too late: nobody is there.
            Arrival::Datagram(..)
            | Arrival::SocketFailed(_)
            | Arrival::Opened(_)
            | Arrival::Message(..)
            | Arrival::Closed(_) => {}
        }
    }

    fn handle(&mut self, event: &Event<'_>) {
        let mut actions = Vec::new();
        self.forwarder.handle(event.clone(), self.now, &mut actions);
        for action in actions {
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::SendDatagram { socket, upstream, bytes } => {
                assert!(self.tokens.insert(socket.0), "a token is used once");
                self.sockets.insert(socket, upstream);
                self.note(upstream, None, &bytes);
                self.datagram(socket, upstream, bytes);
            }
            Action::CloseSocket { socket } => {
                assert!(self.sockets.remove(&socket).is_some(), "an open socket is closed");
            }
            Action::OpenConnection { connection, upstream } => {
                assert!(self.tokens.insert(connection.0), "a token is used once");
                self.connections.insert(connection, (upstream, false));
                self.connect(connection, upstream);
            }
            Action::SendMessage { connection, bytes } => {
                let (upstream, is_open) = self.connections[&connection];
                assert!(is_open, "a stream is written to when it is open");
                self.note(upstream, Some(connection), &bytes);
                self.message(connection, upstream, &bytes);
            }
            Action::CloseConnection { connection } => {
                assert!(self.connections.remove(&connection).is_some(), "an open stream is closed");
            }
            Action::Answer { ticket, outcome } => self.answered(ticket, outcome),
            Action::Publish => {}
            Action::Report(report) => self.reports.push((self.ms(), report)),
        }
    }

    fn note(&mut self, upstream: UpstreamId, connection: Option<ConnectionToken>, bytes: &[u8]) {
        let question = Received::parse(bytes).unwrap().question().unwrap();
        if question.rtype == 13 {
            let mut wire = [0; 255];
            let length = question.name.expand(&mut wire).unwrap();
            self.probed.push(wire[..length].to_vec());
        }
        if question.rtype == 1 {
            let connection = connection.map(|connection| connection.0);
            let (at, bytes) = (self.ms(), bytes.to_vec());
            self.sent.push(Sent { at, upstream: upstream.0, connection, bytes });
        }
    }

    fn answered(&mut self, ticket: Ticket, outcome: Outcome) {
        assert!(self.waiting.remove(&ticket), "each question has one answer");
        if let Some((socket, query)) = self.looped.remove(&ticket) {
            let says = Server::is(Mood::Says(5)).response(&query, false);
            let from = address(self.sockets.get(&socket).map_or(0, |it| it.0));
            return self.later(Duration::from_millis(1), Arrival::Datagram(socket, from, says));
        }
        let told = match outcome {
            Outcome::Reply { reply, ttls, is_stale } => {
                let mut bytes = Vec::new();
                reply.append_to(&mut bytes, ttls);
                let received = Received::parse(&bytes).unwrap();
                assert_eq!(is_stale, matches!(ttls, Ttls::Flat(_)));
                let ttl = received.records().next().map(|record| record.ttl);
                let is_truncated = received.header().is_truncated();
                Told::Reply { rcode: received.rcode(), is_truncated, is_stale, ttl }
            }
            Outcome::Failure(failure) => {
                let (rcode, extended) = (failure.rcode, failure.extended);
                Told::Failure { rcode, extended, text: failure.text.to_string() }
            }
        };
        self.answers.push((self.ms(), ticket.0, told));
    }

    fn later(&mut self, delay: Duration, arrival: Arrival) {
        self.order += 1;
        self.on_the_way.insert((self.now + delay, self.order), arrival);
    }

    fn is_lost(&mut self, server: &Server) -> bool {
        self.random.number() % 100 < server.loss_percent
    }

    fn datagram(&mut self, socket: SocketToken, upstream: UpstreamId, query: Vec<u8>) {
        let server = self.servers[upstream.0].clone();
        if self.is_lost(&server) {
            return;
        }
        let port = if server.mood == Mood::WrongPort { 54 } else { 53 };
        let from = SocketAddr::new(address(upstream.0).ip(), port);
        if server.mood == Mood::Silent {
            return;
        }
        if server.mood == Mood::Unreachable {
            return self.later(server.delay, Arrival::SocketFailed(socket));
        }
        if server.mood == Mood::AsksUs {
            return self.later(server.delay, Arrival::Loop(socket, query));
        }
        // Whoever tries out what matches, tries often.
        let is_liar = matches!(
            server.mood,
            Mood::WrongId | Mood::WrongQuestion | Mood::WrongPort | Mood::WrongCase
        );
        for _ in 0..if is_liar { 5 } else { 1 } {
            let bytes = server.response(&query, false);
            self.later(server.delay, Arrival::Datagram(socket, from, bytes));
        }
    }

    fn connect(&mut self, connection: ConnectionToken, upstream: UpstreamId) {
        let server = self.servers[upstream.0].clone();
        if matches!(server.mood, Mood::Unreachable | Mood::TruncatesOnly) {
            self.later(server.delay, Arrival::Closed(connection));
        } else if server.mood != Mood::Silent {
            self.later(server.delay, Arrival::Opened(connection));
        }
    }

    fn message(&mut self, connection: ConnectionToken, upstream: UpstreamId, query: &[u8]) {
        let server = self.servers[upstream.0].clone();
        if server.mood == Mood::Unreachable {
            self.later(server.delay, Arrival::Closed(connection));
        } else if server.mood != Mood::Silent && !self.is_lost(&server) {
            let bytes = server.response(query, true);
            self.later(server.delay, Arrival::Message(connection, bytes));
        }
    }
}
