//! What was counted of upstreams?

use std::time::Duration;

use crate::cache::CacheStats;
use crate::wire::Rcode;

/// Upper bounds of the buckets of [`RttBuckets`], in microseconds; the last bucket has none.
pub const RTT_BOUNDS: [u64; 14] = [
    250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 512_000,
    1_024_000, 2_048_000,
];

/// Codes of answers that are counted apart.
pub const COUNTED_RCODES: [Rcode; 6] = [
    Rcode::NOERROR,
    Rcode::FORMERR,
    Rcode::SERVFAIL,
    Rcode::NXDOMAIN,
    Rcode::NOTIMP,
    Rcode::REFUSED,
];

/// How long answers took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RttBuckets {
    /// Answers within each bound and above the one before; the last for those above all.
    pub counts: [u64; RTT_BOUNDS.len() + 1],
    /// The sum of all, in microseconds.
    pub sum_us: u64,
}

impl RttBuckets {
    pub(super) fn add(&mut self, rtt: Duration) {
        let us = u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX);
        let bucket = RTT_BOUNDS.partition_point(|bound| *bound < us);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.sum_us = self.sum_us.saturating_add(us);
    }
}

/// What is thought of an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UpstreamState {
    /// It is asked.
    #[default]
    Up,
    /// It does not answer. It is asked only when all are down.
    Down,
    /// It leads back to us, and is not asked.
    Looping,
}

/// What was counted of one upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UpstreamStats {
    /// What is thought of it.
    pub state: UpstreamState,
    /// Questions of clients that it was asked.
    pub requests: u64,
    /// Answers that were of use.
    pub answers: u64,
    /// Attempts that it did not answer in time.
    pub timeouts: u64,
    /// Sockets and streams that failed.
    pub network_failures: u64,
    /// Answers with an rcode of failure.
    pub refusals: u64,
    /// What it answered to questions of clients, as [`COUNTED_RCODES`] has them; all others last.
    pub rcodes: [u64; COUNTED_RCODES.len() + 1],
    /// Answers that could not be read.
    pub malformed: u64,
    /// Answers that were not for the question, the ID or the address.
    pub mismatches: u64,
    /// Truncated answers for which a stream was used.
    pub truncations: u64,
    /// Times that it was asked because another was slow.
    pub hedges: u64,
    /// Times that it was asked whether it is back.
    pub health_probes: u64,
    /// Those that failed.
    pub health_failures: u64,
    /// Questions sent on a stream that was there.
    pub connection_hits: u64,
    /// Streams opened.
    pub connection_misses: u64,
    /// The smoothed time to an answer.
    pub rtt: Option<Duration>,
    /// The smoothed share of attempts without an answer, in thousandths.
    pub loss_permille: u32,
    /// How long answers took.
    pub rtts: RttBuckets,
}

impl UpstreamStats {
    pub(super) fn add_rcode(&mut self, rcode: u16) {
        let place = COUNTED_RCODES.iter().position(|counted| counted.0 == rcode);
        if let Some(count) = self.rcodes.get_mut(place.unwrap_or(COUNTED_RCODES.len())) {
            *count += 1;
        }
    }
}

/// What was counted of all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stats {
    /// By [`super::UpstreamId`].
    pub upstreams: Vec<UpstreamStats>,
    /// Questions that were in flight already.
    pub coalesced: u64,
    /// What became of what the cache was given.
    pub cache: CacheStats,
    /// Questions that came while no upstream of their group was up.
    pub none_up: u64,
    /// Questions refused at [`super::Group::outstanding_max`].
    pub refused: u64,
    /// Questions answered with a stale answer.
    pub stale_served: u64,
    /// Questions asked again before their answer ended.
    pub prefetches: u64,
    /// Questions asked by clients.
    pub asked: u64,
    /// Questions that failed.
    pub failed: u64,
    /// Clients that wait.
    pub outstanding: usize,
    /// Datagram sockets that are open.
    pub sockets: usize,
    /// Streams that are open or being opened.
    pub connections: usize,
}
