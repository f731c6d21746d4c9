//! How fast may something be done that others have to bear?

use std::time::{Duration, Instant};

/// So many at once, after a rest; then one in each interval.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    burst: u32,
    /// When the next would be due if none were ever early.
    next: Option<Instant>,
}

impl Pace {
    pub(crate) const fn new(interval: Duration, burst: u32) -> Self {
        Self { interval, burst, next: None }
    }

    /// From when on the next one may be.
    pub(crate) fn allowed_at(&self) -> Option<Instant> {
        let credit = self.interval * self.burst.saturating_sub(1);
        self.next.and_then(|next| next.checked_sub(credit))
    }

    pub(crate) fn may(&self, now: Instant) -> bool {
        self.allowed_at().is_none_or(|at| at <= now)
    }

    /// One is done.
    pub(crate) fn done(&mut self, now: Instant) {
        self.next = Some(self.next.map_or(now, |next| next.max(now)) + self.interval);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_at_once_and_then_one_an_interval() {
        let (second, start) = (Duration::from_secs(1), host::clock::monotonic());
        let mut pace = Pace::new(second, 3);
        let mut done = Vec::new();
        for tenth in 0..60 {
            let now = start + second / 10 * tenth;
            while pace.may(now) {
                pace.done(now);
                done.push(tenth);
            }
        }
        assert_eq!(done, [0, 0, 0, 10, 20, 30, 40, 50]);
        let later = start + second * 100;
        assert_eq!(
            (0..)
                .take_while(|_| pace.may(later) && {
                    pace.done(later);
                    true
                })
                .count(),
            3
        );
    }
}
