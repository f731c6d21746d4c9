//! Is the server there, and one that we know? Asked by one, while all others wait.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::access::AccessError;
use super::connection::all_bytes;
use super::failure::Failure;
use super::pause::{LONGEST_UNREACHABLE, pause};
use super::run::{Shared, random, wall};
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

impl Look {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared, failures: 0, refused: None }
    }

    /// Waits until the server is lost, and then asks once. Nobody ever ends looking.
    pub(super) async fn look_once(&mut self) -> bool {
        self.shared.wait_until_lost().await;
        let (trouble, wait) = match self.ask_version().await {
            Ok(version) => {
                self.failures = 0;
                (judge(&self.shared.status, version), UNSUPPORTED)
            }
            Err(reason) => {
                self.failures = self.failures.saturating_add(1);
                (Some(reason), pause(self.failures, LONGEST_UNREACHABLE, None, random()))
            }
        };
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
    /// Why there is no answer, in words.
    async fn ask_version(&mut self) -> Result<Version, String> {
        let with_hint = |error: AccessError| format!("{error}\nhint: {}", error.hint());
        let connection =
            self.shared.clients.current(self.refused.take()).await.map_err(with_hint)?;
        let asking = async {
            let mut response = connection.get("/version").await?;
            all_bytes(&mut response, VERSION_MAX, VERSION_BYTES_MAX).await
        };
        let answer =
            timeout(VERSION_MAX, asking).await.unwrap_or(Err(Failure::Stalled(VERSION_MAX)));
        match answer {
            Ok(body) => serde_json::from_slice(&body)
                .map_err(|error| {
                format!("what answers at {} is no API server: {error}", connection.server)
            }),
            Err(failure) => {
                if failure.code() == Some(401) {
                    self.refused = Some(connection.number);
                }
                Err(failure.describe_of_server(&connection.server))
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
