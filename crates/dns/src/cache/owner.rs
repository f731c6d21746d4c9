//! Who changes the cache, and what may change?

use std::sync::Arc;
use std::time::Instant;

use crate::received::Received;
use crate::wire::suffix_start;

use super::entry::{Entry, Held, Stage};
use super::view::{CacheView, Hit};
use super::worth::{NotKept, Worth, judge};
use super::{Failure, Question, Reply, Settings};

/// Entries that one call of [`Cache::sweep`] looks at.
const SWEPT: usize = 256;

/// The cache, as its one owner has it.
#[derive(Debug, Clone)]
pub struct Cache {
    held: CacheView,
    cursors: (u64, u64),
    random: u64,
    stats: CacheStats,
}

/// What the owner of a cache counted; what readers count is theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheStats {
    /// Answers taken in.
    pub insertions: u64,
    /// Entries with records that went at a bound, though they were of use.
    pub success_evictions: u64,
    /// Entries that say "no" or that upstreams failed, that went so.
    pub denial_evictions: u64,
    /// What went after its use.
    pub expirations: u64,
    /// Octets of entries with records.
    pub success_octets: usize,
    /// Octets of entries that say "no" or that upstreams failed.
    pub denial_octets: usize,
}

/// As what an answer was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It has records.
    Success,
    /// It says "no".
    Denial,
}

impl Cache {
    /// An empty one. Who can foresee the seed can choose names that drive each other out.
    pub fn new(settings: Settings, seed: u64) -> Self {
        let held = CacheView {
            settings: Arc::new(settings),
            key: seed,
            success: super::shelf::Shelf::default(),
            denial: super::shelf::Shelf::default(),
        };
        Self { held, cursors: (0, 0), random: seed, stats: CacheStats::default() }
    }

    /// What readers are to see from now on.
    pub fn view(&self) -> CacheView {
        self.held.clone()
    }

    /// What was counted so far.
    pub fn stats(&self) -> CacheStats {
        CacheStats {
            success_octets: self.held.success.octets(),
            denial_octets: self.held.denial.octets(),
            ..self.stats
        }
    }

    /// Whether it holds nothing at all.
    pub fn is_empty(&self) -> bool {
        self.held.entries() == (0, 0)
    }

    /// How it is bounded.
    pub fn settings(&self) -> &Settings {
        &self.held.settings
    }

    /// What is there for a question; counts the hit.
    pub fn lookup(&self, question: &Question, now: Instant) -> Option<Hit<'_>> {
        self.held.find(question.asked())?.hit(now, &self.held.settings)
    }

    /// Takes in an upstream's answer to this question.
    ///
    /// # Errors
    ///
    /// When it is not one that may be kept; then nothing changed.
    pub fn insert(
        &mut self,
        question: &Question,
        received: &Received<'_>,
        reply: &Arc<Reply>,
        now: Instant,
    ) -> Result<Kept, NotKept> {
        let worth = judge(received, question, &self.held.settings)?;
        let (kept, life) = match worth {
            Worth::Success(life) => (Kept::Success, life),
            Worth::Denial(life) => (Kept::Denial, life),
        };
        let held = Held::Reply(Arc::clone(reply));
        self.put(kept, Entry::new(question.clone(), held, now, life), now);
        Ok(kept)
    }

    /// Remembers that there is no answer to be had (RFC 9520).
    ///
    /// A stale answer stays and is given instead, without asking, until it is time to ask again.
    /// An answer that still holds stays as it is.
    pub fn insert_failure(&mut self, question: &Question, failure: Failure, now: Instant) {
        let settings = Arc::clone(&self.held.settings);
        let before = self.held.find(question.asked());
        let stage = before.map_or(Stage::Gone, |entry| entry.stage(now, &settings));
        match (stage, before, settings.stale) {
            (Stage::Fresh, Some(Entry { held: Held::Reply(_), .. }), _) => {}
            (Stage::Stale, Some(entry), Some(stale)) => {
                let again = entry.rechecked_at(now + stale.recheck);
                self.replace(again);
            }
            (Stage::Gone | Stage::Stale | Stage::Fresh, _, _) => {
                let held = Held::Failure(failure);
                let entry = Entry::new(question.clone(), held, now, settings.failure);
                self.put(Kept::Denial, entry, now);
            }
        }
    }

    /// Whether a reader was told to have this asked again, and it was not yet.
    pub fn is_prefetched(&self, question: &Question) -> bool {
        self.held.find(question.asked()).is_some_and(Entry::is_prefetched)
    }

    /// Forgets every "no" and every failure about names at or below this one; gives how many.
    ///
    /// For when it is known that something came into being there. Looks at each such entry.
    pub fn purge_denials(&mut self, suffix: &[u8]) -> usize {
        self.held.denial.remove_where(|entry| suffix_start(entry.question.name(), suffix).is_some())
    }

    /// Forgets all about names at or below this one; gives how many entries that were.
    pub fn purge(&mut self, suffix: &[u8]) -> usize {
        let is_below = |entry: &Entry| suffix_start(entry.question.name(), suffix).is_some();
        self.held.success.remove_where(is_below) + self.held.denial.remove_where(is_below)
    }

    /// Removes what is beyond use, a few hundred entries a call; gives how many went.
    pub fn sweep(&mut self, now: Instant) -> usize {
        let settings = Arc::clone(&self.held.settings);
        let (cursor, of_success) = self.held.success.sweep(self.cursors.0, SWEPT, (now, &settings));
        self.cursors.0 = cursor;
        let (cursor, of_denial) = self.held.denial.sweep(self.cursors.1, SWEPT, (now, &settings));
        self.cursors.1 = cursor;
        let gone = of_success + of_denial;
        self.stats.expirations += u64::try_from(gone).unwrap_or(u64::MAX);
        gone
    }

    /// A question has one entry, on one of the two shelves.
    fn put(&mut self, kept: Kept, entry: Entry, now: Instant) {
        let settings = Arc::clone(&self.held.settings);
        let hash = entry.question.asked().hash(self.held.key);
        let CacheView { success, denial, .. } = &mut self.held;
        let stats = &mut self.stats;
        let (shelf, other, octets_max, evictions) = match kept {
            Kept::Success => (success, denial, settings.octets_max, &mut stats.success_evictions),
            Kept::Denial => {
                (denial, success, settings.denial_octets_max, &mut stats.denial_evictions)
            }
        };
        other.remove(hash);
        shelf.put(hash, entry);
        let random = &mut self.random;
        let bounds = (settings.entries_max, octets_max);
        let gone = shelf.shrink(bounds, hash, (now, &settings), || step(random));
        *evictions += gone;
        stats.insertions += 1;
    }

    /// Puts what is another state of an entry in its place.
    fn replace(&mut self, entry: Entry) {
        let hash = entry.question.asked().hash(self.held.key);
        let view = &mut self.held;
        let is_success = view.success.find(hash, entry.question.asked()).is_some();
        let shelf = if is_success { &mut view.success } else { &mut view.denial };
        shelf.put(hash, entry);
    }
}

/// `SplitMix64`: which entries are drawn is no secret worth more.
const fn step(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
