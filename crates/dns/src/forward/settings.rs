//! Which upstreams are there, and how are they treated?

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::cache;

/// Which group of upstreams a question goes to: its place in [`Settings::groups`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub usize);

/// An upstream: its place among those of all groups in order, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UpstreamId(pub usize);

/// All that a forwarder must be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Groups of upstreams. Which names go to which is the caller's.
    pub groups: Vec<Group>,
    /// How much is remembered.
    pub cache: cache::Settings,
    /// How long a client's question is pursued: less than resolvers wait, which is five seconds, so
    /// that they are told the reason.
    pub patience: Duration,
    /// How often upstreams are asked for one question, at most.
    pub attempts_max: usize,
    /// Sockets that one question may hold at once, at most; the oldest is closed for another.
    pub sockets_per_question_max: usize,
    /// The least time that an upstream is given before it counts as failed.
    pub attempt_least: Duration,
    /// The most time that it is given; a new upstream is given half of it.
    pub attempt_most: Duration,
    /// How often an upstream that is down is asked whether it is back.
    pub health_interval: Duration,
    /// How often an upstream that leads back to us is tried again, and one that did not answer when
    /// asked whether it does.
    pub loop_interval: Duration,
    /// How long a stream without questions is kept.
    pub idle_most: Duration,
    /// Questions that are on one stream at once, at most.
    pub in_flight_max: usize,
    /// Streams to one upstream, at most.
    pub connections_max: usize,
    /// Datagrams on one socket that do not match before the upstream is asked by a stream.
    pub mismatches_max: u32,
    /// Whether letters of names are sent in random case, which answers must repeat.
    pub mixes_case: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            groups: Vec::new(),
            cache: cache::Settings::default(),
            patience: Duration::from_millis(4_500),
            attempts_max: 6,
            sockets_per_question_max: 3,
            attempt_least: Duration::from_millis(200),
            attempt_most: Duration::from_secs(2),
            health_interval: Duration::from_millis(500),
            loop_interval: Duration::from_secs(30),
            idle_most: Duration::from_secs(10),
            in_flight_max: 128,
            connections_max: 4,
            mismatches_max: 3,
            mixes_case: false,
        }
    }
}

/// Upstreams that are asked for the same names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The zone whose names go here, uncompressed, in lower case; the root is one octet 0. The names
    /// of loop probes are in it.
    pub zone: Box<[u8]>,
    /// Whom it asks. An empty group fails every question.
    pub upstreams: Vec<Upstream>,
    /// Who of them is asked first.
    pub policy: Policy,
    /// Whether UDP is never used.
    pub force_tcp: bool,
    /// Whether UDP is used even when the client came by TCP.
    pub prefer_udp: bool,
    /// Failures in a row after which an upstream is down; 0 is never.
    pub max_fails: u32,
    /// Clients that wait at once, at most. One more is refused.
    pub outstanding_max: usize,
    /// Whether a question fails at once when all are down; else they are asked all the same.
    pub fails_fast: bool,
    /// Codes of answers that are given only when no other upstream says anything else.
    pub failover: Vec<u16>,
    /// Codes of answers after which another group is asked, and which. It comes after this one.
    pub next: (Vec<u16>, Option<RuleId>),
}

impl Group {
    /// A group as CoreDNS has it by default.
    pub fn new(zone: &[u8], upstreams: Vec<Upstream>) -> Self {
        Self {
            zone: zone.to_ascii_lowercase().into(),
            upstreams,
            policy: Policy::Random,
            force_tcp: false,
            prefer_udp: false,
            max_fails: 2,
            outstanding_max: 1_000,
            fails_fast: false,
            failover: Vec::new(),
            next: (Vec::new(), None),
        }
    }
}

/// Who of a group's upstreams is asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// Any.
    #[default]
    Random,
    /// The next one each time.
    RoundRobin,
    /// The first that is not down.
    Sequential,
}

/// Another DNS server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    /// For DNS over TLS, the name that its certificate must have. It is then asked only so.
    pub tls: Option<Arc<str>>,
}
