//! How long is it until the next try?

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

/// Pauses double from here.
const FIRST: Duration = Duration::from_millis(200);

/// No pause is longer while the server says no.
pub(super) const LONGEST: Duration = Duration::from_secs(15);

/// No pause is longer while there is no connection: somebody who cannot be reached is not burdened
/// by tries, and state must be right soon after it is back.
pub(super) const LONGEST_UNREACHABLE: Duration = Duration::from_secs(1);

/// Nobody is believed who says that he needs longer.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// The pause after so many failures in a row, from half of it to the whole as `spread` goes from 0 to
/// 1: clients that failed together do not return together. What the server asked for comes on top.
#[must_use]
pub fn pause(
    failures: u32,
    longest: Duration,
    retry_after: Option<Duration>,
    spread: f64,
) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let pause = FIRST.saturating_mul(1 << doublings).min(longest);
    let asked = retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
    asked + pause.mul_f64(0.5 + spread.clamp(0.0, 1.0) / 2.0)
}

/// From 0 to 1, to spread in time what many would do at once. Nobody gains by foreseeing it.
#[must_use]
pub fn random() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 32;
    u32::try_from(bits).map_or(0.5, f64::from) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_are_spread_over_half_of_it() {
        let ms = |failures, spread| pause(failures, LONGEST, None, spread).as_millis();
        let longest = [1, 2, 3, 7, 8, u32::MAX].map(|failures| ms(failures, 1.0));
        assert_eq!(longest, [200, 400, 800, 12_800, 15_000, 15_000]);
        assert_eq!([1, 8].map(|failures| ms(failures, 0.0)), [100, 7_500]);
    }

    #[test]
    fn a_server_gets_the_pause_that_it_asks_for_within_reason() {
        let asked = [2, 3600]
            .map(|seconds| pause(1, LONGEST, Some(Duration::from_secs(seconds)), 0.0).as_millis());
        assert_eq!(asked, [2_100, 60_100]);
    }
}
