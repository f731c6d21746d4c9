//! Which client asks now, and when is it replaced?

use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::time::timeout;

use super::access::{Access, AccessError};
use super::connection::Connection;
use super::run::{now, wall};

/// An exec plugin is ended before this.
const MAKE_MAX: Duration = Duration::from_secs(65);

/// Between two looks at the files that say who we are.
const FILES_PERIOD: Duration = Duration::from_secs(10);

/// Credentials that are refused or expired at once are not asked for more often: an exec plugin is a
/// process.
const MAKE_PERIOD: Duration = Duration::from_secs(1);

/// One client at a time for all who ask.
pub(super) struct Clients {
    access: Access,
    connection: Mutex<Option<(Connection, Instant)>>,
    files_at: Mutex<Option<Instant>>,
}

impl Clients {
    pub(super) fn new(access: Access) -> Self {
        Self { access, connection: Mutex::new(None), files_at: Mutex::new(None) }
    }

    /// The client, made anew where it has to be. `refused` is the number of one that the server did
    /// not accept.
    pub(super) async fn current(&self, refused: Option<u64>) -> Result<Connection, AccessError> {
        let mut held = self.connection.lock().await;
        if let Some((connection, made)) = &*held {
            let is_young = now() < *made + MAKE_PERIOD;
            let is_refused = refused == Some(connection.number);
            if is_young || !is_refused && !self.is_outdated(connection).await {
                return Ok(connection.clone());
            }
        }
        let number = held.as_ref().map_or(0, |(old, _)| old.number + 1);
        let access = self.access.clone();
        // An exec plugin may take its time, and others are heard meanwhile.
        let making = tokio::task::spawn_blocking(move || {
            let loaded = tokio::runtime::Handle::current().block_on(access.load())?;
            Connection::make(loaded, number)
        });
        let made = match timeout(MAKE_MAX, making).await {
            Ok(Ok(made)) => made?,
            Ok(Err(error)) => return Err(AccessError::Broke(error.to_string())),
            Err(_) => {
                let seconds = MAKE_MAX.as_secs();
                return Err(AccessError::Broke(format!("no credentials after {seconds} s")));
            }
        };
        *held = Some((made.clone(), now()));
        Ok(made)
    }

    async fn is_outdated(&self, connection: &Connection) -> bool {
        if connection.has_expired(wall()) {
            return true;
        }
        let mut files_at = self.files_at.lock().await;
        let now = now();
        if files_at.is_some_and(|at| now < at) {
            return false;
        }
        *files_at = Some(now + FILES_PERIOD);
        drop(files_at);
        connection.has_changed()
    }
}
