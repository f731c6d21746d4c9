//! How long does a container that ended wait for its restart?

use std::time::Duration;

/// The delays of a kubelet, with a base that a lab may shorten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartDelays {
    /// Before the second restart; it doubles from there.
    pub base: Duration,
    pub max: Duration,
    /// A container that ran so long begins anew.
    pub reset_after: Duration,
}

impl Default for RestartDelays {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(10),
            max: Duration::from_secs(300),
            reset_after: Duration::from_secs(600),
        }
    }
}

/// The restarts of one container. The first is immediate: not every end is a crash loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestartBackoff {
    delays: RestartDelays,
    next: Duration,
    restarts: u32,
}

impl RestartBackoff {
    #[must_use]
    pub const fn new(delays: RestartDelays) -> Self {
        Self { delays, next: Duration::ZERO, restarts: 0 }
    }

    /// When to start the container again that started and ended at these times.
    pub fn ended(&mut self, started: Duration, ended: Duration) -> Duration {
        if ended.saturating_sub(started) > self.delays.reset_after {
            self.next = Duration::ZERO;
        }
        let wait = self.next;
        self.next = if wait.is_zero() { self.delays.base } else { wait * 2 };
        self.next = self.next.min(self.delays.max);
        self.restarts = self.restarts.saturating_add(1);
        ended + wait
    }

    #[must_use]
    pub const fn restarts(&self) -> u32 {
        self.restarts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_to_the_maximum_and_forgets() {
        let mut backoff = RestartBackoff::new(RestartDelays::default());
        let at = Duration::from_secs;
        let waits: Vec<u64> =
            (0..8).map(|_| (backoff.ended(at(0), at(1)) - at(1)).as_secs()).collect();
        assert_eq!(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(backoff.ended(at(0), at(600)), at(900));
        assert_eq!(backoff.ended(at(0), at(601)), at(601));
        assert_eq!(backoff.ended(at(0), at(1)), at(11));
        assert_eq!(backoff.restarts(), 11);
    }
}
