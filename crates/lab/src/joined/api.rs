//! How is the API server asked, and what can go wrong?

use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::client::legacy::Client as Transport;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt as _};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;
use tokio::time::timeout;
use tower::ServiceBuilder;
use tower::util::BoxService;

/// An answer begins, and one that is no watch ends, in this time.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// A host that answers a connection at all does it in this time.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// How long a connection without a request is kept.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// No list of a lab's cluster is longer; a page is asked for at a time.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// The connection to an API server, shared by all who ask.
#[derive(Clone)]
pub(crate) struct Api {
    client: Client,
}

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
            what: with_causes(error),
        };
        let file = Kubeconfig::read_from(path).map_err(|error| wrong(&error))?;
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(file.clone(), &options).await;
        let config = config.map_err(|error| wrong(&error))?;
        let url = config.cluster_url.clone();
        let is_tls = url.scheme_str() != Some("http");
        let host = url.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let client = client(config).map_err(|error| wrong(&error))?;
        Ok(Self { file, host, port, is_tls, api: Api { client } })
    }
}

impl Api {
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.ask(Method::GET, path, "", None).await
    }

    pub(crate) async fn create(&self, path: &str, object: &Value) -> Result<Value, Failure> {
        self.ask(Method::POST, path, "application/json", Some(object)).await
    }

    pub(crate) async fn patch(
        &self,
        path: &str,
        kind: PatchKind,
        patch: &Value,
    ) -> Result<Value, Failure> {
        let kind = match kind {
            PatchKind::Merge => "application/merge-patch+json",
            PatchKind::Strategic => "application/strategic-merge-patch+json",
        };
        self.ask(Method::PATCH, path, kind, Some(patch)).await
    }

    pub(crate) async fn delete(&self, path: &str, options: &Value) -> Result<Value, Failure> {
        self.ask(Method::DELETE, path, "application/json", Some(options)).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("pogu-lab/", env!("CARGO_PKG_VERSION")));
        if body.is_some() {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request = request.body(Body::from(body)).map_err(|error| unreachable(&error))?;
        let answer = async {
            let response = self.send(request).await?;
            let bytes = all_bytes(response).await?;
            serde_json::from_slice(&bytes).map_err(|error| unreachable(&error))
        };
        timeout(ANSWER_MAX, answer).await.unwrap_or_else(|_| Err(silent(ANSWER_MAX)))
    }

    /// Begins a watch; what comes is the caller's to read.
    pub(crate) async fn watch(&self, path: &str) -> Result<Response<Body>, Failure> {
        let request = Request::get(path)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("pogu-lab/", env!("CARGO_PKG_VERSION")))
            .body(Body::empty())
            .map_err(|error| unreachable(&error))?;
        let begun = timeout(ANSWER_MAX, self.send(request)).await;
        begun.unwrap_or_else(|_| Err(silent(ANSWER_MAX)))
    }

    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Failure> {
        let response = self.client.send(request).await.map_err(|error| unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let code = response.status().as_u16();
        let bytes = all_bytes(response).await.unwrap_or_default();
        let told: Option<Value> = serde_json::from_slice(&bytes).ok();
        let message = told.as_ref().and_then(|told| told.get("message")?.as_str());
        Err(Failure::Refused { code, what: message.unwrap_or("it gave no reason").to_owned() })
    }
}

/// The library's own stack would ask again by itself, and log each failure.
fn client(config: Config) -> Result<Client, kube::Error> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT_MAX));
    let tls = config.rustls_https_connector_with_connector(http)?;
    let transport: Transport<_, Body> =
        Transport::builder(TokioExecutor::new()).pool_idle_timeout(IDLE_MAX).build(tls);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(tower::BoxError::from)
        .service(transport);
    Ok(Client::new(BoxService::new(service), config.default_namespace))
}

async fn all_bytes(mut response: Response<Body>) -> Result<Vec<u8>, Failure> {
    let mut all = Vec::new();
    while let Some(frame) = response.body_mut().frame().await {
        let frame = frame.map_err(|error| unreachable(&error))?;
        if let Ok(bytes) = frame.into_data() {
            if all.len() + bytes.len() > ANSWER_BYTES_MAX {
                return Err(Failure::Unreachable("the answer is too long".to_owned()));
            }
            all.extend_from_slice(&bytes);
        }
    }
    Ok(all)
}

pub(crate) fn unreachable(error: &dyn std::error::Error) -> Failure {
    Failure::Unreachable(with_causes(error))
}

pub(crate) fn silent(time: Duration) -> Failure {
    Failure::Unreachable(format!("nothing came for {} s", time.as_secs()))
}

/// Libraries name the cause in the source of the source.
fn with_causes(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut text = text.strip_prefix("ServiceError: ").unwrap_or(&text).to_owned();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
