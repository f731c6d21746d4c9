//! How do connections of a client reach a pod's ports?

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::channel::{Gone, Input, Output, READ_BYTES, Said};
use crate::request::PodName;
use crate::runtime::{Duplex, Runtime};
use crate::spdy_connection::Opened;

/// The protocol's only version.
pub(crate) const PROTOCOL: &str = "portforward.k8s.io";

/// Connections that one client may have at a time.
pub(crate) const CONNECTIONS_MAX: usize = 128;

/// Streams whose other half has not come yet; one more is refused.
const HALVES_MAX: usize = 64;

/// Forwards until the client opens no more streams.
pub(crate) async fn run<R: Runtime>(
    runtime: Arc<R>,
    pod: PodName,
    mut opened: mpsc::Receiver<Opened>,
) {
    let mut halves = Halves::default();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            next = opened.recv() => {
                let Some(next) = next else { return };
                let Some(pair) = halves.add(next).await else { continue };
                if connections.len() >= CONNECTIONS_MAX {
                    let words = format!("more than {CONNECTIONS_MAX} connections at a time");
                    drop(refuse(&pair, &words).await);
                    continue;
                }
                connections.spawn(forward(Arc::clone(&runtime), pod.clone(), pair));
            }
            Some(_ended) = connections.join_next() => {}
        }
    }
}

/// The two streams of one connection.
#[derive(Debug)]
struct Pair {
    port: u16,
    input: Input,
    output: Output,
    /// Where a failure is told.
    error: Output,
}

#[derive(Debug)]
enum Half {
    Error(Output),
    Data(Input, Output),
}

/// Streams by the number of their connection, as the client counts.
#[derive(Debug, Default)]
struct Halves(BTreeMap<String, Half>);

impl Halves {
    /// Takes one stream; the pair if it makes one complete.
    async fn add(&mut self, Opened { headers, input, output }: Opened) -> Option<Pair> {
        let port =
            headers.value("port").and_then(|port| port.parse().ok()).filter(|port| *port > 0);
        let (Some(port), Some(request)) = (port, headers.value("requestid")) else {
            // A client that has gone opens no more of them.
            drop(output.reset().await);
            return None;
        };
        let other = self.0.remove(request);
        let half = match (headers.value("streamtype"), other) {
            (Some("error"), None) => Half::Error(output),
            (Some("data"), None) => Half::Data(input, output),
            (Some("error"), Some(Half::Data(input, data))) => {
                return Some(Pair { port, input, output: data, error: output });
            }
            (Some("data"), Some(Half::Error(error))) => {
                return Some(Pair { port, input, output, error });
            }
            (_, other) => {
                drop(output.reset().await);
                if let Some(other) = other {
                    self.0.insert(request.to_owned(), other);
                }
                return None;
            }
        };
        if self.0.len() >= HALVES_MAX {
            let (Half::Error(output) | Half::Data(_, output)) = half;
            drop(output.reset().await);
            return None;
        }
        self.0.insert(request.to_owned(), half);
        None
    }
}

async fn refuse(pair: &Pair, words: &str) -> Result<(), Gone> {
    pair.error.write(words.as_bytes()).await?;
    pair.error.finish().await?;
    pair.output.reset().await
}

async fn forward<R: Runtime>(runtime: Arc<R>, pod: PodName, pair: Pair) {
    let outcome = match runtime.connect(&pod, pair.port).await {
        Ok(connection) => carry(pair, connection).await,
        Err(refusal) => {
            let words = format!("port {} of pod {pod}: {refusal}", pair.port);
            refuse(&pair, &words).await
        }
    };
    // Nobody is left to be told.
    drop(outcome);
}

/// Carries both directions, each to its own end.
async fn carry(pair: Pair, connection: Box<dyn Duplex>) -> Result<(), Gone> {
    let Pair { mut input, output, error, .. } = pair;
    let (mut reader, mut writer) = tokio::io::split(connection);
    let to_pod = async {
        loop {
            match input.recv().await {
                Some(Said::Bytes(bytes)) => {
                    if writer.write_all(&bytes).await.is_err() {
                        // It may still have something to say.
                        break;
                    }
                }
                Some(Said::End) => {
                    drop(writer.shutdown().await);
                    break;
                }
                Some(Said::Reset) | None => return,
            }
        }
        // From here on only the client's loss of interest matters.
        while !matches!(input.recv().await, Some(Said::Reset) | None) {}
    };
    let to_client = async {
        let mut buffer = vec![0; READ_BYTES];
        while let Ok(count @ 1..) = reader.read(&mut buffer).await {
            output.write(buffer.get(..count).unwrap_or_default()).await?;
        }
        output.finish().await
    };
    tokio::select! {
        () = to_pod => output.reset().await?,
        sent = to_client => sent?,
    }
    error.finish().await
}

#[cfg(test)]
mod tests;
