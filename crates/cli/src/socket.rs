//! How is the running agent asked?

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::failure::Failure;

/// So long the agent may be silent.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks for a path and reads the answer as this type.
pub(crate) fn ask<T: DeserializeOwned>(socket: &Path, path: &str) -> Result<T, Failure> {
    let answer = exchange(socket, path).map_err(|error| not_reached(socket, &error))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.lines().next().unwrap_or_default();
    if status != "HTTP/1.1 200 OK" {
        let what = format!("the agent refuses {path}: {status}");
        return Err(Failure::new(what, "are the agent and this command of one version?"));
    }
    serde_json::from_str(body).map_err(|error| {
        let what = format!("cannot read the agent's answer to {path}: {error}");
        Failure::new(what, "are the agent and this command of one version?")
    })
}

fn exchange(socket: &Path, path: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: pogu\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn not_reached(socket: &Path, error: &io::Error) -> Failure {
    let what = format!("cannot ask the agent on {}: {error}", socket.display());
    let hint = if error.kind() == io::ErrorKind::PermissionDenied {
        "run this as the user that the agent runs as, mostly root"
    } else {
        "is an agent running on this node? --socket names the socket of one with another"
    };
    Failure::new(what, hint)
}
