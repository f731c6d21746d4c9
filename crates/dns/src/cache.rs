//! What was answered before, and for how long does it hold?
//!
//! One owner changes a [`Cache`]; whoever answers clients reads a [`CacheView`] of it, which never
//! changes. Both are persistent maps that share what is equal, so a new view costs what was changed,
//! and reading takes no lock and allocates nothing.
//!
//! Answers are kept as messages, each for the one question that it answers, so a record that an
//! upstream slipped in can never answer another question. Answers with records and answers that say
//! "no" are bounded apart from each other: a flood of names that do not exist cannot drive out what
//! exists.
//!
//! A view looks an answer up by a keyed hash of the question and then compares the question itself.
//! Two questions of one hash drive each other out, which is rare, harmless, and cannot be arranged
//! by who does not know the key.
//!
//! At a bound, eight entries are drawn at random and the least useful of them goes: first what is
//! beyond use, then what is stale, then what nobody asked for again, then what ends first. That
//! needs no list that every hit would have to change.

mod entry;
mod owner;
mod question;
mod reply;
mod shelf;
#[cfg(test)]
mod tests;
mod view;
mod worth;

use std::time::Duration;

pub use owner::{Cache, CacheStats, Kept};
pub use question::Question;
pub use reply::{Reply, Ttls};
pub use view::{CacheView, Cached, Freshness, Hit};
pub use worth::NotKept;

/// How much is kept and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Entries with records; as many again say "no" or that an upstream failed.
    pub entries_max: usize,
    /// Octets of all entries with records, the map's own included.
    pub octets_max: usize,
    /// Octets of all entries that say "no".
    pub denial_octets_max: usize,
    /// The longest that records are kept, whatever their TTL.
    pub success_max: Duration,
    /// The longest that a "no" is kept.
    pub denial_max: Duration,
    /// The shortest that either is kept.
    pub least: Duration,
    /// How long it is kept that upstreams failed (RFC 9520: at most five minutes).
    pub failure: Duration,
    /// When to ask again before an answer ends.
    pub prefetch: Option<Prefetch>,
    /// Whether and how an answer is used after its end.
    pub stale: Option<Stale>,
}

/// When an answer is asked for again before it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefetch {
    /// After so many hits.
    pub hits: u32,
    /// When no more than this share of its life is left, in percent.
    pub percent: u32,
}

/// How an answer is used after its end (RFC 8767).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stale {
    /// How long after its end.
    pub longest: Duration,
    /// The TTL that clients are then told, in seconds.
    pub ttl_s: u32,
    /// How long a client waits for a fresh answer first.
    pub patience: Duration,
    /// How long after a failure nobody waits and upstreams are not asked.
    pub recheck: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            entries_max: 9_984,
            octets_max: 16 << 20,
            denial_octets_max: 8 << 20,
            success_max: Duration::from_secs(3_600),
            denial_max: Duration::from_secs(1_800),
            least: Duration::from_secs(5),
            failure: Duration::from_secs(5),
            prefetch: Some(Prefetch { hits: 2, percent: 10 }),
            stale: Some(Stale {
                longest: Duration::from_secs(86_400),
                ttl_s: 30,
                patience: Duration::from_millis(1_800),
                recheck: Duration::from_secs(30),
            }),
        }
    }
}

/// Why nobody has an answer, for a client and for whoever asks for an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the client is told: SERVFAIL, or what all upstreams agreed on.
    pub rcode: u16,
    /// The code of RFC 8914.
    pub extended: u16,
    /// What failed, for the text beside that code; names the upstream that was asked last.
    pub text: std::sync::Arc<str>,
}
