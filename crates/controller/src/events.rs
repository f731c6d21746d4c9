//! Which Events are to be written, and which were often enough?
//!
//! A problem that appears is told once, that goes on is told again before the server forgets it, and
//! one that comes and goes counts up what is there. So a cluster full of problems costs a bounded
//! number of writes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::problem::Problem;

/// Servers keep Events for an hour.
const REMIND: Duration = Duration::from_secs(30 * 60);

/// One that comes back is not told again sooner.
const AGAIN: Duration = Duration::from_secs(60);

/// The longest pause after failures in a row: most servers that refuse one request take the next, and
/// one that goes on refusing is not asked for ever at that pace.
const AFTER_FAILURES: Duration = Duration::from_secs(30);

/// Problems that are remembered. Beyond, new ones are told nowhere but in logs and metrics.
const KEPT_MAX: usize = 4_096;

/// What was told of problems.
#[derive(Debug, Default)]
pub(crate) struct Events {
    kept: BTreeMap<Problem, Kept>,
    /// Problems for which there was no room.
    untold: usize,
}

#[derive(Debug)]
struct Kept {
    is_there: bool,
    /// It was away since it was told.
    has_returned: bool,
    told: Option<Instant>,
    /// In a row.
    failures: u32,
    /// Not before this time, after a failure.
    not_before: Instant,
}

impl Kept {
    fn due(&self) -> Instant {
        let pause = if self.has_returned { AGAIN } else { REMIND };
        self.told.map_or(self.not_before, |told| (told + pause).max(self.not_before))
    }

    /// Whether it need not be remembered any more.
    fn is_past(&self, now: Instant) -> bool {
        !self.is_there && self.told.is_none_or(|told| told + AGAIN <= now)
    }
}

impl Events {
    /// The problems that there are now.
    pub(crate) fn set(&mut self, problems: &[Problem], now: Instant) {
        let there: BTreeSet<&Problem> = problems.iter().collect();
        for (problem, kept) in &mut self.kept {
            let is_there = there.contains(problem);
            kept.has_returned |= is_there && !kept.is_there && kept.told.is_some();
            kept.is_there = is_there;
        }
        self.kept.retain(|_, kept| !kept.is_past(now));
        self.untold = 0;
        for problem in there {
            if self.kept.contains_key(problem) {
                continue;
            }
            if self.kept.len() >= KEPT_MAX {
                self.untold += 1;
                continue;
            }
            let kept = Kept {
                is_there: true,
                has_returned: false,
                told: None,
                failures: 0,
                not_before: now,
            };
            self.kept.insert(problem.clone(), kept);
        }
    }

    /// The next that is to be told.
    pub(crate) fn next(&self, now: Instant) -> Option<&Problem> {
        let mut due = self.kept.iter().filter(|(_, kept)| kept.is_there && kept.due() <= now);
        due.next().map(|(problem, _)| problem)
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.kept.values().filter(|kept| kept.is_there).map(Kept::due).min()
    }

    /// It is being told; how that ends is said later.
    pub(crate) fn tell(&mut self, problem: &Problem, now: Instant) {
        if let Some(kept) = self.kept.get_mut(problem) {
            (kept.told, kept.has_returned) = (Some(now), false);
        }
    }

    /// It could not be told.
    pub(crate) fn failed(&mut self, problem: &Problem, now: Instant) {
        if let Some(kept) = self.kept.get_mut(problem) {
            kept.failures = kept.failures.saturating_add(1);
            let pause = watch::pause(kept.failures, AFTER_FAILURES, None, 1.0);
            (kept.told, kept.not_before) = (None, now + pause);
        }
    }

    /// It was told.
    pub(crate) fn succeeded(&mut self, problem: &Problem) {
        if let Some(kept) = self.kept.get_mut(problem) {
            kept.failures = 0;
        }
    }

    /// Problems for which there was no room.
    pub(crate) const fn untold(&self) -> usize {
        self.untold
    }
}
