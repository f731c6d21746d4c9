//! How is a request sent to the API server, and how does its answer come?

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, SystemTime};

use http_body_util::BodyExt as _;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, HeaderMap, RETRY_AFTER, USER_AGENT};
use hyper::http::request::Builder;
use hyper::rt::{Read, Write};
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy::Client as Transport;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connection as Connected, HttpConnector};
use hyper_util::rt::TokioExecutor;
use ingest::api::Status;
use kube::client::{Body, ConfigExt as _};
use kube::{Client, Config};
use tokio::time::timeout;
use tower::ServiceBuilder;
use tower::util::BoxService;

use super::access::{AccessError, Files, Loaded, Proxy};
use super::causes::{with_causes, with_hint};
use super::credentials;
use super::decode;
use super::failure::Failure;
use super::form::Form;
use super::run::wall;

/// A host that answers a connection at all does it in this time.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// The kernel asks a silent peer after this, and gives it up after as long again.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_RETRIES: u32 = 3;
/// What we sent must be acknowledged in this time.
const ACKNOWLEDGE_MAX: Duration = Duration::from_secs(20);

/// The answer to a request begins in this time: a server gives up a list after 60 s itself.
const ANSWER_MAX: Duration = Duration::from_secs(65);

/// What an exec plugin gave is replaced before its end, by no more than this: a request takes its
/// time, and the server's clock may be ahead.
const RENEW_BEFORE_MAX: Duration = Duration::from_secs(60);

/// How long a connection without a request is kept.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// Of an error's text no more is read.
const ERROR_BYTES_MAX: usize = 64 << 10;

/// Of an error's text that is no Status of the API no more is shown.
const ERROR_CHARS_MAX: usize = 200;

/// Who we say that we are.
const OUR_AGENT: &str = concat!("pogu/", env!("CARGO_PKG_VERSION"));

/// A client, and until when it is good.
#[derive(Clone)]
pub(super) struct Connection {
    client: Client,
    files: Files,
    /// Which of the clients in a row.
    pub(super) number: u64,
    /// The server as the configuration names it, and who leads to it.
    pub(super) server: String,
    /// Stands for the server's address and for who signs for it: another one is another cluster.
    pub(super) cluster: u64,
    /// Nothing says who we are.
    is_anonymous: bool,
    renew_at: Option<SystemTime>,
}

impl Connection {
    /// Runs the exec plugin of the configuration, if it has one, and waits for it.
    ///
    /// # Errors
    /// Certificates, token or plugin cannot be used.
    pub(super) fn make(loaded: Loaded, number: u64) -> Result<Self, AccessError> {
        let Loaded { mut config, proxy, files } = loaded;
        let expires = credentials::obtain(&mut config.auth_info)?;
        let renew_at = expires.map(|expires| renew_at(expires, wall()));
        let mut server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        if let Some(proxy) = &proxy {
            server.extend([" by the proxy ", &proxy.uri.to_string()]);
        }
        let mut cluster = DefaultHasher::new();
        (&server, &config.root_cert).hash(&mut cluster);
        let cluster = cluster.finish();
        let is_anonymous = credentials::are_absent(&config.auth_info);
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT_MAX));
        http.set_keepalive(Some(KEEPALIVE));
        http.set_keepalive_interval(Some(KEEPALIVE_INTERVAL));
        http.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
        http.set_tcp_user_timeout(Some(ACKNOWLEDGE_MAX));
        let client = match proxy {
            None => client(http, config),
            Some(proxy) => by_proxy(proxy, http, config),
        }?;
        Ok(Self { client, files, number, server, cluster, is_anonymous, renew_at })
    }

    /// Whether what an exec plugin gave is good no more, or not for long.
    pub(super) fn must_be_renewed(&self, now: SystemTime) -> bool {
        self.renew_at.is_some_and(|at| at <= now)
    }

    /// Whether a file that this was made of is another now.
    pub(super) fn has_changed(&self) -> bool {
        self.files.have_changed()
    }

    /// Gives an answer whose status is good, with nothing of its body read.
    ///
    /// # Errors
    /// There is no answer, or it is an error.
    pub(super) async fn get(&self, target: &str, accept: &str) -> Result<Response<Body>, Failure> {
        let head = Request::get(target).header(USER_AGENT, OUR_AGENT).header(ACCEPT, accept);
        self.send(head, Body::empty()).await
    }

    /// The same for any request; the head says who asks, and in which form.
    ///
    /// # Errors
    /// As of `get`; then it is not known whether the server did what it was asked.
    pub(super) async fn send(&self, head: Builder, body: Body) -> Result<Response<Body>, Failure> {
        let request = head.body(body).map_err(|error| Failure::Malformed(error.to_string()))?;
        let response = match timeout(ANSWER_MAX, self.client.send(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(Failure::Unreachable(with_hint(&error))),
            Err(_) => return Err(Failure::Stalled(ANSWER_MAX)),
        };
        if response.status().is_success() {
            return Ok(response);
        }
        Err(refusal(response, self.is_anonymous).await)
    }
}

