//! How is the API server asked for single things, beside what is followed?

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use hyper::http::request::Builder;
use hyper::{Request, Response};
use kube::client::Body;
use thiserror::Error;

use super::access::{Access, AccessError};
use super::clients::Clients;
use super::connection::{Connection, all_bytes, next_bytes};
use super::failure::Failure;
use super::form::JSON;
use super::lines::{Lines, TooLong};
use super::rule;

/// Within an answer the server always has something to say.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// What RBAC calls an answer that goes on.
const WATCH: &str = "watch";

/// No client has this number.
const NONE: u64 = u64::MAX;

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    /// Creates the object of the body.
    Create,
    /// Puts the body in the place of what has its name and version.
    Replace,
    /// Server-side apply: what the body says is ours.
    Apply,
    /// JSON merge patch (RFC 7386).
    Merge,
    /// A merge patch that merges lists of named things by their names.
    StrategicMerge,
    Delete,
}

impl Method {
    /// As RBAC calls it.
    const fn verb(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Create => "create",
            Self::Replace => "update",
            Self::Apply | Self::Merge | Self::StrategicMerge => "patch",
            Self::Delete => "delete",
        }
    }

    const fn http(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Create => "POST",
            Self::Replace => "PUT",
            Self::Apply | Self::Merge | Self::StrategicMerge => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Apply => "application/apply-patch+yaml",
            Self::Merge => "application/merge-patch+json",
            Self::StrategicMerge => "application/strategic-merge-patch+json",
            Self::Get | Self::Create | Self::Replace | Self::Delete => "application/json",
        }
    }
}

/// Why a request was not answered as it should be.
#[derive(Debug, Error)]
pub enum RequestError {
    /// The credentials cannot be used.
    #[error(transparent)]
    Access(#[from] Arc<AccessError>),
    /// The server answers with an error.
    #[error("cannot {verb} {target}: {code} {reason}: {message}{}", rule::hint(verb, target, *code))]
    Refused { verb: &'static str, target: String, code: u16, reason: String, message: String },
    /// There is no whole answer: it is not known whether the server did it.
    #[error("cannot {verb} {target}: {reason}")]
    Lost { verb: &'static str, target: String, reason: String },
}

impl RequestError {
    /// The status of HTTP, where the server answered.
    #[must_use]
    pub const fn code(&self) -> Option<u16> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::Access(_) | Self::Lost { .. } => None,
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// As the server's log names it: `pogu/0.1.0`.
    pub user_agent: &'static str,
    /// No whole answer that it reads is longer.
    pub answer_bytes_max: usize,
}

/// A way to ask, with the same credentials for all, made anew when they change.
#[derive(Clone)]
pub struct Requests {
    caller: Caller,
    clients: Arc<Clients>,
    /// The client that the server did not accept.
    refused: Arc<AtomicU64>,
}

impl fmt::Debug for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requests").finish_non_exhaustive()
    }
}

impl Requests {
    /// Asks nothing yet. To be used inside a runtime that has timers and sockets.
    #[must_use]
    pub fn new(access: Access, caller: Caller) -> Self {
        Self {
            caller,
            clients: Arc::new(Clients::new(access)),
            refused: Arc::new(AtomicU64::new(NONE)),
        }
    }

    /// Asks, and gives the body of the answer. `target` is the path with its query.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn send(
        &self,
        method: Method,
        target: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Vec<u8>, RequestError> {
        let connection = self.connection().await?;
        let head = self.head(method.http(), target);
        let head = head.header(CONTENT_TYPE, method.content_type());
        let asking = async {
            let body = body.map_or_else(Body::empty, Body::from);
            let mut response = connection.send(head, body).await?;
            all_bytes(&mut response, SILENCE_MAX, self.caller.answer_bytes_max).await
        };
        asking.await.map_err(|failure| self.failed(&connection, method.verb(), target, failure))
    }

    /// Begins to read an answer that goes on, such as a watch. It breaks off when nothing comes for
    /// `silence`.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn follow(&self, target: &str, silence: Duration) -> Result<Followed, RequestError> {
        let connection = self.connection().await?;
        let begun = connection.send(self.head("GET", target), Body::empty()).await;
        match begun {
            Ok(response) => Ok(Followed {
                requests: self.clone(),
                connection,
                target: target.to_owned(),
                silence,
                response,
                lines: Lines::default(),
                whole: VecDeque::new(),
            }),
            Err(failure) => Err(self.failed(&connection, WATCH, target, failure)),
        }
    }

    fn head(&self, method: &str, target: &str) -> Builder {
        let head = Request::builder().method(method).uri(target);
        head.header(USER_AGENT, self.caller.user_agent).header(ACCEPT, JSON)
    }

    async fn connection(&self) -> Result<Connection, Arc<AccessError>> {
        let refused = self.refused.load(Ordering::Relaxed);
        self.clients.current((refused != NONE).then_some(refused)).await
    }

    fn failed(
        &self,
        connection: &Connection,
        verb: &'static str,
        target: &str,
        failure: Failure,
    ) -> RequestError {
        let target = target.split('?').next().unwrap_or_default().to_owned();
        let reason = match failure {
            Failure::Refused { status, .. } => {
                if status.code == 401 {
                    self.refused.store(connection.number, Ordering::Relaxed);
                }
                let (code, reason, message) = (status.code, status.reason, status.message);
                return RequestError::Refused { verb, target, code, reason, message };
            }
            Failure::Unreachable(reason) | Failure::Malformed(reason) => reason,
            Failure::Stalled(time) => format!("nothing came for {} s", time.as_secs()),
            Failure::EndedAtOnce => "the answer ended at once".to_owned(),
            Failure::TooLong => "the answer is longer than any object may be".to_owned(),
        };
        RequestError::Lost { verb, target, reason }
    }
}

/// An answer that goes on.
pub struct Followed {
    requests: Requests,
    connection: Connection,
    target: String,
    silence: Duration,
    response: Response<Body>,
    lines: Lines,
    /// Those that have come and were not taken yet.
    whole: VecDeque<Vec<u8>>,
}

impl fmt::Debug for Followed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Followed").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Followed {
    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// It breaks off, or a line is longer than any object.
    pub async fn next_line(&mut self) -> Result<Option<Vec<u8>>, RequestError> {
        loop {
            if let Some(line) = self.whole.pop_front() {
                return Ok(Some(line));
            }
            let bytes = match next_bytes(&mut self.response, self.silence).await {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return Ok(None),
                Err(failure) => return Err(self.failed(failure)),
            };
            let whole = &mut self.whole;
            let pushed = self.lines.push::<TooLong>(&bytes, |line| {
                whole.push_back(line.to_vec());
                Ok(())
            });
            pushed.map_err(|too_long| self.failed(too_long.into()))?;
        }
    }

    fn failed(&self, failure: Failure) -> RequestError {
        self.requests.failed(&self.connection, WATCH, &self.target, failure)
    }
}
