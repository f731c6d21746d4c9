//! How long may answers of upstreams be kept?

use std::sync::Arc;
use std::time::Duration;

use super::notice::Origin;

/// Answers of one kind that a cache may hold, whatever is asked for.
pub const CAPACITY_MAX: u32 = 1_000_000;

/// What CoreDNS's plugin `cache` is told. Never about our own zones: no cache stands before them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheRule {
    /// The zones whose answers are kept; empty: all that the block is asked.
    pub zones: Vec<Arc<str>>,
    /// Answers that have what was asked.
    pub success: CacheLimits,
    /// NXDOMAIN and NODATA.
    pub denial: CacheLimits,
    /// How long a SERVFAIL is kept; zero: not at all. Five minutes at most.
    pub servfail: Duration,
    /// When an answer is asked again before it ends.
    pub prefetch: Option<Prefetch>,
    /// Whether an answer that ended is served when no other is to be had.
    pub serve_stale: Option<ServeStale>,
    /// Zones whose answers are not kept.
    pub success_disabled: Vec<Arc<str>>,
    /// Zones whose denials are not kept.
    pub denial_disabled: Vec<Arc<str>>,
    /// Whether a client sees the TTL that came from the upstream, not what is left of it.
    pub keeps_ttl: bool,
    /// Where it stands.
    pub origin: Origin,
}

/// Bounds for answers of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// Answers that are kept: 1 to [`CAPACITY_MAX`].
    pub capacity: u32,
    /// Seconds: a longer TTL is cut to this.
    pub ttl_max: u32,
    /// Seconds: a shorter TTL is raised to this.
    pub ttl_min: u32,
}

/// When an answer is asked again before it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefetch {
    /// It was asked for so often,
    pub amount: u32,
    /// with no longer pause between,
    pub pause_max: Duration,
    /// and less than this part of its TTL is left: 10 to 90 percent.
    pub percentage: u8,
}

/// How answers that ended are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServeStale {
    /// How long after their end.
    pub keep: Duration,
    /// Whether the upstream is asked before.
    pub refresh: Refresh,
}

/// When the upstream is asked about an answer that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// After the old answer was sent.
    Immediate,
    /// Before: the old answer is sent when none came.
    Verify,
}

impl CacheRule {
    /// A rule with the defaults of the plugin `cache`; `ttl` in seconds cuts both kinds.
    #[must_use]
    pub fn new(ttl: Option<u32>, origin: Origin) -> Self {
        let limits = |ttl_max| CacheLimits { capacity: 9984, ttl_max, ttl_min: 5 };
        Self {
            zones: Vec::new(),
            success: limits(ttl.unwrap_or(3600)),
            denial: limits(ttl.unwrap_or(1800)),
            servfail: Duration::from_secs(5),
            prefetch: None,
            serve_stale: None,
            success_disabled: Vec::new(),
            denial_disabled: Vec::new(),
            keeps_ttl: false,
            origin,
        }
    }
}
