//! How is a failure told, and how does the program end?

use std::io::{self, Write as _};
use std::process::ExitCode;

/// What failed, for a person: first what and its value, then what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) what: String,
    pub(crate) hint: Option<String>,
    /// The arguments are wrong, rather than what they ask for.
    pub(crate) is_usage: bool,
    /// A foretelling was wrong.
    pub(crate) is_difference: bool,
}

impl Failure {
    pub(crate) fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: Some(hint.into()), ..Self::told() }
    }

    pub(crate) fn usage(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { is_usage: true, ..Self::new(what, hint) }
    }

    /// The output has said what is wrong.
    pub(crate) const fn told() -> Self {
        Self { what: String::new(), hint: None, is_usage: false, is_difference: false }
    }

    /// What happened is not what was foretold, as the output tells.
    pub(crate) fn difference() -> Self {
        Self { is_difference: true, ..Self::told() }
    }

    /// Whoever reads our output has closed it: that is theirs to know.
    pub(crate) fn report(self) -> ExitCode {
        let mut text = String::new();
        if !self.what.is_empty() {
            text = format!("pogu: {}\n", self.what);
        }
        if let Some(hint) = &self.hint {
            text.push_str("hint: ");
            text.push_str(hint);
            text.push('\n');
        }
        drop(io::stderr().write_all(text.as_bytes()));
        ExitCode::from(match (self.is_difference, self.is_usage) {
            (true, _) => 3,
            (false, true) => 2,
            (false, false) => 1,
        })
    }
}

/// Writes the result. A reader that has seen enough, as `head` does, is no failure.
pub(crate) fn write_out(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("cannot write the output: {error}"), "is the disk full?"))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Beside the output, so that a program that reads it sees nothing.
pub(crate) fn write_err(text: &str) {
    drop(io::stderr().write_all(text.as_bytes()));
}
