//! On which sockets does the server listen, and how does it end?

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustix::net::sockopt::{
    set_socket_keepalive, set_socket_recv_buffer_size_force, set_tcp_keepcnt, set_tcp_keepidle,
    set_tcp_keepintvl,
};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::options::Options;
use crate::report::{Identity, plain};
use crate::switches::Switches;
use crate::{http, tcp, udp};

/// What comes while a busy machine lets this server wait is answered late and not lost: several thousand
/// datagrams.
const UDP_QUEUE_BYTES: usize = 4 << 20;

/// After so long without a word a client is asked whether it is there, so often, and in such intervals.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVE_PROBES: u32 = 3;
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);

/// Connections at a time; others wait in the kernel.
const CONNECTIONS_MAX: usize = 1024;

/// The server could not begin.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("cannot listen on {protocol} {address}: {cause}")]
    Listen { protocol: &'static str, address: SocketAddr, cause: io::Error },
    #[error("cannot start: {0}")]
    Start(#[from] io::Error),
}

/// What all connections share.
pub(crate) struct Server {
    pub(crate) identity: Identity,
    pub(crate) switches: Switches,
    pub(crate) log: fn(&str),
    connections: Arc<Semaphore>,
}

/// Sockets that are open; a client can connect, and is answered once [`Self::serve`] runs.
pub struct Listening {
    http: Vec<TcpListener>,
    tcp: Vec<TcpListener>,
    udp: Vec<UdpSocket>,
    server: Arc<Server>,
    linger: Duration,
    drain: Duration,
}

#[derive(Clone, Copy)]
enum Kind {
    Http,
    Tcp,
}

impl Listening {
    /// Opens all sockets. Port 0 takes any free one.
    ///
    /// # Errors
    ///
    /// When one of them cannot be opened: mostly, somebody else has the port.
    pub async fn open(options: Options) -> Result<Self, Failure> {
        let failure = |protocol, address| move |cause| Failure::Listen { protocol, address, cause };
        let (mut http, mut tcp, mut udp) = (Vec::new(), Vec::new(), Vec::new());
        for (ports, listeners) in [(&options.http, &mut http), (&options.tcp, &mut tcp)] {
            for port in ports {
                let address = SocketAddr::new(options.address, *port);
                let listener = TcpListener::bind(address).await;
                listeners.push(listener.map_err(failure("TCP", address))?);
            }
        }
        for port in &options.udp {
            let address = SocketAddr::new(options.address, *port);
            let socket = UdpSocket::bind(address).await.map_err(failure("UDP", address))?;
            // Only who may exceed the host's bound gets more; the usual size serves as well.
            let _is_more = set_socket_recv_buffer_size_force(&socket, UDP_QUEUE_BYTES).is_ok();
            udp.push(socket);
        }
        let server = Arc::new(Server {
            identity: options.identity,
            switches: Switches::new(options.ready),
            log: options.log,
            connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        });
        Ok(Self { http, tcp, udp, server, linger: options.linger, drain: options.drain })
    }

    /// The ports that are open: HTTP, TCP, UDP.
    ///
    /// # Errors
    ///
    /// When the kernel does not tell.
    pub fn ports(&self) -> io::Result<[Vec<u16>; 3]> {
        let of_listeners = |listeners: &[TcpListener]| -> io::Result<Vec<u16>> {
            listeners.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
        };
        let of_sockets: io::Result<Vec<u16>> =
            self.udp.iter().map(|socket| Ok(socket.local_addr()?.port())).collect();
        Ok([of_listeners(&self.http)?, of_listeners(&self.tcp)?, of_sockets?])
    }

    /// Answers until `stop` is over, then goes on for the time to linger, closes the sockets, and
    /// finishes what was begun, at most for the time to drain.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let (closing, closed) = watch::channel(false);
        let mut listeners = JoinSet::new();
        // Dropped at the end, which closes their sockets.
        let mut datagrams = JoinSet::new();
        let kinds = [(Kind::Http, self.http), (Kind::Tcp, self.tcp)];
        for (kind, sockets) in kinds {
            for socket in sockets {
                let server = Arc::clone(&self.server);
                listeners.spawn(accept(socket, kind, server, closed.clone()));
            }
        }
        for socket in self.udp {
            datagrams.spawn(udp::serve(socket, Arc::clone(&self.server)));
        }
        stop.await;
        (self.server.log)("ending: was told to");
        tokio::time::sleep(self.linger).await;
        closing.send_replace(true);
        let finish = async { while listeners.join_next().await.is_some() {} };
        let how = match tokio::time::timeout(self.drain, finish).await {
            Ok(()) => "ended: all requests are finished",
            Err(_) => "ended: some requests took longer than the time to drain",
        };
        (self.server.log)(how);
    }
}

/// A client whose connection was led astray says nothing more, and would hold its place for ever.
fn notice_its_end(stream: &TcpStream) {
    let _is_set = set_tcp_keepidle(stream, KEEPALIVE_IDLE)
        .and_then(|()| set_tcp_keepintvl(stream, KEEPALIVE_INTERVAL))
        .and_then(|()| set_tcp_keepcnt(stream, KEEPALIVE_PROBES))
        .and_then(|()| set_socket_keepalive(stream, true))
        .is_ok();
}

/// Takes connections until it is told to close, and then finishes them.
async fn accept(
    listener: TcpListener,
    kind: Kind,
    server: Arc<Server>,
    mut closed: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let permit = Arc::clone(&server.connections).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            next = next => next,
            _ = closed.wait_for(|closed| *closed) => break,
        };
        match accepted {
            Ok((stream, address)) => {
                notice_its_end(&stream);
                let (server, watcher) = (Arc::clone(&server), graceful.watcher());
                connections.spawn(async move {
                    serve(kind, stream, plain(address), server, watcher).await;
                    drop(permit);
                });
            }
            Err(error) => {
                (server.log)(&format!("accepting failed: {error}"));
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    tokio::join!(graceful.shutdown(), all_ended);
}

async fn serve(
    kind: Kind,
    stream: TcpStream,
    client: SocketAddr,
    server: Arc<Server>,
    watcher: Watcher,
) {
    match kind {
        Kind::Http => http::serve(stream, client, server, watcher).await,
        Kind::Tcp => tcp::serve(stream, client, &server).await,
    }
}
