//! What does the core show to everything around it?

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use model::{NodeContext, NodeTable, Rejection, ServiceName, ServiceTable};
use tokio::sync::watch;

use crate::health_check::HealthChecks;
use crate::heard::Recent;

/// The core's end of the one published value. `send_replace` publishes; it does not wait.
pub type Publisher = watch::Sender<Arc<Published>>;

/// All that the core shows: one value that is replaced whole and never changed, so whatever reads
/// it sees one moment. A copy shares everything that is large.
#[derive(Debug, Clone)]
pub struct Published {
    pub table: ServiceTable,
    pub node: NodeTable,
    pub health_checks: HealthChecks,
    pub status: Status,
    /// The events that this value and those before it show.
    pub recent: Recent,
}

impl Published {
    /// Before anything is known.
    #[must_use]
    pub fn unknown(node: NodeContext) -> Self {
        Self {
            table: ServiceTable::default(),
            node: NodeTable::empty(Arc::new(node)),
            health_checks: HealthChecks::default(),
            status: Status::default(),
            recent: Recent::default(),
        }
    }

    /// Everything that is left out, by whoever found it: ingest, the node's claims, the agent.
    #[must_use]
    pub fn rejections(&self) -> Vec<Rejection> {
        Self::all_rejections(&self.table, &self.node, &self.status.rejections)
    }

    pub(crate) fn all_rejections(
        table: &ServiceTable,
        node: &NodeTable,
        own: &[Rejection],
    ) -> Vec<Rejection> {
        let mut all: Vec<Rejection> = table.rejections.to_vec();
        all.extend(node.rejections());
        all.extend(own.iter().cloned());
        all.sort();
        all.dedup();
        all
    }
}

/// How far the kernel is with what the objects say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// The source of objects has said everything that was there at the start.
    pub synced: bool,
    /// Counts the tables: it grows by one with each batch of objects or change of the node.
    pub generation: u64,
    /// The last transaction that the kernel acknowledged. Absent until there is one.
    pub applied: Option<Applied>,
    pub pending: Pending,
    /// Services whose transaction the kernel refused; they are tried again.
    pub failing: Arc<[Failing]>,
    pub drift: Drift,
    /// What the agent itself rejects: files, health check ports, what the kernel refused. What
    /// `ServiceTable` and `NodeTable` reject is not repeated here.
    pub rejections: Arc<[Rejection]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// The table that the kernel has now.
    pub generation: u64,
    pub at: SystemTime,
    /// From the transaction's first byte to the acknowledgement.
    pub took: Duration,
    /// Set elements and rules that it changed.
    pub operations: u64,
}

/// Changes that the kernel has not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pending {
    /// When the oldest of them came.
    pub since: Option<SystemTime>,
    pub services: u64,
    pub endpoints: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    pub service: ServiceName,
    /// What the kernel said, and of what.
    pub error: String,
    pub since: SystemTime,
    pub attempts: u32,
}

/// Changes of our table by others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drift {
    /// How often it was found and repaired.
    pub repaired: u64,
    pub last: Option<SystemTime>,
}
