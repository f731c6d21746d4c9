//! Where does a setting come from, and what is said of one that is not understood?

use std::fmt::{self, Write as _};
use std::sync::Arc;

/// Notices that one reading keeps. More are counted, and told by a last one.
pub const NOTICES_MAX: usize = 200;

/// Characters of an input that a notice repeats.
const QUOTED_MAX: usize = 80;

/// Characters of a source's name that are shown.
const SOURCE_MAX: usize = 256;

/// The place that a setting was read from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// A file, a key of a ConfigMap, a flag, or `default`.
    pub source: Arc<str>,
    /// Counted from one, where the source has lines.
    pub line: Option<u32>,
}

impl Origin {
    /// A source without lines.
    #[must_use]
    pub fn new(source: &str) -> Self {
        Self { source: source.into(), line: None }
    }

    pub(crate) fn at(source: &Arc<str>, line: u32) -> Self {
        Self { source: Arc::clone(source), line: Some(line) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A path may come from a text, and hold anything.
        for character in self.source.chars().take(SOURCE_MAX) {
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                f.write_char(character)?;
            }
        }
        self.line.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

/// A value and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// What holds.
    pub value: T,
    /// Who says so.
    pub origin: Origin,
}

impl<T> Setting<T> {
    /// A value with its origin.
    #[must_use]
    pub const fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }
}

/// What was not understood, or had to be ignored, and what follows from that. Its text is one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Where it stands.
    pub origin: Origin,
    /// What is wrong, and the consequence.
    pub message: String,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.message)
    }
}

/// The notices of one reading: bounded.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    list: Vec<Notice>,
    left_out: usize,
}

impl Notices {
    pub(crate) fn add(&mut self, origin: &Origin, message: impl fmt::Display) {
        if self.list.len() < NOTICES_MAX {
            // An error's hint stands on a line of its own.
            let message = message.to_string().replace('\n', "; ");
            self.list.push(Notice { origin: origin.clone(), message });
        } else {
            self.left_out += 1;
        }
    }

    /// All of them, with a last one that counts those that found no place.
    pub(crate) fn finish(mut self, source: &str) -> Vec<Notice> {
        if self.left_out > 0 {
            let message = format!("{} more notices are left out", self.left_out);
            self.list.push(Notice { origin: Origin::new(source), message });
        }
        self.list
    }
}

/// A text of the input, as a message repeats it: in quotes, on one line, not long.
pub(crate) fn quoted(text: &str) -> String {
    if text.chars().nth(QUOTED_MAX).is_none() {
        return format!("{text:?}");
    }
    let start: String = text.chars().take(QUOTED_MAX).collect();
    format!("{:?}", start + "…")
}
