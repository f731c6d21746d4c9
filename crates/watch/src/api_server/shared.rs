//! What do all followers of one server share, and who looks for it?

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::sleep_until;

use super::access::Access;
use super::clients::Clients;
use super::collection::Wanted;
use super::run::now;
use super::state::ApiServerStatus;

/// When nothing was heard of any collection for so long, the server is asked whether it is there.
const QUIET_MAX: Duration = Duration::from_secs(30);

/// What all followers of one server share.
pub(super) struct Shared {
    pub(super) clients: Clients,
    /// False while the server is looked for: then only one asks.
    pub(super) reachable: watch::Sender<bool>,
    /// Counts how often all that was going on was given up, since the server did not answer.
    pub(super) given_up: watch::Sender<u64>,
    /// When something was heard last.
    heard: Mutex<Instant>,
    pub(super) status: ApiServerStatus,
    pub(super) wanted: watch::Sender<Wanted>,
}

impl Shared {
    pub(super) fn new(
        access: Access,
        status: ApiServerStatus,
        wanted: watch::Sender<Wanted>,
    ) -> Self {
        let (reachable, _) = watch::channel(false);
        let (given_up, _) = watch::channel(0);
        let heard = Mutex::new(now());
        Self { clients: Clients::new(access), reachable, given_up, heard, status, wanted }
    }

    pub(super) fn note_heard(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = now();
    }

    /// Nobody follows any more what a server sends that does not answer.
    pub(super) fn give_up(&self) {
        self.reachable.send_replace(false);
        self.given_up.send_modify(|times| *times += 1);
    }

    /// Waits until nothing has been heard for a while. A process that has stopped acknowledges what
    /// the network asks, and only its silence tells it from one that has nothing to say.
    pub(super) async fn wait_until_quiet(&self) {
        loop {
            let until = *self.heard.lock().unwrap_or_else(PoisonError::into_inner) + QUIET_MAX;
            if now() >= until {
                return;
            }
            sleep_until(until.into()).await;
        }
    }

    pub(super) async fn wait_until_reachable(&self) {
        // The sender lives as long as we do.
        drop(self.reachable.subscribe().wait_for(|is| *is).await);
    }

    pub(super) async fn wait_until_lost(&self) {
        drop(self.reachable.subscribe().wait_for(|is| !*is).await);
    }
}
