//! What time is it? The pure crates take the answer as an argument.

use std::time::{Instant, SystemTime};

/// For durations and deadlines: never goes back.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// Between two looks at something that tells nobody when it changes.
#[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
pub fn pause(time: std::time::Duration) {
    std::thread::sleep(time);
}

/// For what people read: may jump.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub fn wall() -> SystemTime {
    SystemTime::now()
}
