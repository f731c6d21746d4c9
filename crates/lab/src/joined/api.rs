//! How is the API server asked, and what can go wrong?

use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper::StatusCode;
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::Value;
use tokio::time::timeout;
use watch::{Caller, Followed, Method, Report, RequestError, Requests};

/// An answer that is no watch ends in this time.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// No list of a lab's cluster is longer; a page is asked for at a time.
const CALLER: Caller = Caller {
    user_agent: concat!("pogu-lab/", env!("CARGO_PKG_VERSION")),
    answer_bytes_max: 64 << 20,
};

/// The connection to an API server, shared by all who ask.
#[derive(Clone)]
pub(crate) struct Api(Requests);

/// How a patch is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PatchKind {
    Merge,
    /// Lists of named things are merged by their names.
    Strategic,
}

/// Why the API server did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("{what} ({code})")]
    Refused { code: u16, what: String },
    #[error("no answer: {0}")]
    Unreachable(String),
}

impl Failure {
    /// Whether asking the same again may succeed.
    pub(crate) const fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused { code, .. } => matches!(*code, 401 | 403 | 429 | 500..),
        }
    }

    /// Whether a right is lacking: that passes when somebody gives it.
    pub(crate) const fn is_forbidden(&self) -> bool {
        self.is(StatusCode::FORBIDDEN)
    }

    pub(crate) const fn is(&self, status: StatusCode) -> bool {
        matches!(self, Self::Refused { code, .. } if *code == status.as_u16())
    }
}

/// Why a kubeconfig cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the kubeconfig {}: {what}", path.display())]
pub struct KubeconfigError {
    pub path: PathBuf,
    pub what: String,
}

/// A kubeconfig whose current context can be used.
pub(crate) struct Access {
    pub(crate) file: Kubeconfig,
    /// Where the API server is, by name or address.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) is_tls: bool,
    pub(crate) api: Api,
}

impl Access {
    /// Reads the files, and asks nobody.
    pub(crate) async fn load(path: &Path) -> Result<Self, KubeconfigError> {
        let wrong = |error: &dyn std::error::Error| KubeconfigError {
            path: path.to_owned(),
            what: watch::with_causes(error),
        };
        let file = Kubeconfig::read_from(path).map_err(|error| wrong(&error))?;
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(file.clone(), &options).await;
        let config = config.map_err(|error| wrong(&error))?;
        let url = config.cluster_url;
        let is_tls = url.scheme_str() != Some("http");
        let host = url.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let access = watch::Access::Kubeconfig { path: path.to_owned(), context: None };
        Ok(Self { file, host, port, is_tls, api: Api(Requests::new(access, CALLER)) })
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Access(error) => unreachable(&error),
            RequestError::Lost { reason, .. } => Self::Unreachable(reason),
            RequestError::Refused { code, message, .. } => {
                let told = Some(message).filter(|message| !message.is_empty());
                Self::Refused { code, what: told.unwrap_or_else(|| "it gave no reason".to_owned()) }
            }
        }
    }
}

impl Api {
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.ask(Method::Get, path, None).await
    }

    pub(crate) async fn create(&self, path: &str, object: &Value) -> Result<Value, Failure> {
        self.ask(Method::Create, path, Some(object)).await
    }

    pub(crate) async fn patch(
        &self,
        path: &str,
        kind: PatchKind,
        patch: &Value,
    ) -> Result<Value, Failure> {
        let method = match kind {
            PatchKind::Merge => Method::Merge,
            PatchKind::Strategic => Method::StrategicMerge,
        };
        self.ask(method, path, Some(patch)).await
    }

    /// Tells people of an object.
    pub(crate) async fn report(&self, report: &Report) -> Result<(), Failure> {
        let now = host::rfc3339::micros(host::clock::wall());
        let told = timeout(ANSWER_MAX, watch::report(&self.0, report, &now)).await;
        Ok(told.unwrap_or_else(|_| Err(silent("events")))?)
    }

    pub(crate) async fn delete(&self, path: &str, options: &Value) -> Result<Value, Failure> {
        self.ask(Method::Delete, path, Some(options)).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let body = body.map(|body| body.to_string().into_bytes());
        let answer = timeout(ANSWER_MAX, self.0.send(method, path, body)).await;
        let bytes = answer.unwrap_or_else(|_| Err(silent(path)))?;
        serde_json::from_slice(&bytes).map_err(|error| unreachable(&error))
    }

    /// Begins a watch that breaks off when nothing comes for `silence`.
    pub(crate) async fn watch(&self, path: &str, silence: Duration) -> Result<Followed, Failure> {
        let begun = timeout(ANSWER_MAX, self.0.follow(path, silence)).await;
        Ok(begun.unwrap_or_else(|_| Err(silent(path)))?)
    }
}

fn silent(path: &str) -> RequestError {
    let reason = format!("nothing came for {} s", ANSWER_MAX.as_secs());
    RequestError::Lost { verb: "get", target: path.to_owned(), reason }
}

pub(crate) fn unreachable(error: &dyn std::error::Error) -> Failure {
    Failure::Unreachable(watch::with_causes(error))
}
