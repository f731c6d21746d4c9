//! What does a client see over loopback?

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{Method, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::{Failure, Identity, InvalidOption, Listening, Options, Report, report};

fn identity() -> Identity {
    let text = str::to_owned;
    Identity {
        pod: text("web-0"),
        namespace: text("shop"),
        node: text("node-1"),
        pod_ip: text("10.1.0.5"),
    }
}

/// A server on free ports of 127.0.0.1, with the way to end it.
struct Running {
    ports: [u16; 3],
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

async fn start() -> Running {
    start_on(Ipv4Addr::LOCALHOST.into()).await
}

async fn start_on(address: IpAddr) -> Running {
    let mut options = Options::new(identity());
    options.address = address;
    (options.http, options.tcp, options.udp) = (vec![0], vec![0], vec![0]);
    options.log = |_| {};
    let listening = Listening::open(options).await.expect("free ports");
    let ports = listening.ports().expect("open sockets").map(|ports| ports[0]);
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(listening.serve(async move {
        stopped.await.expect("the test ends its server");
    }));
    Running { ports, stop, task }
}

async fn connect(port: u16) -> TcpStream {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.expect("the server accepts")
}

/// One request of HTTP/1.1 on a connection of its own: the status and the body.
async fn ask(port: u16, method: Method, path: &str) -> (u16, String) {
    let stream = TokioIo::new(connect(port).await);
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(stream).await.expect("a connection");
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "www.naver.com")
        .body(Full::<Bytes>::default())
        .expect("the test's request");
    let response = sender.send_request(request).await.expect("an answer");
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

#[tokio::test]
async fn tells_who_answered_over_http1() {
    let server = start().await;
    let (status, body) = ask(server.ports[0], Method::GET, "/shop?format=json&status=418").await;
    let found: Report = serde_json::from_str(&body).expect("a report");
    let request = report::Request {
        method: "GET".to_owned(),
        host: "www.naver.com".to_owned(),
        path: "/shop".to_owned(),
        query: "format=json&status=418".to_owned(),
        headers: BTreeMap::from([("host".to_owned(), "www.naver.com".to_owned())]),
    };
    let expected = Report {
        identity: identity(),
        protocol: "HTTP/1.1".to_owned(),
        client: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), found.client.port()),
        server: local(server.ports[0]),
        request: Some(request),
        said: None,
    };
    assert_eq!((status, found), (418, expected));
}

#[tokio::test]
async fn speaks_h2c_and_grpc_health_on_the_same_port() {
    let server = start().await;
    let stream = TokioIo::new(connect(server.ports[0]).await);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream)
            .await
            .expect("a connection");
    tokio::spawn(connection);
    let mut send = async |path: &str| {
        let request = Request::builder()
            .uri(format!("http://web.shop{path}"))
            .body(Full::<Bytes>::default())
            .expect("the test's request");
        let response = sender.send_request(request).await.expect("an answer");
        let collected = response.into_body().collect().await.expect("a body");
        let trailer = collected.trailers().and_then(|trailers| trailers.get("grpc-status"));
        let trailer = trailer.and_then(|value| value.to_str().ok()).map(str::to_owned);
        (collected.to_bytes(), trailer)
    };
    let (body, trailer) = send("/?format=json").await;
    let found: Report = serde_json::from_slice(&body).expect("a report");
    let host = found.request.map(|request| request.host);
    assert_eq!((found.protocol.as_str(), host.as_deref()), ("HTTP/2.0", Some("web.shop")));
    assert_eq!(trailer, None);
    let serving = Bytes::from_static(&[0, 0, 0, 0, 2, 8, 1]);
    assert_eq!(send("/grpc.health.v1.Health/Check").await, (serving, Some("0".to_owned())));
}

#[tokio::test]
async fn switches_readiness_and_status() {
    let server = start().await;
    let steps = [
        (Method::GET, "/ready", 200, "ready\n"),
        (Method::POST, "/unready", 200, "switched\n"),
        (Method::GET, "/ready", 503, "unready\n"),
        (Method::GET, "/healthz", 200, "healthz\n"),
        (Method::POST, "/status/500", 200, "switched\n"),
        (Method::GET, "/healthz", 500, "healthz\n"),
        (Method::POST, "/status/200", 200, "switched\n"),
        (Method::POST, "/ready", 200, "switched\n"),
        (Method::GET, "/ready", 200, "ready\n"),
        (Method::GET, "/?status=99", 400, "status: expected 200 to 599\n"),
        (Method::GET, "/?delay=1", 400, "delay: expected a time such as 200ms or 2s\n"),
        (Method::GET, "/status/204", 204, ""),
    ];
    for (method, path, status, body) in steps {
        let found = ask(server.ports[0], method.clone(), path).await;
        assert_eq!(found, (status, body.to_owned()), "{method} {path}");
    }
}

