//! What becomes of a client's streams?

use bytes::Bytes;
use tokio::io::DuplexStream;

use super::*;
use crate::log::Log;
use crate::request::{Access, ContainerName, Wanted};
use crate::runtime::{Process, Refusal};
use crate::spdy::{Headers, StreamId, data, reset};
use crate::user::User;

/// A node where the pod's port answers, if it is not 1; the other end of each connection is kept.
struct Port(mpsc::UnboundedSender<DuplexStream>);

fn absent<T>() -> Result<T, Refusal> {
    Err(Refusal::NotFound("there is only a port".to_owned()))
}

impl Runtime for Port {
    async fn allows(&self, _user: &User, _access: Access) -> Result<bool, Refusal> {
        absent()
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

    async fn connect(&self, _pod: &PodName, port: u16) -> Result<Box<dyn Duplex>, Refusal> {
        if port == 1 {
            return Err(Refusal::Internal("nobody listens".to_owned()));
        }
        let (ours, theirs) = tokio::io::duplex(64);
        self.0.send(theirs).unwrap();
        Ok(Box::new(ours))
    }
}

/// A client that opens streams, and what it is told.
struct Client {
    opened: mpsc::Sender<Opened>,
    frames: mpsc::Sender<Bytes>,
    told: mpsc::Receiver<Bytes>,
    pods: mpsc::UnboundedReceiver<DuplexStream>,
    next: u32,
}

impl Client {
    fn new() -> Self {
        let (connected, pods) = mpsc::unbounded_channel();
        let (opened, streams) = mpsc::channel(1);
        let (frames, told) = mpsc::channel(1024);
        let pod = PodName { namespace: "shop".to_owned(), name: "web-0".to_owned() };
        tokio::spawn(run(Arc::new(Port(connected)), pod, streams));
        Self { opened, frames, told, pods, next: 1 }
    }

    /// Opens a stream; its number, and where it is spoken to.
    async fn open(&mut self, kind: &str, port: &str, request: &str) -> (StreamId, Speaker) {
        let stream = StreamId(self.next);
        self.next += 2;
        let headers = Headers::from([("streamtype", kind), ("port", port), ("requestid", request)]);
        let (said, input) = mpsc::channel(4);
        let output = Output::Spdy { stream, frames: self.frames.clone() };
        self.opened.send(Opened { headers, input, output }).await.unwrap();
        (stream, said)
    }

    async fn told<const N: usize>(&mut self) -> [Bytes; N] {
        let mut all = [const { Bytes::new() }; N];
        for told in &mut all {
            *told = self.told.recv().await.unwrap();
        }
        all
    }
}

type Speaker = mpsc::Sender<Said>;

#[tokio::test]
async fn both_ends_of_a_connection_are_told() {
    let mut client = Client::new();
    let (error, _) = client.open("error", "8080", "0").await;
    let (stream, said) = client.open("data", "8080", "0").await;
    let mut pod = client.pods.recv().await.unwrap();
    said.send(Said::Bytes("ping".into())).await.unwrap();
    said.send(Said::End).await.unwrap();
    let mut heard = String::new();
    pod.read_to_string(&mut heard).await.unwrap();
    pod.write_all(b"pong").await.unwrap();
    drop(pod);
    let wanted = [data(stream, b"pong", false), data(stream, b"", true), data(error, b"", true)];
    assert_eq!((&*heard, client.told().await), ("ping", wanted));
}

#[tokio::test]
async fn a_client_that_loses_interest_closes_the_pods_connection() {
    let mut client = Client::new();
    let (_, said) = client.open("data", "8080", "0").await;
    let (error, _) = client.open("error", "8080", "0").await;
    let mut pod = client.pods.recv().await.unwrap();
    said.send(Said::End).await.unwrap();
    said.send(Said::Reset).await.unwrap();
    let mut heard = Vec::new();
    pod.read_to_end(&mut heard).await.unwrap();
    let written = loop {
        if let Err(error) = pod.write_all(&[0; 64]).await {
            break error.kind();
        }
    };
    let wanted = [reset(StreamId(1)), data(error, b"", true)];
    let told: [Bytes; 2] = client.told().await;
    let told = told.map(|frame| if frame.len() > 16 { Bytes::new() } else { frame });
    assert_eq!((heard, written, told), (vec![], std::io::ErrorKind::BrokenPipe, wanted));
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_told_on_the_error_stream() {
    let mut client = Client::new();
    let (error, _) = client.open("error", "1", "0").await;
    let (stream, _said) = client.open("data", "1", "0").await;
    let words = b"port 1 of pod shop/web-0: nobody listens";
    let wanted = [data(error, words, false), data(error, b"", true), reset(stream)];
    assert_eq!(client.told().await, wanted);
}

#[tokio::test]
async fn streams_that_make_no_pair_are_refused() {
    let mut client = Client::new();
    let (no_port, _) = client.open("error", "0", "0").await;
    let (unknown, _) = client.open("stdin", "80", "0").await;
    let (_waits, _) = client.open("error", "80", "0").await;
    let (twice, _) = client.open("error", "80", "0").await;
    assert_eq!(client.told().await, [no_port, unknown, twice].map(reset));
}

#[tokio::test]
async fn one_half_more_than_the_bound_is_refused() {
    let mut client = Client::new();
    for number in 0..HALVES_MAX {
        client.open("error", "80", &number.to_string()).await;
    }
    let (one_more, _) = client.open("error", "80", "one more").await;
    assert_eq!(client.told().await, [reset(one_more)]);
}

#[tokio::test]
async fn one_connection_more_than_the_bound_is_refused() {
    let mut client = Client::new();
    let mut open = Vec::new();
    for number in 0..CONNECTIONS_MAX {
        client.open("error", "80", &number.to_string()).await;
        let (_, said) = client.open("data", "80", &number.to_string()).await;
        open.push((said, client.pods.recv().await.unwrap()));
    }
    let (error, _) = client.open("error", "80", "one more").await;
    let (stream, _said) = client.open("data", "80", "one more").await;
    let words = b"more than 128 connections at a time";
    let wanted = [data(error, words, false), data(error, b"", true), reset(stream)];
    assert_eq!(client.told().await, wanted);
}
