//! When is it time to try again?

use std::time::{Duration, Instant};

/// Pauses that double from one failure to the next, up to a bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    pub attempts: u32,
    pub retry_at: Instant,
    longest: Duration,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(500);

    /// After the first failure; no pause is longer than `longest`.
    #[must_use]
    pub fn start(now: Instant, longest: Duration) -> Self {
        Self { attempts: 1, retry_at: now + Self::FIRST.min(longest), longest }
    }

    /// After one more failure.
    #[must_use]
    pub fn again(&self, now: Instant) -> Self {
        let doublings = self.attempts.min(16);
        let pause = Self::FIRST.saturating_mul(1 << doublings).min(self.longest);
        Self { attempts: self.attempts.saturating_add(1), retry_at: now + pause, ..*self }
    }

    /// No later pause is longer than this.
    pub const fn set_longest(&mut self, longest: Duration) {
        self.longest = longest;
    }
}
