//! What does each event lead to?

use std::time::Instant;

use crate::cache::{Cache, CacheView, Failure};

use super::action::extended;
use super::{Action, Event, Outcome, Settings, Stats};

/// Asks upstreams, and owns the cache of what they answered.
#[derive(Debug)]
pub struct Forwarder {
    cache: Cache,
}

impl Forwarder {
    /// One that has asked nobody yet. Who can foresee the seed can forge answers.
    ///
    /// The first deadline is now: ticked, it begins to look for loops.
    pub fn new(settings: Settings, seed: [u8; 32], now: Instant) -> Self {
        let (key, _) = seed.split_first_chunk().unwrap_or((&[0; 8], &[]));
        let cache = Cache::new(settings.cache.clone(), u64::from_be_bytes(*key));
        Self::with_cache(settings, seed, cache, now)
    }

    /// One that knows what another knew, as when the settings change.
    pub fn with_cache(_settings: Settings, _seed: [u8; 32], cache: Cache, _now: Instant) -> Self {
        Self { cache }
    }

    /// Takes an event in and appends what is to be done.
    pub fn handle(&mut self, event: Event<'_>, _now: Instant, actions: &mut Vec<Action>) {
        if let Event::Ask { ticket, .. } = event {
            let text = "no upstream was asked".into();
            let failure = Failure { rcode: 2, extended: extended::OTHER, text };
            actions.push(Action::Answer { ticket, outcome: Outcome::Failure(failure) });
        }
    }

    /// When [`Event::Tick`] is due, if nothing happens before.
    pub const fn next_deadline(&self) -> Option<Instant> {
        None
    }

    /// The cache, for readers. To be published after [`Action::Publish`].
    pub fn view(&self) -> CacheView {
        self.cache.view()
    }

    /// The cache, for purging. Publish a view afterwards.
    pub const fn cache_mut(&mut self) -> &mut Cache {
        &mut self.cache
    }

    /// What is counted up to now.
    pub fn stats(&self) -> Stats {
        Stats::default()
    }

    /// Whether the name is of a probe of ours: what asks for it came back to us.
    pub const fn is_loop_probe(&self, _name: &[u8]) -> bool {
        false
    }
}
