//! How is a container heard from now on, by who is attached to it?

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use jiff::Timestamp;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::mpsc;

use super::follow::{Start, follow};
use super::{Log, LogOptions, LogStreams, Stream};
use crate::runtime::Reader;

/// Pieces of words that wait for a listener; a slow one is behind, and misses nothing.
const CHUNKS_MAX: usize = 4;

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
