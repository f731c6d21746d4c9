//! How is an upstream asked by a stream, with or without TLS?
//!
//! Messages have their length before them, in two octets. Many are on their way at once, in both
//! directions.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dns::forward::ConnectionToken;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::answer::Generation;

use super::heard::{Heard, News};

/// How long a connection may take to come up, and a message to go out.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the forwarder holds of a stream.
#[derive(Debug)]
pub(super) struct Link {
    messages: mpsc::Sender<Vec<u8>>,
    task: AbortHandle,
}

impl Link {
    /// Sends a message, unless the stream takes none; then it is to be closed.
    pub(super) fn send(&self, message: Vec<u8>) -> bool {
        self.messages.try_send(message).is_ok()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where a stream leads, and what its certificate must say.
#[derive(Debug)]
pub(super) struct Destination {
    pub(super) address: SocketAddr,
    pub(super) tls: Option<(Arc<ClientConfig>, Arc<str>)>,
}

/// Begins to open a stream with room for so many messages that wait to be sent. News come until the
/// link is dropped.
pub(super) fn open(
    (generation, connection): (Generation, ConnectionToken),
    destination: Destination,
    room: usize,
    heard: mpsc::Sender<Heard>,
) -> Link {
    let (messages, to_send) = mpsc::channel(room.max(1));
    let news = Listener { generation, connection, heard };
    let task = tokio::spawn(async move {
        if let Err(error) = news.run(destination, to_send).await {
            tracing::debug!(%error, "a stream to an upstream ended");
        }
        news.tell(News::Closed(connection)).await;
    });
    Link { messages, task: task.abort_handle() }
}

struct Listener {
    generation: Generation,
    connection: ConnectionToken,
    heard: mpsc::Sender<Heard>,
}

impl Listener {
    async fn tell(&self, news: News) {
        // The thread ends with all of its tasks.
        drop(self.heard.send(Heard { generation: self.generation, news }).await);
    }

    async fn run(&self, to: Destination, to_send: mpsc::Receiver<Vec<u8>>) -> io::Result<()> {
        let stream = within(TcpStream::connect(to.address)).await?;
        stream.set_nodelay(true)?;
        match to.tls {
            None => {
                let (reading, writing) = stream.into_split();
                self.exchange(reading, writing, to_send).await
            }
            Some((config, name)) => {
                let name = ServerName::try_from(name.to_string())
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
                let stream = within(TlsConnector::from(config).connect(name, stream)).await?;
                let (reading, writing) = tokio::io::split(stream);
                self.exchange(reading, writing, to_send).await
            }
        }
    }

    async fn exchange(
        &self,
        reading: impl AsyncRead + Unpin,
        writing: impl AsyncWrite + Unpin,
        to_send: mpsc::Receiver<Vec<u8>>,
    ) -> io::Result<()> {
        self.tell(News::Opened(self.connection)).await;
        tokio::select! {
            ended = self.read(reading) => ended,
            ended = write(writing, to_send) => ended,
        }
    }

    async fn read(&self, mut reading: impl AsyncRead + Unpin) -> io::Result<()> {
        loop {
            let len = usize::from(reading.read_u16().await?);
            let mut bytes = vec![0; len];
            within(reading.read_exact(&mut bytes)).await?;
            self.tell(News::Message { connection: self.connection, bytes }).await;
        }
    }
}

async fn write(
    mut writing: impl AsyncWrite + Unpin,
    mut to_send: mpsc::Receiver<Vec<u8>>,
) -> io::Result<()> {
    let mut frames = Vec::new();
    while let Some(message) = to_send.recv().await {
        frames.clear();
        frame(&message, &mut frames)?;
        while let Ok(message) = to_send.try_recv() {
            frame(&message, &mut frames)?;
        }
        within(async {
            writing.write_all(&frames).await?;
            writing.flush().await
        })
        .await?;
    }
    Ok(())
}

fn frame(message: &[u8], frames: &mut Vec<u8>) -> io::Result<()> {
    let len = u16::try_from(message.len())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    frames.extend_from_slice(&len.to_be_bytes());
    frames.extend_from_slice(message);
    Ok(())
}

async fn within<T>(doing: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(PATIENCE, doing).await?
}
