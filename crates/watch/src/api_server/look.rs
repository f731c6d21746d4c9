//! Is the server there, and one that we know? Asked by one, while all others wait.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::access::AccessError;
use super::connection::all_bytes;
use super::failure::Failure;
use super::form::JSON;
use super::pause::{LONGEST_UNREACHABLE, pause, random};
use super::run::wall;
use super::shared::Shared;
use super::state::ApiServerStatus;
use super::version::{Verdict, Version};

/// What `/version` may answer, and in which time.
const VERSION_BYTES_MAX: usize = 64 << 10;
const VERSION_MAX: Duration = Duration::from_secs(5);

/// How often a server is asked again that is not supported.
const UNSUPPORTED: Duration = Duration::from_secs(30);

/// Looks for the server whenever it is lost, until the program ends.
pub(super) struct Look {
    shared: Arc<Shared>,
    /// Tries in vain since it was lost.
    failures: u32,
    /// The client that the server did not accept.
    refused: Option<u64>,
}

/// Why the server did not tell its version.
struct Unanswered {
    /// In words.
    reason: String,
    /// It is there, and does not tell us.
    has_refused: bool,
}

impl Look {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared, failures: 0, refused: None }
    }

    /// Waits until the server is lost or quiet, and then asks once. Nobody ever ends looking.
    pub(super) async fn look_once(&mut self) -> bool {
        let was_followed = tokio::select! {
            biased;
            () = self.shared.wait_until_lost() => false,
            () = self.shared.wait_until_quiet() => true,
        };
        let (trouble, wait) = match self.ask_version().await {
            Ok(version) => {
                self.failures = 0;
                (judge(&self.shared.status, version), UNSUPPORTED)
            }
            Err(Unanswered { has_refused: true, .. }) if was_followed => {
                // It is there, and what is followed goes on.
                self.shared.note_heard();
                return true;
            }
            Err(Unanswered { reason, .. }) => {
                self.failures = self.failures.saturating_add(1);
                (Some(reason), pause(self.failures, LONGEST_UNREACHABLE, None, random()))
            }
        };
        self.shared.note_heard();
        if trouble.is_some() && was_followed {
            self.shared.give_up();
        }
        let is_news = self.shared.status.set_away(trouble.clone(), wall());
        match trouble {
            None => {
                tracing::debug!("the API server answers");
                self.shared.reachable.send_replace(true);
            }
            Some(reason) => {
                if is_news {
                    tracing::warn!("going on with what is known of the cluster: {reason}");
                }
                sleep(wait).await;
            }
        }
        true
    }

    /// # Errors
    /// Why there is no answer.
    async fn ask_version(&mut self) -> Result<Version, Unanswered> {
        let unanswered = |reason| Unanswered { reason, has_refused: false };
        let with_hint =
            |error: Arc<AccessError>| unanswered(format!("{error}\nhint: {}", error.hint()));
        let connection =
            self.shared.clients.current(self.refused.take()).await.map_err(with_hint)?;
        let asking = async {
            let mut response = connection.get("/version", JSON).await?;
            all_bytes(&mut response, VERSION_MAX, VERSION_BYTES_MAX).await
        };
        let answer =
            timeout(VERSION_MAX, asking).await.unwrap_or(Err(Failure::Stalled(VERSION_MAX)));
        match answer {
            Ok(body) => serde_json::from_slice(&body).map_err(|error| {
                unanswered(format!(
                    "what answers at {} is no API server: {error}",
                    connection.server
                ))
            }),
            Err(failure) => {
                if failure.code() == Some(401) {
                    self.refused = Some(connection.number);
                }
                let reason = failure.describe_of_server(&connection.server);
                Err(Unanswered { reason, has_refused: failure.code().is_some() })
            }
        }
    }
}

/// Gives why a server of this version is not used.
fn judge(status: &ApiServerStatus, version: Version) -> Option<String> {
    let verdict = version.verdict();
    status.change(|state| state.version = Some(version.git_version));
    match verdict {
        Verdict::Supported => None,
        Verdict::Newer(warning) => {
            warn_of(status, warning);
            None
        }
        Verdict::Older(reason) | Verdict::Unknown(reason) => Some(reason),
    }
}

fn warn_of(status: &ApiServerStatus, warning: String) {
    let mut is_news = false;
    status.change(|state| {
        is_news = state.unknown_version.as_ref() != Some(&warning);
        state.unknown_version = Some(warning.clone());
    });
    if is_news {
        tracing::warn!("{warning}");
    }
}
