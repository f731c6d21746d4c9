//! Where do IDs and choices come from that nobody may foresee?

use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng as _, SeedableRng as _};

/// A stream of numbers that tells nothing of what comes next to who has seen what came before.
#[derive(Debug)]
pub(super) struct Random(ChaCha12Rng);

impl Random {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self(ChaCha12Rng::from_seed(seed))
    }

    pub(super) fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    pub(super) fn id(&mut self) -> u16 {
        let [first, second, ..] = self.0.next_u32().to_be_bytes();
        u16::from_be_bytes([first, second])
    }

    /// One of this many; 0 of none.
    pub(super) fn below(&mut self, count: usize) -> usize {
        let count = u64::try_from(count).unwrap_or(1).max(1);
        usize::try_from(self.number() % count).unwrap_or(0)
    }
}
