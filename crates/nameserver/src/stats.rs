//! What was asked and answered, how fast, and how large?

mod count;
mod histogram;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use dns::forward;
use dns::respond::{AnsweredBy, Client, Summary};
use dns::wire::{Rcode, RecordType, ReplySize};
use dns::zone::ZoneOf;
use model::Family;

pub use histogram::{Buckets, DURATION_BOUNDS_US, SIZE_BOUNDS};

use count::Count;
use histogram::Histogram;

/// How a question came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    Udp,
    Tcp,
}

impl Transport {
    pub const ALL: [Self; 2] = [Self::Udp, Self::Tcp];

    const fn of(client: Client) -> Self {
        match client.size {
            ReplySize::Datagram(_) => Self::Udp,
            ReplySize::Stream => Self::Tcp,
        }
    }
}

/// Types that are counted apart; all others together.
const TYPES: [RecordType; 17] = [
    RecordType::A,
    RecordType::AAAA,
    RecordType::SRV,
    RecordType::PTR,
    RecordType::CNAME,
    RecordType::TXT,
    RecordType::SOA,
    RecordType::NS,
    RecordType::MX,
    RecordType::HTTPS,
    RecordType::DS,
    RecordType::HINFO,
    RecordType::ANY,
    RecordType::AXFR,
    RecordType::IXFR,
    // NAPTR and DNSKEY.
    RecordType(35),
    RecordType(48),
];

const RCODES: [Rcode; 8] = [
    Rcode::NOERROR,
    Rcode::FORMERR,
    Rcode::SERVFAIL,
    Rcode::NXDOMAIN,
    Rcode::NOTIMP,
    Rcode::REFUSED,
    Rcode::NOTAUTH,
    Rcode::BADVERS,
];

const SOURCES: [AnsweredBy; 5] = [
    AnsweredBy::Protocol,
    AnsweredBy::Zone,
    AnsweredBy::Hosts,
    AnsweredBy::Cache,
    AnsweredBy::Forwarder,
];

/// What was counted since the start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stats {
    /// Questions that were answered, or given to the forwarder. Without a type: all other types.
    pub requests: BTreeMap<(ZoneOf, Family, Transport, Option<RecordType>), u64>,
    /// Without an rcode: all other rcodes.
    pub responses: BTreeMap<(ZoneOf, Option<Rcode>, AnsweredBy), u64>,
    /// Questions of clients that want signatures.
    pub dnssec_requests: BTreeMap<ZoneOf, u64>,
    /// Answers that are a later name's of the client's search list.
    pub walked: u64,
    /// From the arrival to the reply, in microseconds. What arrived as a batch took as long as the
    /// batch: the clock is read twice for all of it.
    pub durations: BTreeMap<ZoneOf, Buckets>,
    /// Octets.
    pub request_sizes: BTreeMap<(ZoneOf, Transport), Buckets>,
    /// Octets; a zone's transfer is one response.
    pub response_sizes: BTreeMap<(ZoneOf, Transport), Buckets>,
    pub drops: Drops,
    pub connections: Connections,
    /// What the forwarder counted; absent when it did not say so in time.
    pub forwarder: Option<forward::Stats>,
    /// Entries of the cache with records, and those with a "no" or a failure.
    pub cache_entries: (usize, usize),
}

/// What got no answer, or not the one it would have had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drops {
    /// Messages that nobody waits for an answer to, and garbage.
    pub silent: u64,
    /// Datagrams longer than any question.
    pub oversized: u64,
    /// Replies that the kernel did not take.
    pub unsent: u64,
    /// Questions for upstreams that failed because too many were on their way.
    pub asks_full: u64,
    /// Failures that are not in the log for want of room or because it was busy.
    pub unlogged: u64,
    /// Times that a socket itself failed.
    pub socket_failures: u64,
}

/// Streams of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Connections {
    pub open: u64,
    pub accepted: u64,
    /// Closed while idle, for a newcomer.
    pub evicted: u64,
    /// Newcomers closed at once, because nobody was idle.
    pub refused: u64,
    /// Closed because a message or its answer did not get on.
    pub stalled: u64,
}

/// What one thread counts. Only that thread writes, so no count needs a locked instruction; its own
/// cache lines keep it from slowing the others.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Counters {
    by_zone: [OfZone; ZoneOf::ALL.len()],
    walked: Count,
    pub(crate) silent: Count,
    pub(crate) oversized: Count,
    pub(crate) unsent: Count,
    pub(crate) asks_full: Count,
    pub(crate) unlogged: Count,
    pub(crate) socket_failures: Count,
    pub(crate) connections_opened: Count,
    pub(crate) connections_closed: Count,
    pub(crate) connections_evicted: Count,
    pub(crate) connections_refused: Count,
    pub(crate) connections_stalled: Count,
}

/// What is counted for each zone apart.
#[derive(Debug, Default)]
struct OfZone {
    requests: [[[Count; TYPES.len() + 1]; 2]; 2],
    responses: [[Count; SOURCES.len()]; RCODES.len() + 1],
    dnssec_requests: Count,
    durations: Histogram<{ DURATION_BOUNDS_US.len() + 1 }>,
    request_sizes: [Histogram<{ SIZE_BOUNDS.len() + 1 }>; 2],
    response_sizes: [Histogram<{ SIZE_BOUNDS.len() + 1 }>; 2],
}

/// So many of each zone, in the order of [`ZoneOf::ALL`].
pub(crate) type PerZone = [u64; ZoneOf::ALL.len()];

/// One more of a zone.
pub(crate) fn add_one(to: &mut PerZone, zone: ZoneOf) {
    if let Some(count) = to.get_mut(place(&ZoneOf::ALL, &zone)) {
        *count += 1;
    }
}

