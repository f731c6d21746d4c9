//! When is a folder quiet enough to be read?

use std::time::{Duration, Instant};

/// So long nothing may change before it is read: writers and editors do several things in a row.
const QUIET: Duration = Duration::from_millis(50);

/// So long a change waits at most, however restless the folder is.
const PATIENCE: Duration = Duration::from_millis(500);

/// Waits for the end of a row of changes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Settle {
    /// The first and the last change that are not read.
    row: Option<(Instant, Instant)>,
}

impl Settle {
    pub(crate) fn note(&mut self, now: Instant) {
        let first = self.row.map_or(now, |(first, _)| first);
        self.row = Some((first, now));
    }

    /// When to read; never while nothing has changed.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.row.map(|(first, last)| (last + QUIET).min(first + PATIENCE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a moment to count from; any will do")]
    fn a_restless_folder_is_read_all_the_same() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut settle = Settle::default();
        assert_eq!(settle.due(), None);
        settle.note(at(0));
        assert_eq!(settle.due(), Some(at(50)));
        settle.note(at(40));
        assert_eq!(settle.due(), Some(at(90)));
        settle.note(at(480));
        assert_eq!(settle.due(), Some(at(500)));
    }
}
