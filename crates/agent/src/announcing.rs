//! How does this node answer for addresses of Services?
//!
//! One thread does that and nothing else, before others where the kernel permits it: the node is
//! believed gone when it is silent for a fifth of a second. What it must know is made on another
//! thread, from what the core has published: so it follows what the kernel acknowledged.

mod follow;
mod shown;
mod sockets;
#[cfg(test)]
mod tests;
mod thread;
mod view;

use std::sync::{Arc, Mutex, PoisonError};

use ::watch::ApiServerStatus;
use announce::View;
use host::wake::Waker;
use tokio::sync::watch;

use crate::config::Config;
use crate::failure::Failure;
use crate::published::Published;

pub use shown::{AddressShown, AnnouncedState, NodeShown};

/// What the threads of the announcement share.
#[derive(Debug)]
pub(crate) struct Announcing {
    config: Arc<Config>,
    handed: Arc<Handed>,
    state: watch::Sender<Arc<AnnouncedState>>,
}

/// The newest view that the announcing thread has not taken yet, and whether it must end.
#[derive(Debug)]
struct Handed {
    waker: Waker,
    next: Mutex<Next>,
}

#[derive(Debug, Default)]
struct Next {
    view: Option<View>,
    is_ending: bool,
}

impl Handed {
    fn with(&self, change: impl FnOnce(&mut Next)) {
        // A thread that panicked while it held this has left a whole view or none.
        change(&mut self.next.lock().unwrap_or_else(PoisonError::into_inner));
        self.waker.wake();
    }

    fn take(&self) -> (Option<View>, bool) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        (next.view.take(), next.is_ending)
    }
}

impl Announcing {
    /// Absent where Services of type LoadBalancer are left alone.
    pub(crate) fn new(config: &Arc<Config>) -> Result<Option<Self>, Failure> {
        if config.load_balancer.is_none() {
            return Ok(None);
        }
        let waker = Waker::new().map_err(Failure::Start)?;
        let (state, _) = watch::channel(Arc::default());
        let handed = Arc::new(Handed { waker, next: Mutex::default() });
        Ok(Some(Self { config: Arc::clone(config), handed, state }))
    }

    /// What is shown of it.
    pub(crate) fn state(&self) -> watch::Receiver<Arc<AnnouncedState>> {
        self.state.subscribe()
    }

    /// What ends it.
    pub(crate) fn stopper(&self) -> AnnouncingStopper {
        AnnouncingStopper(Arc::clone(&self.handed))
    }

    /// Hands over views until the core publishes nothing more.
    pub(crate) fn follow(
        config: Arc<Config>,
        stopper: AnnouncingStopper,
        published: watch::Receiver<Arc<Published>>,
        api_server: Option<ApiServerStatus>,
    ) -> impl Future<Output = ()> {
        follow::follow(config, stopper.0, published, api_server)
    }

    /// Answers until it is stopped and others have what this node had.
    pub(crate) fn run(self) {
        thread::run(&self.config, &self.handed, &self.state);
    }
}

/// Ends the announcement: it hands over first.
#[derive(Debug, Clone)]
pub(crate) struct AnnouncingStopper(Arc<Handed>);

impl AnnouncingStopper {
    pub(crate) fn stop(&self) {
        self.0.with(|next| next.is_ending = true);
    }
}
