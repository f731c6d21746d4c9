//! How is a connection of SPDY served: who reads, who writes, when does it end?

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::channel::{INPUT_CHUNKS_MAX, Input, OUTPUT_FRAMES_MAX, Output, READ_BYTES, Said};
use crate::spdy::{Event, Headers, Receiver, StreamId, go_away};

/// A stream that a client has opened.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) headers: Headers,
    pub(crate) input: Input,
    pub(crate) output: Output,
}

/// How long a client may take to read our last words.
const FAREWELL: Duration = Duration::from_secs(5);

/// Serves a connection for as long as `session` goes on, or until the client has gone.
pub(crate) async fn serve<T, S, F>(io: T, session: S)
where
    T: AsyncRead + AsyncWrite,
    S: FnOnce(mpsc::Receiver<Opened>) -> F,
    F: Future<Output = ()>,
{
    let (mut reader, writer) = tokio::io::split(io);
    let (frames, to_write) = mpsc::channel(OUTPUT_FRAMES_MAX);
    let (opened, streams) = mpsc::channel(INPUT_CHUNKS_MAX);
    let mut writing = std::pin::pin!(write(writer, to_write));
    {
        let mut reading = std::pin::pin!(read(&mut reader, opened, frames.clone()));
        let mut session = std::pin::pin!(session(streams));
        tokio::select! {
            () = &mut session => {}
            last = &mut reading => {
                let Some(last) = last else { return };
                // A client that takes nothing learns nothing.
                drop(frames.try_send(go_away(last)));
            }
            () = &mut writing => return,
        }
    }
    drop(frames);
    // What the client still sends is read: unread bytes would make the kernel forget our last words.
    let farewell = async { tokio::join!(writing, read_to_end(&mut reader)) };
    drop(timeout(FAREWELL, farewell).await);
}

async fn write(mut writer: impl AsyncWrite + Unpin, mut frames: mpsc::Receiver<Bytes>) {
    while let Some(frame) = frames.recv().await {
        if writer.write_all(&frame).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
    // A client that has gone needs no end.
    drop(writer.shutdown().await);
}

async fn read_to_end(reader: &mut (impl AsyncRead + Unpin)) {
    let mut buffer = vec![0; READ_BYTES];
    while let Ok(1..) = reader.read(&mut buffer).await {}
}

/// Hands the client's words to its streams, until its end. Gives the last stream's number when the
/// client does not speak the protocol.
async fn read(
    reader: &mut (impl AsyncRead + Unpin),
    opened: mpsc::Sender<Opened>,
    frames: mpsc::Sender<Bytes>,
) -> Option<StreamId> {
    let mut receiver = Receiver::new().ok()?;
    let mut inputs = BTreeMap::new();
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(READ_BYTES);
        match reader.read_buf(&mut buffer).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => return None,
        }
        let outcome = receiver.receive(buffer.split().freeze());
        let replies = receiver.take_replies();
        if !replies.is_empty() && frames.send(replies).await.is_err() {
            return None;
        }
        let events = match outcome {
            Ok(events) => events,
            Err(error) => {
                tracing::debug!("a client does not speak SPDY: {error}");
                return Some(receiver.last());
            }
        };
        for event in events {
            happened(event, &mut inputs, &opened, &frames).await;
        }
    }
}

async fn happened(
    event: Event,
    inputs: &mut BTreeMap<StreamId, mpsc::Sender<Said>>,
    opened: &mpsc::Sender<Opened>,
    frames: &mpsc::Sender<Bytes>,
) {
    match event {
        Event::Opened { stream, headers } => {
            let (said, input) = mpsc::channel(INPUT_CHUNKS_MAX);
            // Those to which nobody listens any longer are kept until here.
            inputs.retain(|_, input: &mut mpsc::Sender<Said>| !input.is_closed());
            inputs.insert(stream, said);
            let output = Output::Spdy { stream, frames: frames.clone() };
            // The session may have all that it wants.
            drop(opened.send(Opened { headers, input, output }).await);
        }
        Event::Data { stream, bytes } => say(inputs, stream, Said::Bytes(bytes)).await,
        Event::Ended(stream) => say(inputs, stream, Said::End).await,
        Event::Reset(stream) => say(inputs, stream, Said::Reset).await,
        Event::GoneAway => {}
    }
}

async fn say(inputs: &BTreeMap<StreamId, mpsc::Sender<Said>>, stream: StreamId, said: Said) {
    if let Some(input) = inputs.get(&stream) {
        // Nobody may listen any longer.
        drop(input.send(said).await);
    }
}

#[cfg(test)]
mod tests;
