//! What does the cache hold for one question, and what is that worth at a given time?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::question::Asked;
use super::view::{Cached, Freshness, Hit};
use super::{Failure, Prefetch, Question, Reply, Settings, Ttls};

#[derive(Debug, Clone)]
pub(super) enum Held {
    Reply(Arc<Reply>),
    Failure(Failure),
}

/// One question's answer. All but the two counters is as it was when it was made.
#[derive(Debug)]
pub(super) struct Entry {
    pub question: Question,
    pub held: Held,
    pub since: Instant,
    pub life: Duration,
    /// After a failure to get a fresh answer: until then nobody asks for one.
    pub recheck_at: Option<Instant>,
    /// Not counted beyond what prefetching asks for, so that a name asked for often is only read.
    hits: AtomicU32,
    is_prefetched: AtomicBool,
}

/// How useful an entry is; the least goes first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    stage: Stage,
    hits: u32,
    ends: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Gone,
    Stale,
    Fresh,
}

impl Entry {
    pub(super) const fn new(question: Question, held: Held, now: Instant, life: Duration) -> Self {
        Self {
            question,
            held,
            since: now,
            life,
            recheck_at: None,
            hits: AtomicU32::new(0),
            is_prefetched: AtomicBool::new(false),
        }
    }

    /// The same, which nobody tries to make fresh before then.
    pub(super) fn rechecked_at(&self, at: Instant) -> Self {
        let same = Self::new(self.question.clone(), self.held.clone(), self.since, self.life);
        Self { recheck_at: Some(at), hits: AtomicU32::new(self.hits()), ..same }
    }

    pub(super) fn is_for(&self, asked: Asked<'_>) -> bool {
        self.question.asked() == asked
    }

    /// Records, and neither "no" nor a failure.
    pub(super) fn octets(&self) -> usize {
        let held = match &self.held {
            Held::Reply(reply) => reply.octets(),
            Held::Failure(failure) => failure.text.len(),
        };
        // The key, the pointer and two counts of the allocation are the map's share.
        size_of::<Self>() + 4 * size_of::<u64>() + self.question.name().len() + held
    }

    fn hits(&self) -> u32 {
        self.hits.load(Ordering::Relaxed)
    }

    fn ends(&self) -> Instant {
        self.since + self.life
    }

    pub(super) fn stage(&self, now: Instant, settings: &Settings) -> Stage {
        let ends = self.ends();
        if now < ends {
            return Stage::Fresh;
        }
        // That upstreams failed is no answer, so it has no use after its end.
        match (&self.held, settings.stale) {
            (Held::Reply(_), Some(stale)) if now < ends + stale.longest => Stage::Stale,
            (Held::Reply(_) | Held::Failure(_), _) => Stage::Gone,
        }
    }

    pub(super) fn rank(&self, now: Instant, settings: &Settings) -> Rank {
        Rank { stage: self.stage(now, settings), hits: self.hits(), ends: self.ends() }
    }

    /// What a reader makes of it; counts the hit.
    pub(super) fn hit(&self, now: Instant, settings: &Settings) -> Option<Hit<'_>> {
        match self.stage(now, settings) {
            Stage::Gone => None,
            Stage::Fresh => {
                let wants_prefetch =
                    settings.prefetch.is_some_and(|it| self.wants_prefetch(now, it));
                let freshness = if wants_prefetch { Freshness::Ending } else { Freshness::Fresh };
                let passed_s = seconds(now.saturating_duration_since(self.since));
                let left_s = seconds(self.life).saturating_sub(passed_s);
                let ttls = Ttls::Aged { passed_s, left_s };
                Some(self.given(ttls, freshness))
            }
            Stage::Stale => {
                let freshness = match self.recheck_at {
                    Some(at) if now < at => Freshness::StaleAfterFailure,
                    Some(_) | None => Freshness::Stale,
                };
                let ttl_s = settings.stale.map_or(0, |stale| stale.ttl_s);
                Some(self.given(Ttls::Flat(ttl_s), freshness))
            }
        }
    }

    fn given(&self, ttls: Ttls, freshness: Freshness) -> Hit<'_> {
        let cached = match &self.held {
            Held::Reply(reply) => Cached::Reply { reply, ttls },
            Held::Failure(failure) => Cached::Failure(failure),
        };
        Hit { cached, freshness }
    }

    /// True for one reader only: the one that is to ask again.
    fn wants_prefetch(&self, now: Instant, prefetch: Prefetch) -> bool {
        let hits = self.hits().saturating_add(1);
        if hits <= prefetch.hits {
            self.hits.store(hits, Ordering::Relaxed);
        }
        let is_ending = self.ends().saturating_duration_since(now).as_millis() * 100
            <= self.life.as_millis() * u128::from(prefetch.percent);
        hits >= prefetch.hits
            && is_ending
            && matches!(self.held, Held::Reply(_))
            && !self.is_prefetched.swap(true, Ordering::Relaxed)
    }

    /// Whether somebody was told to ask again before its end.
    pub(super) fn is_prefetched(&self) -> bool {
        self.is_prefetched.load(Ordering::Relaxed)
    }
}

fn seconds(span: Duration) -> u32 {
    u32::try_from(span.as_secs()).unwrap_or(u32::MAX)
}
