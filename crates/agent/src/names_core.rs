//! How does the core run where there is no dataplane, and names are all?

use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use ingest::Objects;
use model::NodeTable;

use crate::event::{Event, OwnAddresses};
use crate::failure::Failure;
use crate::heard::Hearing;
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
    let (mut hearing, started) = (Hearing::default(), host::clock::wall());
    loop {
        let wait = if status.synced && !is_tidy { TIDY_PAUSE } else { Duration::MAX };
        match side.events.recv_timeout(wait) {
            Ok(Event::Objects(batch)) => {
                if status.synced {
                    hearing.batch(host::clock::monotonic());
                }
                for said in batch {
                    match said.apply_to(&mut objects) {
                        Some(touched) => hearing.touched(&touched, started),
                        None => status.synced = true,
                    }
                }
            }
            Ok(Event::Shutdown) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            // There is no kernel to ask or to hear of.
            Ok(
                Event::Measure(_)
                | Event::ReadBack(_)
                | Event::Addresses(_)
                | Event::Drift
                | Event::Watched
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
            hearing.published(status.generation);
            side.publisher.send_replace(Arc::new(Published {
                table: objects.table(),
                node: NodeTable::empty(Arc::clone(&context)),
                health_checks: crate::health_check::HealthChecks::default(),
                status: status.clone(),
                recent: hearing.recent().clone(),
            }));
        }
    }
}
