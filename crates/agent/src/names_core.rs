//! How does the core run where there is no dataplane, and names are all?

use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use ingest::Objects;
use model::NodeTable;

use crate::event::{Event, OwnAddresses};
use crate::failure::Failure;
use crate::published::{Published, Status};
use crate::run::CoreSide;

/// How long after the first read everybody is done with texts and objects.
const TIDY_PAUSE: Duration = Duration::from_secs(5);

/// Follows the objects until it is told to end.
pub(crate) fn run_names(side: CoreSide) -> Result<(), Failure> {
    let context = Arc::new(side.config.node_context(None, &OwnAddresses::default()));
    let mut objects = Objects::new();
    let mut status = Status::default();
    let mut is_tidy = false;
    loop {
        let wait = if status.synced && !is_tidy { TIDY_PAUSE } else { Duration::MAX };
        match side.events.recv_timeout(wait) {
            Ok(Event::Objects(batch)) => {
                for said in batch {
                    status.synced |= take(&mut objects, said);
                }
            }
            Ok(Event::Shutdown) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Ok(Event::Measure(_) | Event::ReadBack(_)) => continue,
            Ok(
                Event::Addresses(_)
                | Event::Drift
                | Event::Deaf { .. }
                | Event::HealthCheckPorts(_)
                | Event::Uncounted(_),
            ) => continue,
            Err(RecvTimeoutError::Timeout) => {
                host::memory::give_back();
                is_tidy = true;
                continue;
            }
        }
        if status.synced {
            status.generation += 1;
            side.publisher.send_replace(Arc::new(Published {
                table: objects.table(),
                node: NodeTable::empty(Arc::clone(&context)),
                health_checks: crate::health_check::HealthChecks::default(),
                status: status.clone(),
            }));
        }
    }
}

/// Whether everything that was there at the start has been said with this.
fn take(objects: &mut Objects, said: watch::Event) -> bool {
    match said {
        watch::Event::Applied(object) => drop(objects.apply(*object)),
        watch::Event::Deleted(key) => drop(objects.delete(&key)),
        watch::Event::FileRejected { path, rejections } => {
            objects.set_file_rejections(&path, rejections);
        }
        watch::Event::FileRepaired { path } => objects.set_file_rejections(&path, Vec::new()),
        watch::Event::Synced => return true,
    }
    false
}
