//! What does the lab see of a Pod that exists?

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use model::NodeName;

use crate::api::Pod;

/// A Pod as it stands. Times count from a moment that the caller chose, the same for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedPod {
    pub pod: Arc<Pod>,
    /// Absent until it was scheduled.
    pub node: Option<NodeName>,
    /// One for each family at most; the node's own with `hostNetwork`. Empty until it has some.
    pub addresses: Vec<IpAddr>,
    pub phase: Phase,
    /// All containers are ready.
    pub ready: bool,
    /// When `ready` last changed.
    pub ready_changed: Duration,
    pub created: Duration,
    /// It was deleted, and its grace period runs.
    pub terminating: bool,
}

impl ObservedPod {
    /// A Pod that was made just now.
    #[must_use]
    pub fn created(pod: Arc<Pod>, now: Duration) -> Self {
        Self {
            pod,
            node: None,
            addresses: Vec::new(),
            phase: Phase::Pending,
            ready: false,
            ready_changed: now,
            created: now,
            terminating: false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Pending,
    Running,
    Succeeded,
    Failed,
}

impl Phase {
    /// No container of it will run again.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        }
    }
}
