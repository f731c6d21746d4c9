//! How do a container's words get into its log, and to those who listen to it?

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use bytes::{Buf as _, Bytes};
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};
use tokio::sync::mpsc;

use super::follow::{Start, follow};
use super::{Log, LogOptions, LogStreams, LogWriter, Stream};
use crate::channel::READ_BYTES;
use crate::runtime::Reader;

/// Pieces of words that wait for a listener; a slow one is behind, and misses nothing.
const CHUNKS_MAX: usize = 4;

impl LogWriter {
    /// Writes all that a container says, until both of its outputs end; a terminal has one. The log
    /// is complete then. What cannot be written is read nevertheless, so that the container goes on.
    ///
    /// # Errors
    ///
    /// The first one of those that writing had.
    pub async fn record(
        mut self,
        mut stdout: Option<Reader>,
        mut stderr: Option<Reader>,
        now: impl Fn() -> SystemTime,
    ) -> io::Result<()> {
        let (mut words, mut errors) = (vec![0; READ_BYTES], vec![0; READ_BYTES]);
        let mut outcome = Ok(());
        loop {
            let (stream, read, buffer) = tokio::select! {
                read = read(&mut stdout, &mut words), if stdout.is_some() => {
                    (Stream::Stdout, read, &words)
                }
                read = read(&mut stderr, &mut errors), if stderr.is_some() => {
                    (Stream::Stderr, read, &errors)
                }
                else => return outcome,
            };
            let said = buffer.get(..read).unwrap_or_default();
            if read == 0 {
                match stream {
                    Stream::Stdout => stdout = None,
                    Stream::Stderr => stderr = None,
                }
            } else if outcome.is_ok() {
                outcome = self.append(now(), stream, said);
            }
        }
    }
}

/// An error is an end: it is how a terminal tells that nobody writes to it any longer.
async fn read(from: &mut Option<Reader>, buffer: &mut [u8]) -> usize {
    match from {
        Some(from) => from.read(buffer).await.unwrap_or(0),
        None => 0,
    }
}

impl Log {
    /// What a container says on one of its outputs from now on, to its end.
    #[must_use]
    pub fn listen(&self, stream: Stream) -> Reader {
        let streams = match stream {
            Stream::Stdout => LogStreams::Stdout,
            Stream::Stderr => LogStreams::Stderr,
        };
        let options = LogOptions { follow: true, streams, ..LogOptions::default() };
        let start = Start::At(self.progress.borrow().bytes);
        let (to, from) = mpsc::channel(CHUNKS_MAX);
        // It ends with its listener, or with the container.
        tokio::spawn(follow(self.clone(), start, options, Timestamp::UNIX_EPOCH, to));
        Box::pin(Chunks { from, rest: Bytes::new() })
    }
}

/// Pieces of words, one after the other.
#[derive(Debug)]
struct Chunks {
    from: mpsc::Receiver<io::Result<Bytes>>,
    rest: Bytes,
}

impl AsyncRead for Chunks {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.rest.is_empty() {
            match ready!(self.from.poll_recv(context)) {
                Some(chunk) => self.rest = chunk?,
                None => return Poll::Ready(Ok(())),
            }
        }
        let count = self.rest.len().min(buffer.remaining());
        buffer.put_slice(self.rest.get(..count).unwrap_or_default());
        self.rest.advance(count);
        Poll::Ready(Ok(()))
    }
}
