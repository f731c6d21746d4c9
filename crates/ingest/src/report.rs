//! What was wrong with one object?

use std::fmt::Write as _;

use model::{Object, Rejection};

/// Rejections that one object keeps; of the others only their number is told.
const REJECTIONS_PER_OBJECT_MAX: usize = 32;

/// Characters of a wrong value that a reason repeats.
const QUOTED_CHARS_MAX: usize = 80;

/// Gathers the rejections of one object while it is read.
pub(crate) struct Report {
    object: Object,
    found: Vec<Rejection>,
    more: usize,
}

impl Report {
    pub(crate) const fn new(object: Object) -> Self {
        Self { object, found: Vec::new(), more: 0 }
    }

    pub(crate) fn reject(&mut self, field: impl Into<String>, reason: impl Into<String>) {
        self.reject_with(field, || reason.into());
    }

    /// For a reason that is costly to find.
    pub(crate) fn reject_with(
        &mut self,
        field: impl Into<String>,
        reason: impl FnOnce() -> String,
    ) {
        if self.found.len() < REJECTIONS_PER_OBJECT_MAX {
            self.found.push(Rejection::new(self.object.clone(), field, reason()));
        } else {
            self.more += 1;
        }
    }

    /// The value, or a rejection and nothing.
    pub(crate) fn accept<T, E: ToString>(
        &mut self,
        result: Result<T, E>,
        field: impl FnOnce() -> String,
    ) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.reject(field(), error.to_string());
                None
            }
        }
    }

    pub(crate) fn finish(mut self) -> Vec<Rejection> {
        if let Some(last) = self.found.last_mut()
            && self.more > 0
        {
            write!(last.reason, "; {} more of this object are not listed", self.more)
                .expect("writing to a String cannot fail");
        }
        self.found
    }
}

/// A value in quotes, cut when it is long, with control characters made visible.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS_MAX) {
        Some((end, _)) => format!("{:?}…", text.split_at(end).0),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_some_rejections_and_counts_the_rest() {
        let mut report = Report::new(Object::Agent);
        for index in 0..REJECTIONS_PER_OBJECT_MAX + 5 {
            report.reject(format!("list[{index}]"), "wrong");
        }
        let found = report.finish();
        assert_eq!(found.len(), REJECTIONS_PER_OBJECT_MAX);
        assert_eq!(
            found.last(),
            Some(&Rejection::new(
                Object::Agent,
                "list[31]",
                "wrong; 5 more of this object are not listed"
            ))
        );
    }

    #[test]
    fn quotes_what_is_long_or_unprintable() {
        assert_eq!(quoted("a\n\"b\""), r#""a\n\"b\"""#);
        assert_eq!(quoted(&"é".repeat(100)), format!("\"{}\"…", "é".repeat(80)));
    }
}
