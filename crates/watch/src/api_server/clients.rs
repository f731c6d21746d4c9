//! Which client asks now, and when is it replaced?

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout_at;

use super::access::{Access, AccessError};
use super::connection::Connection;
use super::run::{now, wall};

#[cfg(test)]
mod tests;

/// An exec plugin is ended before this.
const MAKE_MAX: Duration = Duration::from_secs(65);

/// Between two looks at the files that say who we are.
const FILES_PERIOD: Duration = Duration::from_secs(10);

/// Credentials that are refused, expire at once or cannot be had are not asked for more often: an
/// exec plugin is a process.
const MAKE_PERIOD: Duration = Duration::from_secs(1);

/// One client at a time for all who ask.
pub(super) struct Clients {
    access: Access,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// The last one that could be made, and when that was.
    connection: Option<(Connection, Instant)>,
    /// Why none could be made, and when that was last.
    failure: Option<(Arc<AccessError>, Instant)>,
    making: Option<Making>,
    files_at: Option<Instant>,
}

/// A client that is being made. Whoever waits for it may go, and the next one waits on.
struct Making {
    task: JoinHandle<Made>,
    until: Instant,
}

/// What came of it, and when.
type Made = (Result<Connection, AccessError>, Instant);

impl Clients {
    pub(super) fn new(access: Access) -> Self {
        Self { access, held: Mutex::new(Held::default()) }
    }

    /// The client, made anew where it has to be. `refused` is the number of one that the server did
    /// not accept.
    ///
    /// # Errors
    /// None can be made, or none could a moment ago.
    pub(super) async fn current(
        &self,
        refused: Option<u64>,
    ) -> Result<Connection, Arc<AccessError>> {
        let mut held = self.held.lock().await;
        loop {
            held.wait_for_made().await?;
            if let Some(known) = held.known(refused) {
                return known;
            }
            held.begin_to_make(self.access.clone());
        }
    }
}

impl Held {
    /// What whoever asks now gets at once; `None`: a client is to be made.
    fn known(&mut self, refused: Option<u64>) -> Option<Result<Connection, Arc<AccessError>>> {
        if let Some((connection, made)) = &self.connection {
            let is_young = now() < *made + MAKE_PERIOD;
            let mut is_bad = || {
                refused == Some(connection.number)
                    || connection.must_be_renewed(wall())
                    || is_due(&mut self.files_at) && connection.has_changed()
            };
            if is_young || !is_bad() {
                return Some(Ok(connection.clone()));
            }
        }
        let (error, failed) = self.failure.as_ref()?;
        (now() < *failed + MAKE_PERIOD).then(|| Err(Arc::clone(error)))
    }

    /// An exec plugin may take its time, and others are heard meanwhile.
    fn begin_to_make(&mut self, access: Access) {
        let number = self.connection.as_ref().map_or(0, |(old, _)| old.number + 1);
        let task = spawn_blocking(move || {
            let loaded = Handle::current().block_on(access.load());
            (loaded.and_then(|loaded| Connection::make(loaded, number)), now())
        });
        self.making = Some(Making { task, until: now() + MAKE_MAX });
    }

    /// # Errors
    /// It takes too long. Another one is begun when it has ended.
    async fn wait_for_made(&mut self) -> Result<(), AccessError> {
        let Some(Making { task, until }) = &mut self.making else { return Ok(()) };
        let Ok(ended) = timeout_at((*until).into(), task).await else {
            let seconds = MAKE_MAX.as_secs();
            return Err(AccessError::Broke(format!("no credentials after {seconds} s")));
        };
        self.making = None;
        let (made, at) =
            ended.unwrap_or_else(|error| (Err(AccessError::Broke(error.to_string())), now()));
        match made {
            Ok(connection) => self.connection = Some((connection, at)),
            Err(error) => self.failure = Some((Arc::new(error), at)),
        }
        Ok(())
    }
}

/// Whether it is time to look at the files.
fn is_due(files_at: &mut Option<Instant>) -> bool {
    let now = now();
    if files_at.is_some_and(|at| now < at) {
        return false;
    }
    *files_at = Some(now + FILES_PERIOD);
    true
}
