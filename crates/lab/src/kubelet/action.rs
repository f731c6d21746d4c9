//! How are the actions of probes and of preStop done?

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use host::netns::Netns;
use host::program::Program;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use workload::api::{Container, Grpc, HttpGet, Port, Probe, Scheme, Stop, TcpSocket as TcpProbe};

use super::tls;

/// Something to do, with all that it needs: it can be done on any task.
pub(crate) struct Action {
    pub(crate) kind: ActionKind,
    /// From where connections are made: a kubelet is on the node.
    pub(crate) node: Arc<Netns>,
    /// Where the pod is asked.
    pub(crate) address: IpAddr,
}

pub(crate) enum ActionKind {
    Http { get: HttpGet, port: NonZeroU16 },
    Tcp { host: Option<String>, port: NonZeroU16 },
    Grpc(Grpc),
    Exec(Box<Program>),
    Sleep(Duration),
}

impl ActionKind {
    /// `exec` makes a program of a command line in the container.
    pub(crate) fn of_probe(
        probe: &Probe,
        container: &Container,
        exec: impl FnOnce(&[String]) -> Option<Program>,
    ) -> Result<Self, String> {
        if let Some(get) = &probe.http_get {
            return http(get, container);
        }
        if let Some(TcpProbe { port, host }) = &probe.tcp_socket {
            return Ok(Self::Tcp { host: host.clone(), port: number(port, container)? });
        }
        if let Some(grpc) = &probe.grpc {
            return Ok(Self::Grpc(grpc.clone()));
        }
        let command = probe.exec.as_ref().and_then(|it| exec(&it.command));
        command.map(|program| Self::Exec(Box::new(program))).ok_or_else(|| "no action".to_owned())
    }

    pub(crate) fn of_stop(
        stop: &Stop,
        container: &Container,
        exec: impl FnOnce(&[String]) -> Option<Program>,
    ) -> Result<Self, String> {
        if let Some(get) = &stop.http_get {
            return http(get, container);
        }
        if let Some(sleep) = &stop.sleep {
            return Ok(Self::Sleep(Duration::from_secs(sleep.seconds.into())));
        }
        let command = stop.exec.as_ref().and_then(|it| exec(&it.command));
        command.map(|program| Self::Exec(Box::new(program))).ok_or_else(|| "no action".to_owned())
    }
}

fn http(get: &HttpGet, container: &Container) -> Result<ActionKind, String> {
    Ok(ActionKind::Http { port: number(&get.port, container)?, get: get.clone() })
}

fn number(port: &Port, container: &Container) -> Result<NonZeroU16, String> {
    port.number(container).ok_or_else(|| format!("the container has no port {port}"))
}

impl Action {
    /// Whether it succeeded; else why not.
    pub(crate) async fn run(self, timeout: Duration) -> Result<(), String> {
        match tokio::time::timeout(timeout, self.act()).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("no answer within {} s", timeout.as_secs())),
        }
    }

    async fn act(self) -> Result<(), String> {
        match &self.kind {
            ActionKind::Http { get, port } => {
                let stream = self.connect(get.host.as_deref(), *port).await?;
                let at = SocketAddr::new(self.address, port.get());
                match get.scheme {
                    Scheme::Http => ask_http(stream, get, at).await,
                    Scheme::Https => {
                        ask_http(tls::connect(stream, self.address).await?, get, at).await
                    }
                }
            }
            ActionKind::Tcp { host, port } => {
                self.connect(host.as_deref(), *port).await.map(|_stream| ())
            }
            ActionKind::Grpc(grpc) => {
                let stream = self.connect(None, grpc.port).await?;
                ask_grpc(stream, grpc).await
            }
            ActionKind::Exec(program) => execute(program).await,
            ActionKind::Sleep(time) => {
                tokio::time::sleep(*time).await;
                Ok(())
            }
        }
    }

    async fn connect(&self, host: Option<&str>, port: NonZeroU16) -> Result<TcpStream, String> {
        let address = match host {
            None => self.address,
            Some(host) => {
                let host = host.trim_start_matches('[').trim_end_matches(']');
                host.parse()
                    .map_err(|_unspecific| format!("the lab asks addresses only: {host}"))?
            }
        };
        let address = SocketAddr::new(address, port.get());
        let failed =
            |error: &dyn std::fmt::Display| format!("cannot connect to {address}: {error}");
        let opened = self.node.run(|| open(address)).map_err(|error| failed(&error))?;
        let socket = opened.map_err(|error| failed(&error))?;
        let socket = TcpSocket::from_std_stream(socket.into());
        socket.connect(address).await.map_err(|error| failed(&reason(&error)))
    }
}

