//! How long does what take?

use std::time::Duration;

use crate::hello::HELLO_BYTES_MAX;

/// Times of the announcement. The defaults were chosen by simulation: see `docs/decisions/0021`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Between two hellos to a node that may have to take over at once, or from which one may have to.
    pub interval: Duration,
    /// Between two hellos of those who come after them.
    pub slow_interval: Duration,
    /// Between two hellos to a node that is not heard.
    pub retry_interval: Duration,
    /// A node is down when this many thousandths of its interval have passed without a hello.
    pub hold_permille: u32,
    /// A node is asked for on the wire when this many have passed.
    pub suspect_permille: u32,
    /// Between two questions on the wire, and how many go unanswered before it counts as silence.
    pub probe_interval: Duration,
    pub probes: u8,
    /// After an answer on the wire, until the next question.
    pub probe_pause: Duration,
    /// How long a node that nothing is known of is waited for.
    pub start_wait: Duration,
    /// Between the questions that precede the first use of an address.
    pub detection_interval: Duration,
    /// How long a node must be well before it takes what is its own back from the one that has it.
    pub preempt_after: Duration,
    /// How long an owner that is to go waits for its successor.
    pub release_most: Duration,
    /// How long after a conflict the address is tried again; doubled each time, up to the second.
    pub conflict_pause: Duration,
    pub conflict_pause_max: Duration,
    /// A foreign claim is answered by one announcement in this time.
    pub defend_interval: Duration,
    /// A claim of a candidate that comes later in the order, likewise.
    pub correct_interval: Duration,
    /// How long two nodes may both answer before the one with the older view yields.
    pub contest_most: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(60),
            slow_interval: Duration::from_secs(1),
            retry_interval: Duration::from_millis(200),
            hold_permille: 3_500,
            suspect_permille: 2_200,
            probe_interval: Duration::from_millis(25),
            probes: 3,
            probe_pause: Duration::from_millis(500),
            start_wait: Duration::from_millis(600),
            detection_interval: Duration::from_millis(100),
            preempt_after: Duration::from_secs(3),
            release_most: Duration::from_secs(2),
            conflict_pause: Duration::from_secs(10),
            conflict_pause_max: Duration::from_secs(160),
            defend_interval: Duration::from_secs(10),
            correct_interval: Duration::from_millis(200),
            contest_most: Duration::from_millis(600),
        }
    }
}

impl Settings {
    /// How long a node that says a hello at least each `interval` may be silent.
    #[must_use]
    pub fn hold(&self, interval: Duration) -> Duration {
        interval * self.hold_permille / 1000
    }

    /// Between two hellos of one of so many candidates that come later than those who watch.
    pub(crate) fn distant_interval(&self, candidates: usize) -> Duration {
        let n = u32::try_from(candidates).unwrap_or(u32::MAX).max(DISTANT);
        (self.slow_interval.saturating_mul(n) / DISTANT).min(PACE_MAX)
    }

    /// How long the questions take that precede the first use of an address.
    pub(crate) fn detection(&self) -> Duration {
        self.detection_interval * (u32::from(self.probes) + 1)
    }

    pub(crate) fn suspicion(&self, interval: Duration) -> Duration {
        interval * self.suspect_permille / 1000
    }
}

/// When an address is announced after a node began to answer for it. Linux keeps a neighbour's entry
/// for a second after each change, and frames get lost.
pub(crate) const ANNOUNCE_AT: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_millis(20),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_millis(1100),
    Duration::from_millis(2200),
];

/// Candidates that watch each other closely: the owner and two standbys.
pub(crate) const CLOSE: usize = 3;
/// Candidates that watch each other at all: should all of the first fall at once.
pub(crate) const WATCHING: usize = 5;

/// Among these, with those that are missing. Whoever comes later looks seldom.
pub(crate) const WATCHED_MAX: usize = 16;
/// Of so many candidates that come later one may say hello to the first at the slow pace; more of them
/// share that.
const DISTANT: u32 = 20;
/// A hello is due at least so often: what its field holds.
const PACE_MAX: Duration = Duration::from_secs(60);

/// Hellos that carry one state, at once.
pub(crate) const BURST_MAX: usize = 32;
/// Between two hellos to one node, at least.
pub(crate) const SPACING: Duration = Duration::from_millis(5);
/// A session that this node does not need itself ends when the other has been silent for so long.
pub(crate) const PASSIVE_MOST: Duration = Duration::from_secs(5);
/// Addresses that one peer is believed to say something of.
pub(crate) const PEER_VIPS_MAX: usize = 1 << 16;
/// Link-layer addresses, and opinions of others, of one peer.
pub(crate) const PEER_MACS_MAX: usize = 64;
pub(crate) const PEER_OPINIONS_MAX: usize = 4096;
/// So many ask for an address one after another, where they might otherwise ask at once.
pub(crate) const TURNS_MAX: usize = 32;
/// How long it is told that a node answers which should not.
pub(crate) const INTRUSION_SHOWN: Duration = Duration::from_secs(60);
/// Hosts of a link that are remembered because they asked for something.
pub(crate) const ASKERS_MAX: usize = 4;

const _: () = assert!(HELLO_BYTES_MAX < 1232, "the least that every IPv6 link carries");
