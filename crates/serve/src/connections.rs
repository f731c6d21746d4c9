//! How are connections accepted and answered over HTTP/1.1?

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::net::sockopt::set_ipv6_v6only;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use crate::answer::Answer;

/// Connections that one listener keeps at a time. More wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 64;

/// Connections that wait in the kernel's queue.
const BACKLOG: u32 = 256;

/// How long a client may take for a request's head, and so how long a connection may be idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an answer may go on after the end has come.
const END_TIMEOUT: Duration = Duration::from_secs(2);

/// How long to wait when the kernel has no descriptor left for a connection.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// True, or its sender gone, when it is time to end.
pub type Stop = watch::Receiver<bool>;

/// Waits for the end.
pub async fn stopped(stop: &mut Stop) {
    // An error says that the sender is gone, which is an end too.
    drop(stop.wait_for(|stop| *stop).await);
}

/// Who answers what.
pub trait Site: Send + Sync + 'static {
    /// Decides on the answer to one request; its body is not looked at.
    fn answer(&self, method: &Method, uri: &Uri) -> impl Future<Output = Answer> + Send;
}

/// Where clients come from.
#[derive(Debug)]
pub enum Listener {
    /// From the network.
    Tcp(TcpListener),
    /// From this host, as far as the file allows.
    Unix(UnixListener),
}

/// Listens on exactly this address: `[::]` takes no IPv4 connections.
///
/// # Errors
/// The address cannot be had.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if address.is_ipv6() {
        set_ipv6_v6only(&socket, true)?;
    }
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Accepts until the end, closes the listener, and lets the conversations under way come to theirs.
pub async fn serve(listener: Listener, site: Arc<impl Site>, mut stop: Stop) {
    let mut conversations = JoinSet::new();
    let for_conversations = stop.clone();
    loop {
        let has_place = conversations.len() < CONNECTIONS_MAX;
        tokio::select! {
            () = stopped(&mut stop) => break,
            Some(ended) = conversations.join_next() => report(ended),
            accepted = accept(&listener, &site, &for_conversations), if has_place => match accepted {
                Ok(conversation) => drop(conversations.spawn(conversation)),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(ACCEPT_RETRY).await;
                }
            },
        }
    }
    drop(listener);
    while let Some(ended) = conversations.join_next().await {
        report(ended);
    }
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "answering a request broke");
    }
}

/// Waits for a client; gives the conversation with it.
async fn accept(
    listener: &Listener,
    site: &Arc<impl Site>,
    stop: &Stop,
) -> io::Result<Pin<Box<dyn Future<Output = ()> + Send>>> {
    let (site, stop) = (Arc::clone(site), stop.clone());
    Ok(match listener {
        Listener::Tcp(listener) => Box::pin(converse(listener.accept().await?.0, site, stop)),
        Listener::Unix(listener) => Box::pin(converse(listener.accept().await?.0, site, stop)),
    })
}

async fn converse<S>(stream: S, site: Arc<impl Site>, mut stop: Stop)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request: Request<Incoming>| {
        let site = Arc::clone(&site);
        async move {
            let answer = site.answer(request.method(), request.uri()).await;
            Ok::<_, Infallible>(Response::<Full<Bytes>>::from(answer))
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            timeout(END_TIMEOUT, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection broke");
    }
}

/// The same on a host that may lack the family of the address; says so then, and gives nothing.
///
/// # Errors
/// The address cannot be had for another reason.
pub fn listen_if_possible(address: SocketAddr) -> io::Result<Option<TcpListener>> {
    match listen(address) {
        Err(error) if is_family_missing(&error) => {
            tracing::info!(%address, "no IPv6 on this host, not listening there");
            Ok(None)
        }
        listening => listening.map(Some),
    }
}

fn is_family_missing(error: &io::Error) -> bool {
    let number = error.raw_os_error();
    number == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
        || number == Some(rustix::io::Errno::ADDRNOTAVAIL.raw_os_error())
}