/// In the namespace of the calling thread; it stays there wherever it is used.
fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Without the number that the system gives it.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

async fn ask_http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    get: &HttpGet,
    at: SocketAddr,
) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("GET {}: {error}", get.path);
    let path = if get.path.starts_with('/') { get.path.clone() } else { format!("/{}", get.path) };
    let uri: Uri = path.parse().map_err(|error| failed(&error))?;
    let mut request = Request::builder().method(Method::GET).uri(uri);
    let has = |name: &str| get.http_headers.iter().any(|it| it.name.eq_ignore_ascii_case(name));
    for (name, value) in [
        ("host", at.to_string()),
        ("user-agent", "kube-probe/pogu".to_owned()),
        ("accept", "*/*".to_owned()),
    ] {
        if !has(name) {
            request = request.header(name, value);
        }
    }
    for header in &get.http_headers {
        request = request.header(&header.name, &header.value);
    }
    let request = request.body(Full::<Bytes>::default()).map_err(|error| failed(&error))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failed(&error))?;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(|error| failed(&error));
    connection.abort();
    let status = answer?.status().as_u16();
    if (200..400).contains(&status) { Ok(()) } else { Err(failed(&format!("HTTP {status}"))) }
}

async fn ask_grpc(stream: TcpStream, grpc: &Grpc) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("gRPC health check: {error}");
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("http://pod:{}/grpc.health.v1.Health/Check", grpc.port))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::new(Bytes::from(check_request(&grpc.service))))
        .map_err(|error| failed(&error))?;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .map_err(|error| failed(&error))?;
    let connection = tokio::spawn(connection);
    let answer = async {
        let answer = sender.send_request(request).await?;
        let head = answer.headers().get("grpc-status").cloned();
        let body = answer.into_body().collect().await?;
        let status = head.or_else(|| body.trailers()?.get("grpc-status").cloned());
        Ok::<_, hyper::Error>((status, body.to_bytes()))
    };
    let answer = answer.await.map_err(|error| failed(&error));
    connection.abort();
    let (status, message) = answer?;
    match status {
        Some(status) if status != "0" => {
            Err(failed(&format!("status {}", String::from_utf8_lossy(status.as_bytes()))))
        }
        // A message of one field, `status`, that is 1: SERVING.
        Some(_) | None if message.get(5..) == Some(&[8, 1]) => Ok(()),
        Some(_) | None => Err(failed(&"not SERVING")),
    }
}

/// A message with one text, `service`, in the frame of gRPC.
fn check_request(service: &str) -> Vec<u8> {
    let mut message = Vec::new();
    if !service.is_empty() {
        message.push(0x0a);
        let mut length = service.len();
        while length >= 0x80 {
            message.push(u8::try_from(length & 0x7f | 0x80).expect("seven bits and one"));
            length >>= 7;
        }
        message.push(u8::try_from(length).expect("seven bits"));
        message.extend_from_slice(service.as_bytes());
    }
    let mut frame = vec![0];
    frame.extend(u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    frame.extend(message);
    frame
}

/// A program that is killed, with all that it started, when nobody waits for it any longer.
struct Awaited(Option<host::program::Running>);

impl Drop for Awaited {
    fn drop(&mut self) {
        let Some(mut running) = self.0.take() else { return };
        if matches!(running.status(), Ok(None)) {
            drop(running.kill());
            // So that it does not stay behind as a zombie.
            tokio::task::spawn_blocking(move || drop(running.wait()));
        }
    }
}

async fn execute(program: &Program) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", program.name);
    let mut children = signal(SignalKind::child()).map_err(|error| failed(&error))?;
    let nowhere = std::fs::File::options().write(true).open("/dev/null");
    let running = program.spawn(&nowhere.map_err(|error| failed(&error))?);
    let mut awaited = Awaited(Some(running.map_err(|error| error.to_string())?));
    loop {
        let Some(running) = &mut awaited.0 else { return Err(failed(&"it is gone")) };
        match running.status() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(failed(&status)),
            // Some child has ended; it need not have been this one.
            Ok(None) => drop(children.recv().await),
            Err(error) => return Err(failed(&error)),
        }
    }
}
