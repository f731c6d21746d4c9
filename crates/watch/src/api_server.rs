//! How are the objects of an API server followed while they change?

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use ingest::Objects;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

mod access;
mod causes;
mod clients;
pub(crate) mod collection;
mod connection;
mod credentials;
pub(crate) mod decode;
pub(crate) mod failure;
mod fnv;
pub(crate) mod follower;
pub(crate) mod form;
mod frames;
mod known;
mod lines;
mod look;
mod pause;
mod rejected;
mod report;
mod requests;
mod rule;
mod run;
mod shared;
mod state;
mod version;

pub use access::{Access, AccessError};
pub use causes::with_causes;
pub use collection::Wanted;
pub use pause::{pause, random};
pub use report::{Report, report};
pub use requests::{Caller, Followed, Method, RequestError, Requests};
pub use state::{ApiServerState, ApiServerStatus, CollectionState, Counts, Trouble};

use crate::event::Event;
use look::Look;
use run::{Told, follow};
use shared::Shared;

/// Parts that wait to be taken. Whoever reads waits at the bound, and so does the server.
const TOLD_MAX: usize = 4;

/// Objects from an API server.
#[derive(Debug)]
pub struct ApiServer {
    access: Access,
    wanted: watch::Sender<Wanted>,
    status: ApiServerStatus,
    stop: watch::Sender<bool>,
}

/// Says which Pods a running `ApiServer` reads.
#[derive(Debug, Clone)]
pub struct PodScope(watch::Sender<Wanted>);

impl PodScope {
    /// Whether those of all nodes are wanted, or of the own one only.
    pub fn set_all(&self, all_pods: bool) {
        self.0.send_if_modified(|wanted| {
            std::mem::replace(&mut wanted.all_pods, all_pods) != all_pods
        });
    }
}

/// Ends a running `ApiServer` from another thread.
#[derive(Debug, Clone)]
pub struct ApiServerStopper(watch::Sender<bool>);

impl ApiServerStopper {
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl ApiServer {
    /// Checks that there is a configuration which can be read. Whether the server answers is not
    /// asked: it may come later.
    ///
    /// # Errors
    /// The configuration cannot be used; the error has a hint.
    pub fn open(access: Access, wanted: Wanted) -> Result<Self, AccessError> {
        let runtime = Builder::new_current_thread().build();
        let runtime = runtime.map_err(|error| AccessError::Broke(error.to_string()))?;
        drop(runtime.block_on(access.load())?);
        let (stop, _) = watch::channel(false);
        let (wanted, _) = watch::channel(wanted);
        Ok(Self { access, wanted, status: ApiServerStatus::default(), stop })
    }

    #[must_use]
    pub fn stopper(&self) -> ApiServerStopper {
        ApiServerStopper(self.stop.clone())
    }

    #[must_use]
    pub fn pod_scope(&self) -> PodScope {
        PodScope(self.wanted.clone())
    }

    /// How the connection is, at any time.
    #[must_use]
    pub fn status(&self) -> ApiServerStatus {
        self.status.clone()
    }

    /// Follows the API server on this thread, until it is stopped or `emit` breaks. Up to `Synced`
    /// the objects come in parts; from then on each call of `emit` is one change.
    ///
    /// # Errors
    /// The system gives no means to wait for sockets.
    pub fn run(self, emit: impl FnMut(Vec<Event>) -> ControlFlow<()>) -> std::io::Result<()> {
        let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(2).build()?;
        runtime.block_on(self.follow_all(emit));
        // An exec plugin that hangs is not waited for.
        runtime.shutdown_background();
        Ok(())
    }

    /// Reads everything that is there now, once; `None` when that takes longer than `patience`.
    #[must_use]
    pub fn read_once(self, patience: Duration) -> Option<Objects> {
        let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(2).build();
        let runtime = runtime.ok()?;
        let (mut objects, mut is_read) = (Objects::new(), false);
        let reading = self.follow_all(|events| {
            for event in events {
                is_read |= event.apply_to(&mut objects).is_none();
            }
            if is_read { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let in_time = runtime.block_on(async { timeout(patience, reading).await.is_ok() });
        runtime.shutdown_background();
        (in_time && is_read).then_some(objects)
    }

    async fn follow_all(self, mut emit: impl FnMut(Vec<Event>) -> ControlFlow<()>) {
        let collections = self.wanted.borrow().collections();
        let mut unread = vec![true; collections.len()];
        self.status.change(|state| {
            let named = collections
                .iter()
                .map(|it| CollectionState { name: it.name(), ..CollectionState::default() });
            state.collections = named.collect();
        });
        let shared = Arc::new(Shared::new(self.access, self.status, self.wanted));
        let (out, mut told) = mpsc::channel(TOLD_MAX);
        let mut tasks = JoinSet::new();
        let mut look = Look::new(Arc::clone(&shared));
        tasks.spawn(async move { while look.look_once().await {} });
        for (index, collection) in collections.into_iter().enumerate() {
            tasks.spawn(follow(Arc::clone(&shared), collection, index, out.clone()));
        }
        drop(out);
        let mut stopped = self.stop.subscribe();
        let mut is_synced = false;
        loop {
            let told = tokio::select! {
                told = told.recv() => told,
                _ = stopped.wait_for(|is| *is) => None,
            };
            let Some(Told { index, mut events, is_read }) = told else { return };
            if let Some(unread) = unread.get_mut(index) {
                *unread &= !is_read;
            }
            if !is_synced && !unread.contains(&true) {
                is_synced = true;
                events.push(Event::Synced);
            }
            if !events.is_empty() && emit(events).is_break() {
                return;
            }
        }
    }
}
