//! How do entries stay within their bounds?

use std::sync::Arc;
use std::time::Instant;

use imbl::OrdMap;

use super::Settings;
use super::entry::{Entry, Stage};
use super::question::Asked;

/// How many are drawn when one must go.
const DRAWN: usize = 8;

/// Entries by the hash of their question. Hashes are spread evenly, so the entry next to a random
/// number is a random entry: drawing needs nothing besides the map.
#[derive(Debug, Clone, Default)]
pub(super) struct Shelf {
    entries: OrdMap<u64, Arc<Entry>>,
    octets: usize,
}

impl Shelf {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) const fn octets(&self) -> usize {
        self.octets
    }

    pub(super) fn find(&self, hash: u64, asked: Asked<'_>) -> Option<&Entry> {
        self.entries.get(&hash).map(|entry| &**entry).filter(|entry| entry.is_for(asked))
    }

    /// Puts it in the place of whatever has its hash.
    pub(super) fn put(&mut self, hash: u64, entry: Entry) {
        self.octets += entry.octets();
        if let Some(before) = self.entries.insert(hash, Arc::new(entry)) {
            self.octets -= before.octets();
        }
    }

    pub(super) fn remove(&mut self, hash: u64) -> bool {
        let Some(entry) = self.entries.remove(&hash) else { return false };
        self.octets -= entry.octets();
        true
    }

    /// Removes all that this is true of; gives how many. Looks at each entry.
    pub(super) fn remove_where(&mut self, is_unwanted: impl Fn(&Entry) -> bool) -> usize {
        let unwanted: Vec<u64> = self
            .entries
            .iter()
            .filter(|(_, entry)| is_unwanted(entry))
            .map(|(hash, _)| *hash)
            .collect();
        unwanted.into_iter().filter(|hash| self.remove(*hash)).count()
    }

    /// Removes until there are no more entries and octets than these; gives how many went.
    /// `spared` is the hash of what was just put.
    pub(super) fn shrink(
        &mut self,
        (entries_max, octets_max): (usize, usize),
        spared: u64,
        (now, settings): (Instant, &Settings),
        mut random: impl FnMut() -> u64,
    ) -> u64 {
        let mut gone = 0;
        while self.len() > 1 && (self.len() > entries_max || self.octets > octets_max) {
            let drawn = (0..DRAWN).filter_map(|_| self.next_to(random(), spared));
            let least = drawn.min_by_key(|(_, entry)| entry.rank(now, settings));
            let Some(hash) = least.map(|(hash, _)| hash) else { break };
            gone += u64::from(self.remove(hash));
        }
        gone
    }

    /// The entry at or after a number, around the end; not the spared one.
    fn next_to(&self, number: u64, spared: u64) -> Option<(u64, &Arc<Entry>)> {
        let after = self.entries.range(number..);
        let found = after.chain(self.entries.iter()).find(|(hash, _)| **hash != spared);
        found.map(|(hash, entry)| (*hash, entry))
    }

    /// Removes what is beyond use among up to `count` entries from `cursor` on; gives the next
    /// cursor and how many went.
    pub(super) fn sweep(
        &mut self,
        cursor: u64,
        count: usize,
        (now, settings): (Instant, &Settings),
    ) -> (u64, usize) {
        let seen: Vec<(u64, Stage)> = self
            .entries
            .range(cursor..)
            .take(count)
            .map(|(hash, entry)| (*hash, entry.stage(now, settings)))
            .collect();
        let is_end = seen.len() < count;
        let next = seen.last().map_or(0, |(hash, _)| hash.wrapping_add(1));
        let gone = seen.into_iter().filter(|(_, stage)| *stage == Stage::Gone);
        let count = gone.filter(|(hash, _)| self.remove(*hash)).count();
        (if is_end { 0 } else { next }, count)
    }
}
