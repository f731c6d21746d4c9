//! How do programs in a network that has no way to the host reach the API server?

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use host::netns::Netns;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

/// Where the API server seems to be on each node.
pub(crate) const ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 6443);

/// Connections of one node at a time; more wait.
const CONNECTIONS_MAX: usize = 128;

const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Listens there, and connects from here. It ends, with all its connections, when the task is
/// aborted.
pub(crate) fn relay(
    netns: &Netns,
    at: SocketAddr,
    host: &str,
    port: u16,
) -> io::Result<JoinHandle<()>> {
    let listener = netns.run(|| std::net::TcpListener::bind(at)).map_err(io::Error::other)??;
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    Ok(tokio::spawn(accept(listener, host.to_owned(), port)))
}

async fn accept(listener: TcpListener, host: String, port: u16) {
    let free = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((inner, _)) => {
                let host = host.clone();
                connections.spawn(async move {
                    pass_on(inner, &host, port).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!("cannot take a connection to the API server: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whoever cannot reach the server sees the connection close.
async fn pass_on(mut inner: TcpStream, host: &str, port: u16) {
    let outcome = async {
        let mut outer = TcpStream::connect((host, port)).await?;
        inner.set_nodelay(true)?;
        outer.set_nodelay(true)?;
        copy_bidirectional(&mut inner, &mut outer).await
    };
    if let Err(error) = outcome.await {
        tracing::debug!("a connection to the API server ended: {error}");
    }
}
