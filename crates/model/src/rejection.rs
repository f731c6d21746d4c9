//! What could not be accepted, and why?

use std::fmt;

use crate::origin::Object;

/// A part of an object that was left out. The rest of the object, and every other object, goes on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rejection {
    pub object: Object,
    /// The path of the field, with indices: `spec.ports[1].protocol`.
    pub field: String,
    /// What is wrong with which value, and what would be right.
    pub reason: String,
}

impl Rejection {
    pub fn new(object: Object, field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { object, field: field.into(), reason: reason.into() }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.object, self.field, self.reason)
    }
}
