//! How long is an API server left alone that does not answer?

use std::time::Duration;

use super::api::Failure;

const LONGEST: Duration = Duration::from_secs(5);

/// The pauses of one who asks again and again. What is wrong is told when it begins, and when it has
/// passed.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    failures: u32,
}

impl Pause {
    pub(crate) fn passed(&mut self, what: &str) {
        if self.failures > 0 {
            tracing::info!("the API server answers again: {what}");
        }
        self.failures = 0;
    }

    pub(crate) async fn failed(&mut self, what: &str, failure: &Failure) {
        if self.failures == 0 {
            tracing::warn!("the API server, asked for {what}: {failure}; what runs goes on");
        }
        self.failures = self.failures.saturating_add(1);
        tokio::time::sleep(watch::pause(self.failures, LONGEST, None, watch::random())).await;
    }
}
