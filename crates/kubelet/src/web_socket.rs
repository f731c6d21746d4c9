//! How does a WebSocket carry a command's streams, or a connection of SPDY?

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::channel::{
    CLOSE_CHANNEL, INPUT_CHUNKS_MAX, OUTPUT_FRAMES_MAX, Output, READ_BYTES, Said,
};
use crate::request::Wanted;
use crate::session::Streams;

/// Versions of a command's protocol, best first: by the first one a client can end its input.
pub(crate) const COMMAND_PROTOCOLS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

/// A connection of SPDY within a WebSocket.
pub(crate) const TUNNEL_PROTOCOL: &str = "SPDY/3.1+portforward.k8s.io";

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ERROR: u8 = 3;
const RESIZE: u8 = 4;

/// Bytes of one message; client-go sends 32 KiB.
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// How long a client may take to read our last words.
const FAREWELL: Duration = Duration::from_secs(5);

/// Without it, clients take the end for a failure.
const END: CloseFrame = CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::from_static("") };

async fn socket<T: AsyncRead + AsyncWrite + Unpin>(io: T) -> WebSocketStream<T> {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await
}

/// Serves a command's streams until `session` ends or the client has gone.
pub(crate) async fn serve_command<T, S, F>(io: T, wanted: Wanted, session: S)
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: FnOnce(Streams) -> F,
    F: Future<Output = ()>,
{
    let (messages, mut to_write) = mpsc::channel(OUTPUT_FRAMES_MAX);
    let output = |channel| Output::WebSocket { channel, messages: messages.clone() };
    let (stdin, from_stdin) = mpsc::channel(INPUT_CHUNKS_MAX);
    let (resize, from_resize) = mpsc::channel(INPUT_CHUNKS_MAX);
    let streams = Streams {
        stdin: wanted.stdin.then_some(from_stdin),
        stdout: wanted.stdout.then(|| output(STDOUT)),
        stderr: wanted.stderr.then(|| output(STDERR)),
        resize: wanted.terminal.then_some(from_resize),
        error: output(ERROR),
    };
    drop(messages);
    let (mut sink, mut source) = socket(io).await.split();
    let reading = async {
        while let Some(Ok(message)) = source.next().await {
            if message.is_binary() || message.is_text() {
                heard(message.into_data(), &stdin, &resize).await;
            }
        }
    };
    let writing = async {
        while let Some(message) = to_write.recv().await {
            if sink.send(message).await.is_err() {
                return;
            }
        }
        // A client that has gone needs no end.
        drop(sink.send(Message::Close(Some(END))).await);
    };
    let (mut reading, mut writing) = (std::pin::pin!(reading), std::pin::pin!(writing));
    tokio::select! {
        () = session(streams) => {}
        () = &mut reading => return,
        () = &mut writing => return,
    }
    drop(timeout(FAREWELL, async { tokio::join!(reading, writing) }).await);
}

/// Hands one message to its channel; the first byte says to which.
async fn heard(message: Bytes, stdin: &mpsc::Sender<Said>, resize: &mpsc::Sender<Said>) {
    let Some(channel) = message.first().copied() else { return };
    let bytes = message.slice(1..);
    let said = match channel {
        // An empty message is how some clients ask whether they are heard.
        STDIN | RESIZE if bytes.is_empty() => return,
        STDIN => stdin.send(Said::Bytes(bytes)).await,
        RESIZE => resize.send(Said::Bytes(bytes)).await,
        CLOSE_CHANNEL if *bytes == [STDIN] => stdin.send(Said::End).await,
        _ => return,
    };
    // Nobody may listen any longer.
    drop(said);
}

/// Bytes that may wait between a WebSocket and the SPDY in it.
const TUNNEL_BYTES: usize = 2 * READ_BYTES;

/// Serves a connection of SPDY whose bytes are the messages of a WebSocket.
pub(crate) async fn serve_tunnel<T, S, F>(io: T, session: S)
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: FnOnce(DuplexStream) -> F,
    F: Future<Output = ()>,
{
    let (ours, theirs) = tokio::io::duplex(TUNNEL_BYTES);
    let (mut reader, mut writer) = tokio::io::split(ours);
    let (mut sink, mut source) = socket(io).await.split();
    let to_session = async {
        while let Some(Ok(message)) = source.next().await {
            let is_data = message.is_binary() || message.is_text();
            if is_data && writer.write_all(&message.into_data()).await.is_err() {
                break;
            }
        }
        // A session that has ended needs no end.
        drop(writer.shutdown().await);
    };
    let to_client = async {
        let mut buffer = vec![0; READ_BYTES];
        while let Ok(count @ 1..) = reader.read(&mut buffer).await {
            let bytes = Bytes::copy_from_slice(buffer.get(..count).unwrap_or_default());
            if sink.send(Message::Binary(bytes)).await.is_err() {
                return;
            }
        }
        // A client that has gone needs no end.
        drop(sink.send(Message::Close(Some(END))).await);
    };
    let mut carrying = std::pin::pin!(async { tokio::join!(to_session, to_client) });
    tokio::select! {
        () = session(theirs) => {}
        _ended = &mut carrying => return,
    }
    drop(timeout(FAREWELL, carrying).await);
}

#[cfg(test)]
mod tests;
