//! What is a request answered with?

use std::io;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::poll_fn;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::log::{Log, LogOptions, follow};
use crate::request::{Access, Asked, ContainerName, PodName, RequestError, Wanted, asked};
use crate::runtime::{Refusal, Runtime};
use crate::server::Next;
use crate::upgrade::{Purpose, UpgradeError, upgrade};
use crate::user::User;

type Body = BoxBody<Bytes, io::Error>;

/// Pieces of a log that wait for a client to read.
const LOG_CHUNKS_MAX: usize = 4;

/// Why a connection becomes another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Goal {
    Exec { container: ContainerName, command: Vec<String>, wanted: Wanted },
    Attach { container: ContainerName, wanted: Wanted },
    PortForward(PodName),
}

impl Goal {
    pub(crate) const fn wanted(&self) -> Wanted {
        match self {
            Self::Exec { wanted, .. } | Self::Attach { wanted, .. } => *wanted,
            Self::PortForward(_) => {
                Wanted { stdin: false, stdout: false, stderr: false, terminal: false }
            }
        }
    }

    const fn purpose(&self) -> Purpose {
        match self {
            Self::Exec { .. } | Self::Attach { .. } => Purpose::Command,
            Self::PortForward(_) => Purpose::PortForward,
        }
    }
}

/// Answers the requests of one connection.
#[derive(Debug)]
pub(crate) struct Answers<R> {
    pub(crate) runtime: Arc<R>,
    /// Whom the client's certificate names.
    pub(crate) user: Option<User>,
    pub(crate) next: Next,
}

impl<R: Runtime> Answers<R> {
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let answered = match self.refused(&request).await {
            Some(refusal) => Err(refusal),
            None => self.allowed(request).await,
        };
        answered.unwrap_or_else(|(status, words)| text(status, words))
    }

    /// Why the client gets nothing, if so.
    async fn refused(&self, request: &Request<Incoming>) -> Option<(StatusCode, String)> {
        let Some(user) = &self.user else {
            let words = "unauthorized: no certificate with a name\nhint: tokens are not taken here";
            return Some((StatusCode::UNAUTHORIZED, words.to_owned()));
        };
        let Some(access) = Access::of(request.method().as_str(), request.uri().path()) else {
            return Some((StatusCode::METHOD_NOT_ALLOWED, "only GET and POST".to_owned()));
        };
        match self.runtime.allows(user, access).await {
            Ok(true) => None,
            Ok(false) => {
                let (verb, all) = (access.verb, access.subresources.join(" or nodes/"));
                let words = format!("forbidden: user {} may not {verb} nodes/{all}", user.name);
                Some((StatusCode::FORBIDDEN, words))
            }
            Err(refusal) => Some(of_refusal(&refusal)),
        }
    }

    async fn allowed(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, (StatusCode, String)> {
        let uri = request.uri();
        let asked = asked(uri.path(), uri.query().unwrap_or_default());
        let asked = asked.map_err(|error| (of_error(&error), error.to_string()))?;
        let goal = match asked {
            Asked::Exec { container, command, wanted } => Goal::Exec { container, command, wanted },
            Asked::Attach { container, wanted } => Goal::Attach { container, wanted },
            Asked::PortForward(pod) => Goal::PortForward(pod),
            Asked::Healthz | Asked::Pods | Asked::Logs { .. }
                if request.method() != Method::GET =>
            {
                let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "only GET".to_owned());
                answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
                return Ok(answer);
            }
            Asked::Healthz => return Ok(text(StatusCode::OK, "ok".to_owned())),
            Asked::Pods => {
                let pods = self.runtime.pods().await.map_err(|refusal| of_refusal(&refusal))?;
                return Ok(typed("application/json", Full::from(pods).map_err(never).boxed()));
            }
            Asked::Logs { container, options } => {
                let log = self.runtime.log(&container, options.previous).await;
                let log = log.map_err(|refusal| of_refusal(&refusal))?;
                return Ok(typed("text/plain", log_body(log, options)));
            }
        };
        self.go_on(goal, request)
    }

    fn go_on(
        &self,
        goal: Goal,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, (StatusCode, String)> {
        let mut answer = text(StatusCode::SWITCHING_PROTOCOLS, String::new());
        answer.headers_mut().clear();
        match upgrade(goal.purpose(), request.headers(), answer.headers_mut()) {
            Ok(upgraded) => {
                let upgrade = hyper::upgrade::on(request);
                let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
                *next = Some((upgrade, upgraded, goal));
            }
            Err(error) => {
                *answer.status_mut() = match error {
                    UpgradeError::NotAsked | UpgradeError::WebSocket => StatusCode::BAD_REQUEST,
                    UpgradeError::Version { .. } => StatusCode::FORBIDDEN,
                };
                *answer.body_mut() = Full::from(error.to_string()).map_err(never).boxed();
            }
        }
        Ok(answer)
    }
}

/// Reads the log for as long as the client does.
fn log_body(log: Log, options: LogOptions) -> Body {
    let (to, mut from) = mpsc::channel(LOG_CHUNKS_MAX);
    // It ends when the body is dropped: nobody receives any longer.
    tokio::spawn(follow(log, options.start(), options, Timestamp::now(), to));
    let chunks = poll_fn(move |context| from.poll_recv(context));
    BodyExt::boxed(StreamBody::new(chunks.map(|chunk| chunk.map(Frame::data))))
}

fn never(never: std::convert::Infallible) -> io::Error {
    match never {}
}

fn typed(kind: &'static str, body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

fn text(status: StatusCode, words: String) -> Response<Body> {
    let mut answer = typed("text/plain; charset=utf-8", Full::from(words).map_err(never).boxed());
    *answer.status_mut() = status;
    answer
}

const fn of_error(error: &RequestError) -> StatusCode {
    match error {
        RequestError::NoPath(_) => StatusCode::NOT_FOUND,
        RequestError::Parameter { .. }
        | RequestError::TooMany { .. }
        | RequestError::NoCommand
        | RequestError::NoStreams => StatusCode::BAD_REQUEST,
    }
}

fn of_refusal(refusal: &Refusal) -> (StatusCode, String) {
    let status = match refusal {
        Refusal::NotFound(_) => StatusCode::NOT_FOUND,
        Refusal::BadRequest(_) => StatusCode::BAD_REQUEST,
        Refusal::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, refusal.to_string())
}
