//! How are a node's clients accepted, and how long are they served?

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::answer::{Answers, Goal};
use crate::certificate::{Certificate, CertificateError, acceptor};
use crate::channel::Gone;
use crate::runtime::{Refusal, Runtime};
use crate::upgrade::Upgraded;
use crate::user::User;
use crate::{port_forward, remote_command, session, spdy_connection, web_socket};

/// Clients at a time; more wait until another one goes.
pub const CONNECTIONS_MAX: usize = 256;

/// How long a client may take until it is known.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long a client may take for the head of its next request. API servers keep idle connections
/// for 90 s.
const NEXT_REQUEST: Duration = Duration::from_secs(120);

/// How long it takes to look again when the system has no more descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// What a node offers: by HTTPS, to clients whose certificate is from one of the authorities and
/// whom the runtime allows it.
pub struct Server<R> {
    acceptor: TlsAcceptor,
    runtime: Arc<R>,
}

impl<R: Runtime> Server<R> {
    /// `authorities` are in PEM: those of `client-ca-file` in the ConfigMap
    /// `extension-apiserver-authentication`, or others.
    ///
    /// # Errors
    ///
    /// When one of the certificates cannot be used.
    pub fn new(
        certificate: Certificate,
        authorities: &[u8],
        runtime: Arc<R>,
    ) -> Result<Self, CertificateError> {
        Ok(Self { acceptor: acceptor(certificate, authorities)?, runtime })
    }

    /// Serves until `stop`; then all that is open is cut off.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let mut connections = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        let mut is_failing = false;
        loop {
            tokio::select! {
                () = &mut stop => return,
                Some(_ended) = connections.join_next() => {}
                accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => {
                    match accepted {
                        Ok((stream, _from)) => {
                            is_failing = false;
                            let (acceptor, runtime) = (self.acceptor.clone(), Arc::clone(&self.runtime));
                            connections.spawn(connection(stream, acceptor, runtime));
                        }
                        Err(error) => {
                            if !std::mem::replace(&mut is_failing, true) {
                                tracing::warn!("cannot accept clients of the node: {error}");
                            }
                            sleep(ACCEPT_AGAIN).await;
                        }
                    }
                }
            }
        }
    }
}

/// What a connection is to become after the answer, if anything.
pub(crate) type Next = Arc<Mutex<Option<(OnUpgrade, Upgraded, Goal)>>>;

async fn connection<R: Runtime>(stream: TcpStream, acceptor: TlsAcceptor, runtime: Arc<R>) {
    // A small write must not wait for the next one: a terminal's letters come one by one.
    let accepted = stream.set_nodelay(true).map(|()| acceptor.accept(stream));
    let Ok(accepting) = accepted else { return };
    let stream = match timeout(HANDSHAKE, accepting).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!("a client is not known: {error}"),
        Err(_elapsed) => return tracing::debug!("a client did not say who it is"),
    };
    let certificates = stream.get_ref().1.peer_certificates();
    let user = certificates.and_then(|all| all.first()).and_then(User::of);
    let next = Next::default();
    let answers =
        Arc::new(Answers { runtime: Arc::clone(&runtime), user, next: Arc::clone(&next) });
    let service = service_fn(move |request| {
        let answers = Arc::clone(&answers);
        async move { Ok::<_, io::Error>(answers.answer(request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(NEXT_REQUEST)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!("a client went in between: {error}");
    }
    let next = next.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((upgrade, upgraded, goal)) = next
        && let Ok(io) = upgrade.await
    {
        Box::pin(go_on(TokioIo::new(io), upgraded, goal, runtime)).await;
    }
}

/// Serves what a connection has become.
async fn go_on<R: Runtime>(
    io: TokioIo<hyper::upgrade::Upgraded>,
    upgraded: Upgraded,
    goal: Goal,
    runtime: Arc<R>,
) {
    match (goal, upgraded) {
        (Goal::PortForward(pod), Upgraded::Spdy) => {
            spdy_connection::serve(io, |opened| port_forward::run(runtime, pod, opened)).await;
        }
        (Goal::PortForward(pod), Upgraded::WebSocket) => {
            let tunnelled = |io| async move {
                let forward = |opened| port_forward::run(runtime, pod, opened);
                spdy_connection::serve(io, forward).await;
            };
            web_socket::serve_tunnel(io, tunnelled).await;
        }
        (goal @ (Goal::Exec { .. } | Goal::Attach { .. }), Upgraded::Spdy) => {
            let wanted = goal.wanted();
            let session = |opened| async move {
                if let Some(streams) = remote_command::streams(wanted, opened).await {
                    // A client that has gone needs no end.
                    drop(command(&goal, streams, &*runtime).await);
                }
            };
            spdy_connection::serve(io, session).await;
        }
        (goal @ (Goal::Exec { .. } | Goal::Attach { .. }), Upgraded::WebSocket) => {
            let wanted = goal.wanted();
            let session = |streams| async move {
                // A client that has gone needs no end.
                drop(command(&goal, streams, &*runtime).await);
            };
            web_socket::serve_command(io, wanted, session).await;
        }
    }
}

async fn command<R: Runtime>(
    goal: &Goal,
    streams: session::Streams,
    runtime: &R,
) -> Result<(), Gone> {
    let process = match goal {
        Goal::Exec { container, command, wanted } => {
            runtime.exec(container, command, *wanted).await
        }
        Goal::Attach { container, wanted } => runtime.attach(container, *wanted).await,
        Goal::PortForward(_) => Err(Refusal::Internal("a pod has no streams".to_owned())),
    };
    session::run(streams, process).await
}

#[cfg(test)]
mod tests;
