//! How many clients are served at a time?

use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::log::Log;
use crate::request::{Access, ContainerName, PodName, Wanted};
use crate::runtime::{Duplex, Process};

/// A node where nothing runs and nobody may do anything.
#[derive(Debug)]
struct Nothing;

fn absent<T>() -> Result<T, Refusal> {
    Err(Refusal::NotFound("there is nothing".to_owned()))
}

impl Runtime for Nothing {
    async fn allows(&self, _user: &User, _access: Access) -> Result<bool, Refusal> {
        Ok(false)
    }

    async fn pods(&self) -> Result<Vec<u8>, Refusal> {
        absent()
    }

    async fn log(&self, _container: &ContainerName, _previous: bool) -> Result<Log, Refusal> {
        absent()
    }

    async fn exec(
        &self,
        _container: &ContainerName,
        _command: &[String],
        _wanted: Wanted,
    ) -> Result<Process, Refusal> {
        absent()
    }

    async fn attach(&self, _container: &ContainerName, _: Wanted) -> Result<Process, Refusal> {
        absent()
    }

    async fn connect(&self, _pod: &PodName, _port: u16) -> Result<Box<dyn Duplex>, Refusal> {
        absent()
    }
}

async fn serve(stop: impl Future<Output = ()> + Send + 'static) -> SocketAddr {
    let certificate = rcgen::generate_simple_self_signed(["node".to_owned()]).unwrap();
    let authorities = certificate.cert.pem();
    let certificate = Certificate::self_made(vec!["::1".to_owned()]).unwrap();
    let server = Server::new(certificate, authorities.as_bytes(), Arc::new(Nothing)).unwrap();
    let listener = TcpListener::bind("[::1]:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(server.serve(listener, stop));
    at
}

/// How a client that does not speak TLS is sent away: with an alert, and an end.
async fn sent_away(client: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    match client.read_to_end(&mut all).await {
        Ok(_) => all,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            all
        }
    }
}

#[tokio::test]
async fn one_client_more_than_the_bound_waits_until_another_goes() {
    let at = serve(std::future::pending()).await;
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        clients.push(TcpStream::connect(at).await.unwrap());
    }
    let mut one_more = TcpStream::connect(at).await.unwrap();
    one_more.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    // None of those before has said anything: all are still served.
    let patience = Duration::from_millis(300);
    let waits = timeout(patience, sent_away(&mut one_more)).await.is_err();
    drop(clients.pop());
    let alert = timeout(HANDSHAKE, sent_away(&mut one_more)).await.unwrap();
    // A fatal alert of TLS: it is no handshake.
    assert_eq!((waits, alert), (true, vec![0x15, 3, 3, 0, 2, 2, 50]));
}

#[tokio::test]
async fn a_server_that_stops_cuts_its_clients_off() {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let at = serve(async { drop(stopped.await) }).await;
    let mut client = TcpStream::connect(at).await.unwrap();
    drop(stop);
    assert_eq!(sent_away(&mut client).await, b"");
    let again = TcpStream::connect(at).await.map_err(|error| error.kind());
    assert_eq!(again.err(), Some(ErrorKind::ConnectionRefused));
}
