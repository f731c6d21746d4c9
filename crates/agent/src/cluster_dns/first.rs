//! What does the source of objects say before anybody is served?

use std::ops::ControlFlow;

use ingest::Objects;
use model::ServiceTable;
use watch::{Event, Folder};

use crate::config::Config;
use crate::failure::Failure;

/// Reads everything once, for a server that takes over from another: it must know the cluster before
/// it is asked.
pub(crate) fn first_table(config: &Config) -> Result<ServiceTable, Failure> {
    let mut objects = Objects::new();
    Folder::open(&config.manifests)?.run(|events| {
        let mut flow = ControlFlow::Continue(());
        for event in events {
            match event {
                Event::Applied(object) => drop(objects.apply(*object)),
                Event::Deleted(key) => drop(objects.delete(&key)),
                Event::FileRejected { .. } | Event::FileRepaired { .. } => {}
                Event::Synced => flow = ControlFlow::Break(()),
            }
        }
        flow
    });
    Ok(objects.table())
}
