//! What must whoever runs the containers of a node be able to do?

use std::future::Future;
use std::io;
use std::pin::Pin;

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::log::Log;
use crate::request::{Access, ContainerName, PodName, Wanted};
use crate::user::User;

/// Runs the containers of one node. The server asks; it starts and ends nothing itself.
pub trait Runtime: Send + Sync + 'static {
    /// Whether somebody has a right on this node. An error is for the client, who gets nothing.
    fn allows(
        &self,
        user: &User,
        access: Access,
    ) -> impl Future<Output = Result<bool, Refusal>> + Send;

    /// The pods of this node: a `v1` `PodList` in JSON.
    fn pods(&self) -> impl Future<Output = Result<Vec<u8>, Refusal>> + Send;

    /// The log of a container's present run, which is its last one when it has ended, or of the run
    /// before.
    fn log(
        &self,
        container: &ContainerName,
        previous: bool,
    ) -> impl Future<Output = Result<Log, Refusal>> + Send;

    /// Starts a command beside a container.
    fn exec(
        &self,
        container: &ContainerName,
        command: &[String],
        wanted: Wanted,
    ) -> impl Future<Output = Result<Process, Refusal>> + Send;

    /// The streams of a container's own program. Its exit ends the session.
    fn attach(
        &self,
        container: &ContainerName,
        wanted: Wanted,
    ) -> impl Future<Output = Result<Process, Refusal>> + Send;

    /// A connection to a port of a pod, by its loopback.
    fn connect(
        &self,
        pod: &PodName,
        port: u16,
    ) -> impl Future<Output = Result<Box<dyn Duplex>, Refusal>> + Send;
}

/// Something that is written to and read from; shutting it down ends what is written.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Why something cannot be done, in words for who asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such pod or container, or it has no such log.
    #[error("{0}")]
    NotFound(String),
    /// It is there, and cannot do that in its state.
    #[error("{0}")]
    BadRequest(String),
    #[error("{0}")]
    Internal(String),
}

/// How a program ended: its exit code, or 128 and the number of the signal that ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit(pub i32);

/// Where a program's words are read.
pub type Reader = Pin<Box<dyn AsyncRead + Send>>;

/// Where a program is told something.
pub type Writer = Pin<Box<dyn AsyncWrite + Send>>;

/// Sets the size of a program's terminal.
pub type Resize = Box<dyn FnMut(TerminalSize) -> io::Result<()> + Send>;

/// A program with its streams. Dropped, its streams are closed; whether it goes on is up to the
/// runtime.
pub struct Process {
    /// Shut down when the client has nothing more to say.
    pub stdin: Option<Writer>,
    pub stdout: Option<Reader>,
    /// None with a terminal.
    pub stderr: Option<Reader>,
    /// Tells the terminal how large the client's is.
    pub resize: Option<Resize>,
    pub exit: Pin<Box<dyn Future<Output = Result<Exit, Refusal>> + Send>>,
}

/// How large a terminal is, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TerminalSize {
    pub width: u16,
    pub height: u16,
}
