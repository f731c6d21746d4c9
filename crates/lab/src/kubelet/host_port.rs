//! How do ports of a node lead to the containers that ask for them?
//!
//! In a cluster it is the network plugin that does this, in the kernel. Here the lab passes on what
//! arrives: the container sees its node as the client.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use host::netns::Netns;
use model::Protocol;
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use workload::api::Pod;

/// Connections of one port at a time; more wait. And clients of one that are answered by datagrams;
/// those of more are lost.
const CLIENTS_MAX: usize = 128;

/// A client of datagrams that was not answered for so long is forgotten.
const IDLE: Duration = Duration::from_secs(30);

const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const DATAGRAM_BYTES_MAX: usize = 1 << 16;

/// A port that could not be opened is tried again after this: somebody else may let go of it.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What a pod has open on its node, and what it has not yet. It closes when the value is dropped.
#[derive(Debug, Default)]
pub(crate) struct HostPorts {
    open: Vec<JoinHandle<()>>,
    shut: Vec<Shut>,
    again_at: Option<Duration>,
}

#[derive(Debug)]
struct Shut {
    port: HostPort,
    /// As people were told it.
    why: Option<String>,
}

#[derive(Debug, Clone, Copy)]
struct HostPort {
    protocol: Protocol,
    at: SocketAddr,
    to: SocketAddr,
}

impl Drop for HostPorts {
    fn drop(&mut self) {
        self.open.iter().for_each(JoinHandle::abort);
    }
}

impl HostPorts {
    /// What a pod asks for, all of it shut. On the node's own network there is nothing to lead to.
    pub(crate) fn new(pod: &Pod, addresses: &[IpAddr]) -> Self {
        let containers = pod.spec.init_containers.iter().chain(&pod.spec.containers);
        let ports = containers.flat_map(|container| &container.ports);
        let mut shut = Vec::new();
        for port in ports.filter(|_| !pod.spec.host_network) {
            let Some(number) = port.host_port else { continue };
            for ip in listened_on(port.host_ip) {
                let same = |address: &&IpAddr| address.is_ipv4() == ip.is_ipv4();
                let Some(address) = addresses.iter().find(same) else { continue };
                let at = SocketAddr::new(ip, number.get());
                let to = SocketAddr::new(*address, port.container_port.get());
                let port = HostPort { protocol: Protocol::from(port.protocol), at, to };
                shut.push(Shut { port, why: None });
            }
        }
        Self { open: Vec::new(), shut, again_at: None }
    }

    /// Opens what is shut, when that is due. What people were not told yet of why it stays shut.
    pub(crate) fn open(&mut self, node: &Arc<Netns>, now: Duration) -> Vec<String> {
        let mut news = Vec::new();
        if self.again_at.is_some_and(|at| now < at) {
            return news;
        }
        for Shut { port, why: told } in std::mem::take(&mut self.shut) {
            match lead(node, port) {
                Ok(task) => self.open.extend(task),
                Err(error) => {
                    let why = Some(format!("cannot open host port {}: {error}", port.at));
                    news.extend(why.clone().filter(|_| why != told));
                    self.shut.push(Shut { port, why });
                }
            }
        }
        self.again_at = (!self.shut.is_empty()).then(|| now + AGAIN_AFTER);
        news
    }

    pub(crate) const fn next_due(&self) -> Option<Duration> {
        self.again_at
    }
}

/// Without an address, all of both families.
fn listened_on(ip: Option<IpAddr>) -> Vec<IpAddr> {
    let any = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
    ip.map_or_else(|| any.to_vec(), |ip| vec![ip])
}

/// None for a protocol that the lab does not speak.
fn lead(node: &Arc<Netns>, port: HostPort) -> io::Result<Option<JoinHandle<()>>> {
    let HostPort { protocol, at, to } = port;
    let node = Arc::clone(node);
    match protocol {
        Protocol::Tcp => {
            let socket = bound(&node, Type::STREAM, at)?;
            socket.listen(i32::try_from(CLIENTS_MAX).unwrap_or(i32::MAX))?;
            let listener = TcpListener::from_std(socket.into())?;
            Ok(Some(tokio::spawn(pass_streams(node, listener, to))))
        }
        Protocol::Udp => {
            let socket = UdpSocket::from_std(bound(&node, Type::DGRAM, at)?.into())?;
            Ok(Some(tokio::spawn(pass_datagrams(node, Arc::new(socket), to))))
        }
        Protocol::Sctp => Ok(None),
    }
}

fn in_node<T: Send>(node: &Netns, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    node.run(work).map_err(io::Error::other)?
}

/// For one family alone: the other has a socket of its own.
fn bound(node: &Netns, kind: Type, at: SocketAddr) -> io::Result<Socket> {
    let socket = in_node(node, || Socket::new(Domain::for_address(at), kind, None))?;
    if at.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(kind == Type::STREAM)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::from(at))?;
    Ok(socket)
}

async fn pass_streams(node: Arc<Netns>, listener: TcpListener, to: SocketAddr) {
    let free = Arc::new(Semaphore::new(CLIENTS_MAX));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((client, _)) => {
                let node = Arc::clone(&node);
                connections.spawn(async move {
                    if let Err(error) = pass_stream(&node, client, to).await {
                        tracing::debug!("a connection to host port of {to} ended: {error}");
                    }
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!("cannot take a connection for {to}: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn pass_stream(node: &Netns, mut client: TcpStream, to: SocketAddr) -> io::Result<()> {
    let make = || if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let mut server = in_node(node, make)?.connect(to).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// Each client has a socket of its own towards the container, so that answers find it.
async fn pass_datagrams(node: Arc<Netns>, socket: Arc<UdpSocket>, to: SocketAddr) {
    let mut clients: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut answers = JoinSet::new();
    let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
    while let Ok((length, client)) = socket.recv_from(&mut datagram).await {
        while let Some(Ok(idle)) = answers.try_join_next() {
            clients.remove(&idle);
        }
        if !clients.contains_key(&client) && clients.len() < CLIENTS_MAX {
            let Ok(own) = towards(&node, to).map(Arc::new) else { continue };
            answers.spawn(pass_answers(Arc::clone(&own), Arc::clone(&socket), client));
            clients.insert(client, own);
        }
        if let Some(own) = clients.get(&client) {
            // A datagram that cannot be sent is a lost one.
            drop(own.send(datagram.get(..length).unwrap_or_default()).await);
        }
    }
    tracing::warn!("nothing is heard any longer at the host port of {to}");
}

fn towards(node: &Netns, to: SocketAddr) -> io::Result<UdpSocket> {
    let socket = in_node(node, || Socket::new(Domain::for_address(to), Type::DGRAM, None))?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::from(to))?;
    UdpSocket::from_std(socket.into())
}

/// Gives the client when it is idle.
async fn pass_answers(
    own: Arc<UdpSocket>,
    socket: Arc<UdpSocket>,
    client: SocketAddr,
) -> SocketAddr {
    let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
    while let Ok(received) = timeout(IDLE, own.recv(&mut datagram)).await {
        // The container may not listen yet: that is told by an error, and is no end.
        let Ok(length) = received else { continue };
        drop(socket.send_to(datagram.get(..length).unwrap_or_default(), client).await);
    }
    client
}
