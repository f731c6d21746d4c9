//! What is due, and when?

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::exchange::{ExchangeId, PursuitId};
use super::{ConnectionToken, UpstreamId};

/// Who wants to be woken. Each has one time at most, so there are no more times than sleepers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sleeper {
    Pursuit(PursuitId),
    Exchange(ExchangeId),
    Connection(ConnectionToken),
    Upstream(UpstreamId),
    Sweep,
}

#[derive(Debug, Default)]
pub(super) struct Timers {
    order: BTreeSet<(Instant, Sleeper)>,
    times: BTreeMap<Sleeper, Instant>,
}

impl Timers {
    /// In the place of the time that it had.
    pub(super) fn set(&mut self, sleeper: Sleeper, at: Option<Instant>) {
        let before = match at {
            Some(at) => self.times.insert(sleeper, at),
            None => self.times.remove(&sleeper),
        };
        if let Some(before) = before {
            self.order.remove(&(before, sleeper));
        }
        self.order.extend(at.map(|at| (at, sleeper)));
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    pub(super) fn is_set(&self, sleeper: Sleeper) -> bool {
        self.times.contains_key(&sleeper)
    }

    /// One whose time has come; it then has none.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Sleeper> {
        let (at, sleeper) = *self.order.first()?;
        if at > now {
            return None;
        }
        self.set(sleeper, None);
        Some(sleeper)
    }
}
