//! How is the running agent asked?

use std::io;
use std::path::Path;

use agent::query::{self, AskError};
use serde::de::DeserializeOwned;

use crate::failure::Failure;

/// Asks for a path and reads the answer as this type.
pub(crate) fn ask<T: DeserializeOwned>(socket: &Path, path: &str) -> Result<T, Failure> {
    query::ask(socket, path).map_err(|error| match error {
        AskError::NotReached(error) => not_reached(socket, &error),
        AskError::Refused(_) | AskError::Status { .. } | AskError::Unreadable { .. } => {
            Failure::new(error.to_string(), "are the agent and this command of one version?")
        }
    })
}

pub(crate) fn not_reached(socket: &Path, error: &io::Error) -> Failure {
    let what = format!("cannot ask the agent on {}: {error}", socket.display());
    let hint = if error.kind() == io::ErrorKind::PermissionDenied {
        "run this as the user that the agent runs as, mostly root"
    } else {
        "is an agent running on this node? --socket names the socket of one with another"
    };
    Failure::new(what, hint)
}