impl Counters {
    pub(crate) fn request(
        &self,
        client: Client,
        (zone, rtype): (ZoneOf, RecordType),
        octets: usize,
    ) {
        let (family, transport) = (place(&Family::ALL, &family(client.address)), of(client));
        let Some(counts) = self.of_zone(zone) else { return };
        let by_type = counts.requests.get(family).and_then(|it| it.get(transport));
        if let Some(count) = by_type.and_then(|it| it.get(place(&TYPES, &rtype))) {
            count.add(1);
        }
        if let Some(sizes) = counts.request_sizes.get(transport) {
            sizes.observe(&SIZE_BOUNDS, octets_u64(octets), 1);
        }
    }

    pub(crate) fn response(&self, client: Client, summary: Summary, octets: usize) {
        let Some(counts) = self.of_zone(summary.zone) else { return };
        let by_source = counts.responses.get(place(&RCODES, &summary.rcode));
        if let Some(count) = by_source.and_then(|it| it.get(place(&SOURCES, &summary.by))) {
            count.add(1);
        }
        if let Some(sizes) = counts.response_sizes.get(of(client)) {
            sizes.observe(&SIZE_BOUNDS, octets_u64(octets), 1);
        }
        if summary.is_walked {
            self.walked.add(1);
        }
    }

    /// A question whose client wants signatures.
    pub(crate) fn dnssec_request(&self, zone: ZoneOf) {
        if let Some(counts) = self.of_zone(zone) {
            counts.dnssec_requests.add(1);
        }
    }

    /// An answer for this zone took so long.
    pub(crate) fn duration(&self, took: Duration, zone: ZoneOf) {
        let mut answers = PerZone::default();
        add_one(&mut answers, zone);
        self.durations(took, answers);
    }

    /// So many answers took this long each.
    pub(crate) fn durations(&self, took: Duration, answers: PerZone) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        for (counts, answers) in self.by_zone.iter().zip(answers).filter(|(_, it)| *it > 0) {
            counts.durations.observe(&DURATION_BOUNDS_US, us, answers);
        }
    }

    fn of_zone(&self, zone: ZoneOf) -> Option<&OfZone> {
        self.by_zone.get(place(&ZoneOf::ALL, &zone))
    }
}

fn family(address: IpAddr) -> Family {
    Family::of(address)
}

fn of(client: Client) -> usize {
    place(&Transport::ALL, &Transport::of(client))
}

fn octets_u64(octets: usize) -> u64 {
    u64::try_from(octets).unwrap_or(u64::MAX)
}

/// Where a value stands; behind the last when it does not.
fn place<T: PartialEq>(all: &[T], value: &T) -> usize {
    all.iter().position(|it| it == value).unwrap_or(all.len())
}

impl Stats {
    /// The sum of what threads counted.
    pub(crate) fn sum<'c>(counters: impl Iterator<Item = &'c Counters>) -> Self {
        let mut stats = Self::default();
        for counters in counters {
            stats.add(counters);
        }
        stats
    }

    fn add(&mut self, counters: &Counters) {
        for (zone, counts) in ZoneOf::ALL.into_iter().zip(&counters.by_zone) {
            self.add_zone(zone, counts);
        }
        self.walked += counters.walked.value();
        self.add_drops(counters);
    }

    fn add_zone(&mut self, zone: ZoneOf, counts: &OfZone) {
        for (family, by_transport) in Family::ALL.into_iter().zip(&counts.requests) {
            for (transport, by_type) in Transport::ALL.into_iter().zip(by_transport) {
                let types = TYPES.into_iter().map(Some).chain([None]);
                for (rtype, count) in types.zip(by_type) {
                    add_to(&mut self.requests, (zone, family, transport, rtype), count);
                }
            }
        }
        let rcodes = RCODES.into_iter().map(Some).chain([None]);
        for (rcode, by_source) in rcodes.zip(&counts.responses) {
            for (by, count) in SOURCES.into_iter().zip(by_source) {
                add_to(&mut self.responses, (zone, rcode, by), count);
            }
        }
        let empty = || Buckets::empty(&DURATION_BOUNDS_US);
        self.durations.entry(zone).or_insert_with(empty).add(&counts.durations);
        let sizes = counts.request_sizes.iter().zip(&counts.response_sizes);
        for (transport, (requests, responses)) in Transport::ALL.into_iter().zip(sizes) {
            let empty = || Buckets::empty(&SIZE_BOUNDS);
            self.request_sizes.entry((zone, transport)).or_insert_with(empty).add(requests);
            self.response_sizes.entry((zone, transport)).or_insert_with(empty).add(responses);
        }
        add_to(&mut self.dnssec_requests, zone, &counts.dnssec_requests);
    }

    fn add_drops(&mut self, counters: &Counters) {
        let Self { drops, connections, .. } = self;
        drops.silent += counters.silent.value();
        drops.oversized += counters.oversized.value();
        drops.unsent += counters.unsent.value();
        drops.asks_full += counters.asks_full.value();
        drops.unlogged += counters.unlogged.value();
        drops.socket_failures += counters.socket_failures.value();
        // Read in this order, none is closed that was not opened.
        let closed = counters.connections_closed.value();
        connections.accepted += counters.connections_opened.value();
        connections.open += counters.connections_opened.value().saturating_sub(closed);
        connections.evicted += counters.connections_evicted.value();
        connections.refused += counters.connections_refused.value();
        connections.stalled += counters.connections_stalled.value();
    }
}

fn add_to<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K, count: &Count) {
    let value = count.value();
    if value > 0 {
        *counts.entry(key).or_default() += value;
    }
}
