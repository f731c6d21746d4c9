//! How are the objects followed, wherever they come from?

use std::ops::ControlFlow;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use ingest::Objects;
use model::ServiceTable;
use watch::{ApiServer, ApiServerStatus, ApiServerStopper, Folder, PodScope, Stopper};

use crate::config::{Config, ObjectSource};
use crate::event::Event;
use crate::failure::Failure;

/// So long the first read may take of whoever takes over. After it he begins without: then names are
/// not denied until they are known.
const FIRST_READ_MAX: Duration = Duration::from_secs(10);

/// A source that is open.
#[derive(Debug)]
pub(crate) enum Source {
    Folder(Folder),
    ApiServer(ApiServer),
}

/// Ends a running source.
#[derive(Debug)]
pub(crate) enum SourceStopper {
    Folder(Stopper),
    ApiServer(ApiServerStopper),
}

impl SourceStopper {
    pub(crate) fn stop(&self) {
        match self {
            Self::Folder(stopper) => stopper.stop(),
            Self::ApiServer(stopper) => stopper.stop(),
        }
    }
}

impl Source {
    /// # Errors
    /// There is no such folder, or no usable configuration of a client.
    pub(crate) fn open(config: &Config) -> Result<Self, Failure> {
        Ok(match &config.source {
            ObjectSource::Folder(path) => Self::Folder(Folder::open(path)?),
            ObjectSource::ApiServer(access) => {
                Self::ApiServer(ApiServer::open(access.clone(), config.wanted())?)
            }
        })
    }

    pub(crate) fn stopper(&self) -> SourceStopper {
        match self {
            Self::Folder(folder) => SourceStopper::Folder(folder.stopper()),
            Self::ApiServer(server) => SourceStopper::ApiServer(server.stopper()),
        }
    }

    /// How the connection is; nothing for a folder.
    pub(crate) fn status(&self) -> Option<ApiServerStatus> {
        match self {
            Self::Folder(_) => None,
            Self::ApiServer(server) => Some(server.status()),
        }
    }

    /// Where to say which Pods are wanted; nothing for a folder, which has what it has.
    pub(crate) fn pod_scope(&self) -> Option<PodScope> {
        match self {
            Self::Folder(_) => None,
            Self::ApiServer(server) => Some(server.pod_scope()),
        }
    }

    /// What is there now; `None` when that takes too long.
    pub(crate) fn read_once(self) -> Option<ServiceTable> {
        match self {
            Self::Folder(folder) => Some(folder.read_once(Objects::new()).table()),
            Self::ApiServer(server) => {
                server.read_once(FIRST_READ_MAX).map(|mut objects| objects.table())
            }
        }
    }

    /// Tells the core until it ends or the source is stopped.
    pub(crate) fn follow(self, core: &SyncSender<Event>) {
        let emit = |events| match core.send(Event::Objects(events)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        match self {
            Self::Folder(folder) => folder.run(emit),
            Self::ApiServer(server) => {
                if let Err(error) = server.run(emit) {
                    tracing::error!(%error, "cannot follow the API server");
                }
            }
        }
    }
}
