//! How is a running agent asked? For programs beside it; what waits here waits for the agent.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use explain::{Question, Refusal, Trace};
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::EXPLAIN;

/// So long the agent may be silent.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an agent answered, still as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// `HTTP/1.1 200 OK`
    pub status: String,
    pub body: String,
}

/// Why there is no answer of the wanted kind.
#[derive(Debug, Error)]
pub enum AskError {
    #[error("{0}")]
    NotReached(#[from] io::Error),
    /// The question itself has no answer.
    #[error(transparent)]
    Refused(Refusal),
    #[error("the agent refuses {path}: {status}")]
    Status { path: String, status: String },
    #[error("cannot read the agent's answer to {path}: {source}")]
    Unreadable { path: String, source: serde_json::Error },
}

impl Reply {
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.status == "HTTP/1.1 200 OK"
    }
}

/// Asks for a path, with its query.
///
/// # Errors
/// Nobody answers on the socket.
pub fn get(socket: &Path, path: &str) -> io::Result<Reply> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: pogu\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.lines().next().unwrap_or_default().to_owned();
    Ok(Reply { status, body: body.to_owned() })
}

/// Asks for a path and reads the answer as this type.
///
/// # Errors
/// Nobody answers, or with something else.
pub fn ask<T: DeserializeOwned>(socket: &Path, path: &str) -> Result<T, AskError> {
    let reply = get(socket, path)?;
    if !reply.is_ok() {
        return Err(AskError::Status { path: path.to_owned(), status: reply.status });
    }
    read(path, &reply.body)
}

/// Asks what will happen to a request.
///
/// # Errors
/// Nobody answers, or the question has no answer.
pub fn explain(socket: &Path, question: &Question) -> Result<Trace, AskError> {
    let path = format!("{EXPLAIN}?{}", question.to_query());
    let reply = get(socket, &path)?;
    if reply.is_ok() {
        return read(&path, &reply.body);
    }
    match serde_json::from_str(&reply.body) {
        Ok(refusal) => Err(AskError::Refused(refusal)),
        // An agent that knows no such question says something else.
        Err(_) => Err(AskError::Status { path, status: reply.status }),
    }
}

fn read<T: DeserializeOwned>(path: &str, body: &str) -> Result<T, AskError> {
    let unreadable = |source| AskError::Unreadable { path: path.to_owned(), source };
    serde_json::from_str(body).map_err(unreadable)
}
