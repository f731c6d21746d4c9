//! Where does each node answer the API server, for kubectl?

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use ::kubelet::{
    Access, Certificate, ContainerName, Duplex, Exit, Log, Process, Refusal, Runtime, Server,
    Stream, TerminalSize, User, Wanted,
};
use host::netns::Netns;
use host::program::Running;
use host::terminal::Terminal;
use model::NodeName;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;

use super::api::{Api, Failure};
use super::pause::Pause;
use crate::errand::{Attached, Errand, Reply};
use crate::event::{Event, Events};
use crate::who::PodName;

const AUTHORITIES: &str =
    "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";
const REVIEWS: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

/// Of each node, where it listens; a node has no network of its own that the API server could reach.
#[derive(Debug)]
pub(crate) struct Doors {
    address: IpAddr,
    listeners: Mutex<BTreeMap<NodeName, std::net::TcpListener>>,
    pub(crate) ports: BTreeMap<NodeName, u16>,
}

impl Doors {
    /// A port of the host for each node.
    pub(crate) fn open(address: IpAddr, nodes: impl Iterator<Item = NodeName>) -> io::Result<Self> {
        let (mut listeners, mut ports) = (BTreeMap::new(), BTreeMap::new());
        for node in nodes {
            let listener = std::net::TcpListener::bind(SocketAddr::new(address, 0))?;
            listener.set_nonblocking(true)?;
            ports.insert(node.clone(), listener.local_addr()?.port());
            listeners.insert(node, listener);
        }
        Ok(Self { address, listeners: Mutex::new(listeners), ports })
    }

    pub(crate) const fn address(&self) -> IpAddr {
        self.address
    }

    /// Answers at all of them, until the future is dropped.
    pub(crate) async fn serve(&self, api: Api, events: Events) {
        let authorities = authorities(&api).await;
        let listeners =
            std::mem::take(&mut *self.listeners.lock().unwrap_or_else(PoisonError::into_inner));
        let mut servers = tokio::task::JoinSet::new();
        for (node, listener) in listeners {
            let side = NodeSide { node, api: api.clone(), events: events.clone() };
            match self.server(side, authorities.as_bytes(), listener) {
                Ok((server, listener)) => {
                    servers.spawn(server.serve(listener, std::future::pending()));
                }
                Err(error) => tracing::warn!("a node cannot answer the API server: {error}"),
            }
        }
        while servers.join_next().await.is_some() {}
    }

    fn server(
        &self,
        side: NodeSide,
        authorities: &[u8],
        listener: std::net::TcpListener,
    ) -> io::Result<(Server<NodeSide>, TcpListener)> {
        let certificate = Certificate::self_made(vec![self.address.to_string()]);
        let certificate = certificate.map_err(io::Error::other)?;
        let server = Server::new(certificate, authorities, Arc::new(side));
        Ok((server.map_err(io::Error::other)?, TcpListener::from_std(listener)?))
    }
}

/// Whose certificates nodes may trust. Until that is known, kubectl logs, exec, attach and port-forward
/// do not work.
async fn authorities(api: &Api) -> String {
    let mut pause = Pause::default();
    loop {
        let failure = match api.get(AUTHORITIES).await {
            Ok(map) => match map.pointer("/data/client-ca-file").and_then(Value::as_str) {
                Some(authorities) => {
                    pause.passed(AUTHORITIES);
                    return authorities.to_owned();
                }
                None => Failure::Unreachable("it names no client-ca-file".to_owned()),
            },
            Err(failure) => failure,
        };
        pause.failed(AUTHORITIES, &failure).await;
    }
}

/// One node, as the API server sees it.
struct NodeSide {
    node: NodeName,
    api: Api,
    events: Events,
}

impl NodeSide {
    async fn ask<T>(&self, errand: impl FnOnce(Reply<T>) -> Errand + Send) -> Result<T, Refusal> {
        let ending = || Refusal::Internal("the lab ends".to_owned());
        let (reply, answer) = oneshot::channel();
        let sent = self.events.send(Event::Errand(errand(reply))).await;
        sent.map_err(|_unsent| ending())?;
        answer.await.map_err(|_unanswered| ending())?
    }
}

fn internal(error: &dyn std::fmt::Display) -> Refusal {
    Refusal::Internal(error.to_string())
}

