//! How do entries stay within their bounds?

use std::sync::Arc;
use std::time::Instant;

use imbl::OrdMap;

use super::Settings;
use super::entry::{Entry, Stage};
use super::question::Asked;

/// Among how many the least is looked for when one must go.
const DRAWN: usize = 16;

/// Entries by the hash of their question. Hashes are spread evenly, so those next to a random number
/// are random entries: drawing needs nothing besides the map.
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
            let least = self.draw(random(), spared).min_by_key(|(_, it)| it.rank(now, settings));
            let least = least.map(|(hash, _)| *hash);
            let Some(hash) = least else { break };
            gone += u64::from(self.remove(hash));
        }
        gone
    }

    /// The entries from a number on, around the end; not the spared one.
    fn draw(&self, number: u64, spared: u64) -> impl Iterator<Item = (&u64, &Arc<Entry>)> {
        let all = self.entries.range(number..).take(DRAWN);
        // As many again where there are fewer: only then is this range looked for.
        let around = std::iter::once(()).flat_map(|()| self.entries.iter().take(DRAWN));
        all.chain(around).filter(move |(hash, _)| **hash != spared).take(DRAWN)
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
