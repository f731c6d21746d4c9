//! What is wrong with a scenario's text?

use std::path::PathBuf;

use thiserror::Error;

/// A line that is not of the format.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}:{line}: {problem}", path.display())]
pub struct ParseError {
    pub path: PathBuf,
    pub line: usize,
    pub problem: Problem,
}

/// What is wrong, the offending text last.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Problem {
    #[error("expected {expected}: {found:?}")]
    Expected { expected: &'static str, found: String },
    #[error("missing {0}")]
    Missing(&'static str),
    #[error("unknown option of a {of}: {option:?}")]
    UnknownOption { of: &'static str, option: String },
    #[error("no such {kind}: {name}")]
    NoSuch { kind: &'static str, name: String },
    #[error("already there, {kind}: {name}")]
    Twice { kind: &'static str, name: String },
    #[error("endpoint of a named target port needs ports=NAME:NUMBER: {0}")]
    NoPortNumber(String),
}

impl Problem {
    pub(crate) fn expected(expected: &'static str, found: impl Into<String>) -> Self {
        Self::Expected { expected, found: found.into() }
    }
}