impl Runtime for NodeSide {
    /// As a kubelet asks: the API server knows who may what.
    async fn allows(&self, user: &User, access: Access) -> Result<bool, Refusal> {
        for subresource in access.subresources {
            let review = json!({
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SubjectAccessReview",
                "spec": {
                    "user": user.name,
                    "groups": user.groups,
                    "resourceAttributes": {
                        "verb": access.verb,
                        "version": "v1",
                        "resource": "nodes",
                        "subresource": subresource,
                        "name": self.node.to_string(),
                    },
                },
            });
            let answer = self.api.create(REVIEWS, &review).await;
            let answer = answer.map_err(|failure| internal(&failure))?;
            if answer.pointer("/status/allowed").and_then(Value::as_bool) == Some(true) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn pods(&self) -> Result<Vec<u8>, Refusal> {
        Err(Refusal::NotFound("the API server lists the pods of a node".to_owned()))
    }

    async fn log(&self, container: &ContainerName, previous: bool) -> Result<Log, Refusal> {
        let container = container.clone();
        self.ask(|reply| Errand::Log { container, previous, reply }).await
    }

    async fn exec(
        &self,
        container: &ContainerName,
        command: &[String],
        wanted: Wanted,
    ) -> Result<Process, Refusal> {
        let (container, command) = (container.clone(), command.to_vec());
        let program = self.ask(|reply| Errand::Exec { container, command, reply }).await?;
        start(&program, wanted).map_err(|error| Refusal::BadRequest(error.to_string()))
    }

    /// To what it writes from now on.
    async fn attach(&self, container: &ContainerName, wanted: Wanted) -> Result<Process, Refusal> {
        let container = container.clone();
        let attached = self.ask(|reply| Errand::Attach { container, wanted, reply }).await?;
        let Attached { log, input, terminal } = attached;
        let input = input.map(::kubelet::writer).transpose();
        let mut until_its_end = log.listen(Stream::Stdout);
        Ok(Process {
            stdin: input.map_err(|error| internal(&error))?,
            stdout: wanted.stdout.then(|| log.listen(Stream::Stdout)),
            stderr: wanted.stderr.then(|| log.listen(Stream::Stderr)),
            resize: terminal.map(resize),
            exit: Box::pin(async move {
                let passed = tokio::io::copy(&mut until_its_end, &mut tokio::io::sink()).await;
                passed.map_err(|error| internal(&error))?;
                // How it ended stands in the status of its Pod.
                Ok(Exit(0))
            }),
        })
    }

    async fn connect(
        &self,
        pod: &::kubelet::PodName,
        port: u16,
    ) -> Result<Box<dyn Duplex>, Refusal> {
        let pod = PodName::new(pod.namespace.as_str(), pod.name.as_str());
        let netns = self.ask(|reply| Errand::Connect { pod, reply }).await?;
        let stream = connect(&netns, port).await.map_err(|error| internal(&error))?;
        Ok(Box::new(stream))
    }
}

/// Starts a program with the streams that are wanted.
fn start(program: &host::program::Program, wanted: Wanted) -> io::Result<Process> {
    if wanted.terminal {
        let (running, terminal) = program.spawn_on_terminal().map_err(io::Error::other)?;
        return Ok(Process {
            stdin: Some(::kubelet::writer(terminal.stream()?)?),
            stdout: Some(::kubelet::reader(terminal.stream()?)?),
            stderr: None,
            resize: Some(resize(Arc::new(terminal))),
            exit: Box::pin(exit(running)),
        });
    }
    let (running, pipes) = program.spawn_with_pipes(wanted.stdin).map_err(io::Error::other)?;
    Ok(Process {
        stdin: pipes.stdin.map(::kubelet::writer).transpose()?,
        stdout: pipes.stdout.map(::kubelet::reader).transpose()?,
        stderr: pipes.stderr.map(::kubelet::reader).transpose()?,
        resize: None,
        exit: Box::pin(exit(running)),
    })
}

fn resize(terminal: Arc<Terminal>) -> ::kubelet::Resize {
    Box::new(move |size: TerminalSize| terminal.resize(size.width, size.height))
}

async fn exit(mut running: Running) -> Result<Exit, Refusal> {
    let ended = tokio::task::spawn_blocking(move || running.wait()).await;
    let status = ended.map_err(|error| internal(&error))?.map_err(|error| internal(&error))?;
    let signal = std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or_default();
    Ok(Exit(status.code().unwrap_or(128 + signal)))
}

/// By the loopback of a namespace, whichever family listens there.
async fn connect(netns: &str, port: u16) -> io::Result<TcpStream> {
    let netns = Netns::open(netns).map_err(io::Error::other)?;
    let mut last = None;
    for address in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        let make = || if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
        let socket = netns.run(make).map_err(io::Error::other)??;
        match socket.connect(SocketAddr::new(address, port)).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::NotConnected.into()))
}
