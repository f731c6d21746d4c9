//! Which number stands for which chain that picks?

use std::collections::{BTreeMap, BTreeSet};

use crate::name::ChainId;
use crate::pool::Numbers;
use crate::step::KIND_MASK;

/// The chains that pick, each with its number. They are kept until their numbers are wanted: a number
/// of endpoints that was there once comes again.
#[derive(Debug, Clone)]
pub(crate) struct Kinds {
    numbers: Numbers,
    by_chain: BTreeMap<ChainId, u32>,
}

impl Default for Kinds {
    fn default() -> Self {
        Self { numbers: Numbers::up_to(KIND_MASK), by_chain: BTreeMap::new() }
    }
}

impl Kinds {
    pub(crate) fn of(&self, chain: ChainId) -> Option<u32> {
        self.by_chain.get(&chain).copied()
    }

    /// Gives a chain a number; `None` when there is none left.
    pub(crate) fn add(&mut self, chain: ChainId) -> Option<u32> {
        let number = self.numbers.take()?;
        self.by_chain.insert(chain, number);
        Some(number)
    }

    /// Takes over a chain that the kernel has, under its number.
    pub(crate) fn take_over(&mut self, chain: ChainId, number: u32) {
        if !self.by_chain.contains_key(&chain) && self.numbers.take_exactly(number) {
            self.by_chain.insert(chain, number);
        }
    }

    pub(crate) fn remove(&mut self, chain: ChainId) {
        if let Some(number) = self.by_chain.remove(&chain) {
            self.numbers.give_back(number);
        }
    }

    /// Forgets all others.
    pub(crate) fn keep_only(&mut self, used: &BTreeSet<ChainId>) {
        for (chain, _) in self.unused(used) {
            self.remove(chain);
        }
    }

    /// Those that are not among the used ones.
    pub(crate) fn unused(&self, used: &BTreeSet<ChainId>) -> Vec<(ChainId, u32)> {
        self.iter().filter(|(chain, _)| !used.contains(chain)).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ChainId, u32)> {
        self.by_chain.iter().map(|(chain, number)| (*chain, *number))
    }
}
