//! How long is an API server left alone that does not answer?

use std::time::Duration;

use super::api::Failure;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(5);

/// The pauses of one who asks again and again. What is wrong is told when it begins, and when it has
/// passed.
#[derive(Debug)]
pub(crate) struct Pause {
    next: Duration,
    is_told: bool,
}

impl Pause {
    pub(crate) const fn new() -> Self {
        Self { next: FIRST, is_told: false }
    }

    pub(crate) fn passed(&mut self, what: &str) {
        if self.is_told {
            tracing::info!("the API server answers again: {what}");
        }
        *self = Self::new();
    }

    pub(crate) async fn failed(&mut self, what: &str, failure: &Failure) {
        if !self.is_told {
            tracing::warn!("the API server, asked for {what}: {failure}; what runs goes on");
            self.is_told = true;
        }
        tokio::time::sleep(self.take(fraction())).await;
    }

    /// Half of it is left to chance, so that not all ask at once.
    fn take(&mut self, chance: f64) -> Duration {
        let time = self.next.mul_f64(0.5 + chance / 2.0);
        self.next = (self.next * 2).min(LONGEST);
        time
    }
}

/// Something between 0 and 1 that nobody else has.
fn fraction() -> f64 {
    let since = host::clock::wall().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    f64::from(since.subsec_micros() % 1_000) / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_to_its_longest() {
        let mut pause = Pause::new();
        let times: Vec<u128> = (0..7).map(|_| pause.take(1.0).as_millis()).collect();
        assert_eq!(times, [200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(Pause::new().take(0.0), Duration::from_millis(100));
    }
}
