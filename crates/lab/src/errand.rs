//! What does kubectl want of a pod, by way of the API server and a node?

use ::kubelet::{ContainerName, Log, Refusal};
use host::program::Program;
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
    /// The name of the pod's network namespace.
    Connect {
        pod: PodName,
        reply: Reply<String>,
    },
}

pub(crate) type Reply<T> = oneshot::Sender<Result<T, Refusal>>;