#[tokio::test]
async fn echoes_tcp_and_udp() {
    let server = start().await;
    let mut stream = connect(server.ports[1]).await;
    let client = stream.local_addr().expect("an address");
    stream.write_all(b"hello").await.expect("an open connection");
    stream.shutdown().await.expect("an open connection");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("an answer");
    let (line, rest) = text.split_once('\n').expect("a line first");
    let expected = |protocol: &str, client, port, said| Report {
        identity: identity(),
        protocol: protocol.to_owned(),
        client,
        server: local(port),
        request: None,
        said,
    };
    let found: Report = serde_json::from_str(line).expect("a report");
    assert_eq!((found, rest), (expected("TCP", client, server.ports[1], None), "hello"));

    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    socket.send_to(b"hi", local(server.ports[2])).await.expect("a datagram goes out");
    let mut buffer = [0; 2048];
    let (length, from) = socket.recv_from(&mut buffer).await.expect("an answer");
    let found: Report = serde_json::from_slice(&buffer[..length]).expect("a report");
    let client = socket.local_addr().expect("an address");
    let said = Some("hi".to_owned());
    let expected = expected("UDP", client, server.ports[2], said);
    assert_eq!((from, found), (local(server.ports[2]), expected));
}

#[tokio::test]
async fn serves_both_families_on_one_port() {
    let server = start_on(Ipv6Addr::UNSPECIFIED.into()).await;
    for own in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        let stream = TcpStream::connect((own, server.ports[1])).await.expect("the server accepts");
        let mut line = String::new();
        let mut reader = BufReader::new(stream);
        reader.read_line(&mut line).await.expect("a line");
        let found: Report = serde_json::from_str(&line).expect("a report");
        assert_eq!((found.client.ip(), found.server), (own, (own, server.ports[1]).into()));
    }
}

#[tokio::test]
async fn finishes_what_was_begun_and_takes_nothing_more() {
    let server = start().await;
    let port = server.ports[0];
    let mut stream = connect(port).await;
    let request = b"GET /?delay=200ms HTTP/1.1\r\nhost: a\r\n\r\n";
    stream.write_all(request).await.expect("an open connection");
    // An answer on a later connection shows that the server has taken the first one.
    assert_eq!(ask(port, Method::GET, "/ready").await.0, 200);
    server.stop.send(()).expect("the server runs");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("the answer, then the end");
    assert_eq!(text.lines().next(), Some("HTTP/1.1 200 OK"));
    server.task.await.expect("the server ends");
    let refused = TcpStream::connect(local(port)).await.map_err(|error| error.kind());
    assert_eq!(refused.err(), Some(std::io::ErrorKind::ConnectionRefused));
}

#[tokio::test]
async fn says_which_port_is_taken() {
    let server = start().await;
    let mut options = Options::new(identity());
    options.address = Ipv4Addr::LOCALHOST.into();
    options.http = vec![server.ports[0]];
    let told = match Listening::open(options).await {
        Ok(_) => String::new(),
        Err(failure @ (Failure::Listen { .. } | Failure::Start(_))) => failure.to_string(),
    };
    let address = local(server.ports[0]);
    let expected = format!("cannot listen on TCP {address}: Address already in use (os error 98)");
    assert_eq!(told, expected);
}

#[test]
fn reads_the_command_line() {
    let parse = |line: &str| {
        let arguments = line.split_whitespace().map(str::to_owned);
        Options::parse(arguments, |name| (name == "POD_NAME").then(|| "web-0".to_owned()))
    };
    let options = parse("--http 80 --http=81 --tcp 9 --unready --linger 2s").expect("a right line");
    assert_eq!((options.http, options.tcp, options.udp), (vec![80, 81], vec![9], vec![]));
    assert_eq!((options.ready, options.linger.as_secs()), (false, 2));
    assert_eq!(options.identity.pod, "web-0");
    assert_eq!(parse("").expect("a right line").http, [8080]);
    let value = |option: &str, expected, found: &str| InvalidOption::Value {
        option: option.to_owned(),
        expected,
        found: found.to_owned(),
    };
    let cases = [
        ("--port 1", InvalidOption::Unknown("--port".to_owned())),
        ("--http", InvalidOption::NoValue("--http".to_owned())),
        ("--udp 0", value("--udp", "a port from 1 to 65535", "0")),
        ("--drain 5", value("--drain", "a time such as 200ms, 2s or 1m", "5")),
    ];
    for (line, expected) in cases {
        assert_eq!(parse(line).err(), Some(expected), "{line}");
    }
}
