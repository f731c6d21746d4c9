//! How often was a number in which range?

use super::count::Count;

/// Upper bounds of the time to an answer, in microseconds: those that dashboards of CoreDNS know.
pub const DURATION_BOUNDS_US: [u64; 16] = [
    250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 512_000,
    1_024_000, 2_048_000, 4_096_000, 8_192_000,
];

/// Upper bounds of messages' sizes, in octets: those that dashboards of CoreDNS know.
pub const SIZE_BOUNDS: [u64; 14] =
    [0, 100, 200, 300, 400, 511, 1_023, 2_047, 4_095, 8_291, 16_000, 32_000, 48_000, 64_000];

/// How often a number was in each range.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Buckets {
    /// The upper bounds, each included.
    pub bounds: &'static [u64],
    /// Within each bound and above the one before; the last for those above all.
    pub counts: Vec<u64>,
    pub sum: u64,
}

/// What one thread adds to.
#[derive(Debug)]
pub(super) struct Histogram<const N: usize> {
    counts: [Count; N],
    sum: Count,
}

impl<const N: usize> Default for Histogram<N> {
    fn default() -> Self {
        Self { counts: std::array::from_fn(|_| Count::default()), sum: Count::default() }
    }
}

impl<const N: usize> Histogram<N> {
    pub(super) fn observe(&self, bounds: &[u64], value: u64, times: u64) {
        let place = bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len());
        if let Some(count) = self.counts.get(place) {
            count.add(times);
        }
        self.sum.add(value.wrapping_mul(times));
    }
}

impl Buckets {
    pub(super) fn empty(bounds: &'static [u64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1], sum: 0 }
    }

    pub(super) fn add<const N: usize>(&mut self, histogram: &Histogram<N>) {
        for (sum, count) in self.counts.iter_mut().zip(&histogram.counts) {
            *sum += count.value();
        }
        self.sum += histogram.sum.value();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_in_its_own_range_and_what_is_above_all_in_the_last() {
        let histogram = Histogram::<3>::default();
        for (value, times) in [(0, 1), (10, 2), (11, 3), (20, 4), (21, 5)] {
            histogram.observe(&[10, 20], value, times);
        }
        let mut buckets = Buckets::empty(&[10, 20]);
        buckets.add(&histogram);
        let sum = 20 + 33 + 80 + 105;
        assert_eq!(buckets, Buckets { bounds: &[10, 20], counts: vec![3, 7, 5], sum });
    }
}
