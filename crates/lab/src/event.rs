//! What happens in a lab?

use host::netns::Netns;
use model::NodeName;
use tokio::sync::{mpsc, oneshot};
use workload::ProbeKind;

use crate::control::{Reply, Request};
use crate::errand::Errand;
use crate::joined::Heard;
use crate::network::NetworkError;
use crate::who::PodName;

/// Events that wait for the loop; whoever has more waits too.
pub(crate) const EVENTS_MAX: usize = 1024;

pub(crate) type Events = mpsc::Sender<Event>;

#[derive(Debug)]
pub(crate) enum Event {
    Wired {
        run: PodRunId,
        outcome: Result<Netns, NetworkError>,
    },
    Unwired {
        run: PodRunId,
        outcome: Result<(), NetworkError>,
    },
    /// Some program that the lab started has ended.
    ChildEnded,
    Probed {
        run: ContainerRunId,
        kind: ProbeKind,
        outcome: Result<(), String>,
    },
    /// What was to run before the end has run, or has failed.
    HookDone {
        run: ContainerRunId,
        outcome: Result<(), String>,
    },
    /// What a node's agent says of itself.
    Health {
        node: NodeName,
        health: Health,
    },
    /// Names of the world beyond the cluster are answered from now on.
    WorldReady,
    /// Whether the agents have taken in what the cluster held when they were asked.
    InStep(bool),
    /// News from the API server.
    Heard(Heard),
    /// What kubectl wants of a pod.
    Errand(Errand),
    Asked(Question),
    Terminated,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Health {
    /// The dataplane does what the objects say, and the DNS is ready where there is one.
    pub(crate) is_well: bool,
    /// The cluster DNS is answered.
    pub(crate) answers_dns: bool,
}

/// Somebody asks, and waits for the answer.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) request: Request,
    pub(crate) asker: Asker,
}

#[derive(Debug)]
pub(crate) struct Asker {
    reply: oneshot::Sender<Reply>,
    /// Ends when the answer is on its way.
    told: oneshot::Receiver<()>,
}

impl Asker {
    /// The other ends are for whoever hands the answer over.
    pub(crate) fn new() -> (Self, oneshot::Receiver<Reply>, oneshot::Sender<()>) {
        let (reply, answer) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        (Self { reply, told }, answer, tell)
    }

    /// Does not wait: whoever asked may have gone.
    pub(crate) fn answer(self, reply: Reply) {
        drop(self.reply.send(reply));
    }

    /// Waits until the answer has been handed over, as nothing comes after it.
    pub(crate) async fn answer_last(self, reply: Reply) {
        if self.reply.send(reply).is_ok() {
            // An error is the other end's being dropped: it has been handed over.
            drop(self.told.await);
        }
    }
}

/// One life of a pod: a pod of the same name may come after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PodRunId {
    pub(crate) pod: PodName,
    pub(crate) uid: String,
}

/// One run of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContainerRunId {
    pub(crate) pod: PodRunId,
    pub(crate) index: usize,
    pub(crate) number: u32,
}
