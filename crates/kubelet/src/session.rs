//! How are a program's streams and a client's brought together?

use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::channel::{Gone, Input, Output, READ_BYTES, Said};
use crate::runtime::{Exit, Process, Reader, Refusal, Resize, TerminalSize, Writer};
use crate::status::status;

/// The streams that a client has opened for one program.
#[derive(Debug)]
pub(crate) struct Streams {
    pub(crate) stdin: Option<Input>,
    pub(crate) stdout: Option<Output>,
    pub(crate) stderr: Option<Output>,
    pub(crate) resize: Option<Input>,
    /// Where the client learns how it ended.
    pub(crate) error: Output,
}

/// How long the outputs may stay open after the program has ended: what it left running may hold
/// them.
const OUTPUT_AFTER_EXIT: Duration = Duration::from_secs(10);

/// Bytes of one resize message.
const RESIZE_BYTES_MAX: usize = 1024;

/// Carries words in both directions until the program has ended, and tells the client how.
pub(crate) async fn run(streams: Streams, process: Result<Process, Refusal>) -> Result<(), Gone> {
    let Streams { stdin, stdout, stderr, resize, error } = streams;
    let outcome = match process {
        Err(refusal) => Err(refusal),
        Ok(process) => {
            let Process { stdin: to, stdout: from, stderr: from_errors, resize: set, exit } =
                process;
            let inputs = async {
                tokio::join!(write_input(stdin, to), resize_terminal(resize, set));
            };
            let outputs = async {
                tokio::join!(
                    read_output(from, stdout.as_ref()),
                    read_output(from_errors, stderr.as_ref())
                )
            };
            ended(exit, inputs, outputs).await?
        }
    };
    for output in [&stdout, &stderr].into_iter().flatten() {
        output.finish().await?;
    }
    error.write(&status(&outcome)).await?;
    error.finish().await
}

type Outputs = (Result<(), Gone>, Result<(), Gone>);

/// Waits for the program's end and the rest of its words; what the client says matters until then.
async fn ended(
    exit: Pin<Box<dyn Future<Output = Result<Exit, Refusal>> + Send>>,
    inputs: impl Future<Output = ()>,
    outputs: impl Future<Output = Outputs>,
) -> Result<Result<Exit, Refusal>, Gone> {
    let ending = async {
        let mut outputs = std::pin::pin!(outputs);
        let mut exit = exit;
        let outcome = tokio::select! {
            outcome = &mut exit => outcome,
            (stdout, stderr) = &mut outputs => {
                stdout?;
                stderr?;
                return Ok(exit.await);
            }
        };
        match timeout(OUTPUT_AFTER_EXIT, outputs).await {
            Ok((stdout, stderr)) => stdout.and(stderr)?,
            Err(_elapsed) => {}
        }
        Ok(outcome)
    };
    let (mut inputs, mut ending) = (std::pin::pin!(inputs), std::pin::pin!(ending));
    tokio::select! {
        outcome = &mut ending => outcome,
        () = &mut inputs => ending.await,
    }
}

/// Writes what the client says until it has nothing more to say, or the program does not listen.
async fn write_input(from: Option<Input>, to: Option<Writer>) {
    let (Some(mut from), Some(mut to)) = (from, to) else { return };
    while let Some(Said::Bytes(bytes)) = from.recv().await {
        let written = async {
            to.write_all(&bytes).await?;
            to.flush().await
        };
        if written.await.is_err() {
            break;
        }
    }
    // A program that does not listen does not hear the end either.
    drop(to.shutdown().await);
    drop(to);
    // The client's connection must be read on, for its other streams.
    while from.recv().await.is_some() {}
}

/// Reads until the program has nothing more to say. An error is an end: it is how a terminal tells
/// that nobody writes to it any longer.
async fn read_output(from: Option<Reader>, to: Option<&Output>) -> Result<(), Gone> {
    let Some(mut from) = from else { return Ok(()) };
    let mut buffer = vec![0; READ_BYTES];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if let Some(to) = to {
            to.write(buffer.get(..count).unwrap_or_default()).await?;
        }
    }
    Ok(())
}

async fn resize_terminal(from: Option<Input>, set: Option<Resize>) {
    let (Some(mut from), Some(mut set)) = (from, set) else { return };
    let mut partial = Vec::new();
    while let Some(Said::Bytes(bytes)) = from.recv().await {
        partial.extend_from_slice(&bytes);
        for size in sizes(&mut partial) {
            // A terminal that has gone has no size.
            if set(size).is_err() {
                return;
            }
        }
    }
}

/// The sizes in a stream of JSON values; what is not complete stays. What is no size is passed over
/// with all that was there.
fn sizes(partial: &mut Vec<u8>) -> Vec<TerminalSize> {
    let mut values = serde_json::Deserializer::from_slice(partial).into_iter::<TerminalSize>();
    let mut all = Vec::new();
    let mut is_broken = false;
    for value in values.by_ref() {
        match value {
            Ok(size) => all.push(size),
            Err(error) => {
                is_broken = !error.is_eof();
                break;
            }
        }
    }
    let read = values.byte_offset();
    partial.drain(..read);
    if is_broken || partial.len() > RESIZE_BYTES_MAX {
        partial.clear();
    }
    all
}

#[cfg(test)]
mod tests;
