//! What does kubectl want of a pod, by way of the API server and a node?

use std::os::fd::OwnedFd;
use std::sync::Arc;

use ::kubelet::{ContainerName, Log, Refusal, Wanted};
use host::program::Program;
use host::terminal::Terminal;
use tokio::sync::oneshot;

use crate::who::PodName;

/// Somebody waits for the answer.
#[derive(Debug)]
pub(crate) enum Errand {
    Log {
        container: ContainerName,
        previous: bool,
        reply: Reply<Log>,
    },
    /// A program that would run beside the container.
    Exec {
        container: ContainerName,
        command: Vec<String>,
        reply: Reply<Program>,
    },
    /// What a container writes from now on, and its input if that is wanted.
    Attach {
        container: ContainerName,
        wanted: Wanted,
        reply: Reply<Attached>,
    },
    /// The name of the pod's network namespace.
    Connect {
        pod: PodName,
        reply: Reply<String>,
    },
}

/// The streams of a container that runs.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) log: Log,
    /// Closed when whoever has it is done, if it is the only one.
    pub(crate) input: Option<OwnedFd>,
    pub(crate) terminal: Option<Arc<Terminal>>,
}

pub(crate) type Reply<T> = oneshot::Sender<Result<T, Refusal>>;
