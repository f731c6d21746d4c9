//! How is a connection of HTTP served?

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::Watcher;
use tokio::net::TcpStream;

use crate::answer::answer;
use crate::grpc_health;
use crate::listen::Server;
use crate::report::{Report, plain};

type Body = BoxBody<Bytes, Infallible>;

/// Serves one connection until its end, or until it was told to finish.
pub(crate) async fn serve(
    stream: TcpStream,
    client: SocketAddr,
    server: Arc<Server>,
    watcher: Watcher,
) {
    let local = stream.local_addr().map_or(client, plain);
    let seen = service_fn({
        let server = Arc::clone(&server);
        move |request| {
            let server = Arc::clone(&server);
            async move { Ok::<_, Infallible>(respond(request, client, local, &server).await) }
        }
    });
    let builder = Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection(TokioIo::new(stream), seen).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        (server.log)(&format!("http {client}: connection failed: {error}"));
    }
}

async fn respond(
    request: Request<Incoming>,
    client: SocketAddr,
    local: SocketAddr,
    server: &Server,
) -> Response<Body> {
    let report = report(&request, client, local, server);
    let seen = report.request.clone().unwrap_or_default();
    let response = if seen.path == grpc_health::PATH {
        grpc_health::response(server.switches.is_ready())
    } else {
        let accepts = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
        let wants_json = seen.query.split('&').any(|pair| pair == "format=json")
            || accepts.is_some_and(|accepts| accepts.contains("application/json"));
        let answer = answer(&report, request.method(), wants_json, &server.switches);
        if !answer.delay.is_zero() {
            tokio::time::sleep(answer.delay).await;
        }
        let mut response = Response::new(Full::new(Bytes::from(answer.body)).boxed());
        *response.status_mut() = answer.status;
        let content_type = HeaderValue::from_static(answer.content_type);
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        response
    };
    let query = if seen.query.is_empty() { "" } else { "?" };
    (server.log)(&format!(
        "http {client} {} {}{query}{} host={} {}",
        seen.method,
        seen.path,
        seen.query,
        seen.host,
        response.status().as_u16()
    ));
    response
}

fn report(
    request: &Request<Incoming>,
    client: SocketAddr,
    local: SocketAddr,
    server: &Server,
) -> Report {
    let uri = request.uri();
    let header = request.headers().get(HOST).and_then(|value| value.to_str().ok());
    let host = header.or_else(|| uri.authority().map(|authority| authority.as_str()));
    let mut seen = crate::report::Request {
        method: request.method().to_string(),
        host: host.unwrap_or_default().to_owned(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        ..crate::report::Request::default()
    };
    for (name, value) in request.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        let joined = seen.headers.entry(name.as_str().to_owned()).or_default();
        if !joined.is_empty() {
            joined.push_str(", ");
        }
        joined.push_str(&value);
    }
    Report {
        identity: server.identity.clone(),
        protocol: format!("{:?}", request.version()),
        client,
        server: local,
        request: Some(seen),
        said: None,
    }
}
