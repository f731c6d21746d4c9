//! What does somebody who answers clients see of the cache?

use std::sync::Arc;
use std::time::Instant;

use super::question::Asked;
use super::shelf::Shelf;
use super::{Failure, Reply, Settings, Ttls};

/// The cache as it was when this was taken. Costs no more than four reference counts to clone.
#[derive(Debug, Clone)]
pub struct CacheView {
    pub(super) settings: Arc<Settings>,
    pub(super) key: u64,
    pub(super) success: Shelf,
    pub(super) denial: Shelf,
}

/// What the cache has for a question.
#[derive(Debug, Clone, Copy)]
pub struct Hit<'a> {
    /// What it holds.
    pub cached: Cached<'a>,
    /// What to do with it.
    pub freshness: Freshness,
}

/// What the cache holds for a question.
#[derive(Debug, Clone, Copy)]
pub enum Cached<'a> {
    /// An answer, "no" included.
    Reply {
        /// The message.
        reply: &'a Arc<Reply>,
        /// What to tell of its age.
        ttls: Ttls,
    },
    /// Upstreams failed a moment ago and are not asked again yet.
    Failure(&'a Failure),
}

/// What to do with what the cache holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Answer with it.
    Fresh,
    /// Answer with it, and ask the forwarder to refresh it. Only one reader sees this.
    Ending,
    /// Ask the forwarder as if it were not there; that gives the stale answer when it must.
    Stale,
    /// Answer with it: it is stale, but there was no getting a fresh one a moment ago.
    StaleAfterFailure,
}

impl CacheView {
    /// What is there for a question.
    ///
    /// The name is uncompressed and in lower case. Does not allocate and takes no lock. It counts
    /// the hit, in the entry itself, for prefetching.
    pub fn lookup(
        &self,
        name: &[u8],
        rtype: u16,
        class: u16,
        dnssec_ok: bool,
        checking_disabled: bool,
        now: Instant,
    ) -> Option<Hit<'_>> {
        let asked = Asked { name, rtype, class, dnssec_ok, checking_disabled };
        self.find(asked)?.hit(now, &self.settings)
    }

    /// How many questions have an answer with records, and how many have "no" or a failure.
    pub fn entries(&self) -> (usize, usize) {
        (self.success.len(), self.denial.len())
    }

    pub(super) fn find(&self, asked: Asked<'_>) -> Option<&super::entry::Entry> {
        let hash = asked.hash(self.key);
        let entry = self.success.find(hash, asked).or_else(|| self.denial.find(hash, asked))?;
        Some(entry)
    }
}
