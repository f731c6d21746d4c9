//! What becomes of a pod that people are told of, and who is told?

use model::NodeName;
use tokio::sync::mpsc;

use crate::event::PodRunId;

/// Notes that wait to be told; what comes beyond is told nowhere but in the log.
pub(crate) const NOTES_MAX: usize = 1_024;

/// Nobody listens where there is no API server.
pub(crate) type Notes = mpsc::Sender<Note>;

/// In a kubelet's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) pod: PodRunId,
    pub(crate) node: NodeName,
    /// Which of its containers, as the API writes it; empty for the pod as a whole.
    pub(crate) field: String,
    pub(crate) is_warning: bool,
    pub(crate) reason: &'static str,
    pub(crate) text: String,
}
