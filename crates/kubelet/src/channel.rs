//! What is a stream to a client, whichever protocol carries it?

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use crate::spdy::{self, StreamId};

/// Chunks on their way from a client to one reader. When they are not taken, the client's
/// connection is not read, with all of its streams.
pub(crate) const INPUT_CHUNKS_MAX: usize = 16;

/// Frames on their way to a client, of all of its streams.
pub(crate) const OUTPUT_FRAMES_MAX: usize = 32;

/// Bytes that are read from a program or a port at a time.
pub(crate) const READ_BYTES: usize = 32 * 1024;

/// What a client says on a stream. When this ends, its connection has.
pub(crate) type Input = mpsc::Receiver<Said>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Bytes(Bytes),
    /// It has nothing more to say, and may still listen.
    End,
    /// It does not want the stream any longer, in either direction.
    Reset,
}

/// The client has gone: nothing can be told to it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Gone;

/// Where a client is told something.
#[derive(Debug, Clone)]
pub(crate) enum Output {
    Spdy { stream: StreamId, frames: mpsc::Sender<Bytes> },
    WebSocket { channel: u8, messages: mpsc::Sender<Message> },
}

/// The channel on which a client tells that another one ends.
pub(crate) const CLOSE_CHANNEL: u8 = 255;

impl Output {
    pub(crate) async fn write(&self, bytes: &[u8]) -> Result<(), Gone> {
        if bytes.is_empty() {
            return Ok(());
        }
        match self {
            Self::Spdy { stream, frames } => {
                frames.send(spdy::data(*stream, bytes, false)).await.map_err(|_gone| Gone)
            }
            Self::WebSocket { channel, messages } => {
                let message = [&[*channel], bytes].concat();
                messages.send(Message::Binary(message.into())).await.map_err(|_gone| Gone)
            }
        }
    }

    /// Tells that nothing more is said there.
    pub(crate) async fn finish(&self) -> Result<(), Gone> {
        match self {
            Self::Spdy { stream, frames } => {
                frames.send(spdy::data(*stream, &[], true)).await.map_err(|_gone| Gone)
            }
            // No client knows of such an end: all channels end together.
            Self::WebSocket { .. } => Ok(()),
        }
    }

    /// Tells that nothing more is wanted there either.
    pub(crate) async fn reset(&self) -> Result<(), Gone> {
        match self {
            Self::Spdy { stream, frames } => {
                frames.send(spdy::reset(*stream)).await.map_err(|_gone| Gone)
            }
            Self::WebSocket { .. } => self.finish().await,
        }
    }
}