/// A tenth of its life before its end: what is good for some seconds only is used for most of them.
fn renew_at(expires: SystemTime, now: SystemTime) -> SystemTime {
    let life = expires.duration_since(now).unwrap_or_default();
    expires - (life / 10).min(RENEW_BEFORE_MAX)
}

/// The next bytes of an answer; `None` at its end.
///
/// # Errors
/// It breaks off, or nothing comes for `silence`.
pub(super) async fn next_bytes(
    response: &mut Response<Body>,
    silence: Duration,
) -> Result<Option<Bytes>, Failure> {
    loop {
        let frame = match timeout(silence, response.body_mut().frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => return Err(Failure::Unreachable(with_causes(&error))),
            Ok(None) => return Ok(None),
            Err(_) => return Err(Failure::Stalled(silence)),
        };
        if let Ok(bytes) = frame.into_data() {
            return Ok(Some(bytes));
        }
    }
}

/// A whole answer of at most so many bytes.
///
/// # Errors
/// As `next_bytes`, or it is longer.
pub(super) async fn all_bytes(
    response: &mut Response<Body>,
    silence: Duration,
    bytes_max: usize,
) -> Result<Vec<u8>, Failure> {
    let mut all = Vec::new();
    while let Some(bytes) = next_bytes(response, silence).await? {
        if all.len() + bytes.len() > bytes_max {
            return Err(Failure::TooLong);
        }
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}

async fn refusal(mut response: Response<Body>, is_anonymous: bool) -> Failure {
    let code = response.status().as_u16();
    let retry_after = retry_after(response.headers());
    let form = Form::of(response.headers());
    let body = first_bytes(&mut response).await;
    let mut status = match decode::status(form, &body) {
        Ok(status) if status.code != 0 => status,
        Ok(_) | Err(_) => Status {
            code,
            reason: response.status().canonical_reason().unwrap_or_default().to_owned(),
            message: String::from_utf8_lossy(&body).trim().chars().take(ERROR_CHARS_MAX).collect(),
        },
    };
    if is_anonymous && code == 403 {
        status.message.push_str("; there is no token and no certificate for this user");
    }
    Failure::Refused { status, retry_after }
}

/// Of an error's text, what comes: who refuses may hang up in the middle.
async fn first_bytes(response: &mut Response<Body>) -> Vec<u8> {
    let mut first = Vec::new();
    while let Ok(Some(bytes)) = next_bytes(response, CONNECT_MAX).await {
        first.extend_from_slice(&bytes);
        if first.len() >= ERROR_BYTES_MAX {
            break;
        }
    }
    first
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn by_proxy(proxy: Proxy, http: HttpConnector, config: Config) -> Result<Client, AccessError> {
    if proxy.uri.scheme_str() != Some("https") {
        return client(tunnel(proxy, http), config);
    }
    let https = config.rustls_https_connector_with_connector(http).map_err(AccessError::Client)?;
    client(tunnel(proxy, https), config)
}

fn tunnel<C>(proxy: Proxy, connector: C) -> Tunnel<C> {
    let tunnel = Tunnel::new(proxy.uri, connector);
    match proxy.authorization {
        Some(authorization) => tunnel.with_auth(authorization),
        None => tunnel,
    }
}

/// The client library's own stack would repeat requests, log each failure and set no keep-alive.
fn client<C>(connector: C, config: Config) -> Result<Client, AccessError>
where
    C: tower::Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: Connected + Read + Write + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: Into<tower::BoxError>,
{
    let wrong = AccessError::Client;
    let tls = config.rustls_https_connector_with_connector(connector).map_err(wrong)?;
    let transport: Transport<_, Body> =
        Transport::builder(TokioExecutor::new()).pool_idle_timeout(IDLE_MAX).build(tls);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer().map_err(wrong)?)
        .layer(config.extra_headers_layer().map_err(wrong)?)
        .map_err(tower::BoxError::from)
        .service(transport);
    Ok(Client::new(BoxService::new(service), config.default_namespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_renewed_before_their_end() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let renewed = |life: u64| renew_at(at(100_000 + life), at(100_000));
        assert_eq!(renewed(10), at(100_009));
        assert_eq!(renewed(600), at(100_540));
        assert_eq!(renewed(3_600), at(103_540));
        // It has ended already.
        assert_eq!(renew_at(at(7), at(100_000)), at(7));
    }
}
