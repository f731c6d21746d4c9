//! When is it time to try again?

use std::time::{Duration, Instant};

/// Pauses that double from one failure to the next, up to a bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    pub attempts: u32,
    pub retry_at: Instant,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(60);

    /// After the first failure.
    #[must_use]
    pub fn start(now: Instant) -> Self {
        Self { attempts: 1, retry_at: now + Self::FIRST }
    }

    /// After one more failure.
    #[must_use]
    pub fn again(&self, now: Instant) -> Self {
        let doublings = self.attempts.min(16);
        let pause = Self::FIRST.saturating_mul(1 << doublings).min(Self::LONGEST);
        Self { attempts: self.attempts.saturating_add(1), retry_at: now + pause }
    }
}
