//! Which streams does a client open for a command, and by which version of the protocol?

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::channel::{Input, Output};
use crate::request::Wanted;
use crate::session::Streams;
use crate::spdy_connection::Opened;

/// The version over SPDY that tells exit codes and takes sizes of terminals.
pub(crate) const SPDY_PROTOCOL: &str = "v4.channel.k8s.io";

/// How long a client may take to open its streams.
const OPENING: Duration = Duration::from_secs(30);

/// Waits for the streams that belong to what is wanted; none when the client does not open them.
pub(crate) async fn streams(wanted: Wanted, mut opened: mpsc::Receiver<Opened>) -> Option<Streams> {
    let mut found = Found::default();
    let gathering = async {
        while !found.is_complete(wanted) {
            let next = opened.recv().await?;
            found.add(next, wanted).await;
        }
        Some(())
    };
    timeout(OPENING, gathering).await.ok()??;
    let Found { stdin, stdout, stderr, resize, error } = found;
    Some(Streams { stdin, stdout, stderr, resize, error: error? })
}

#[derive(Debug, Default)]
struct Found {
    stdin: Option<Input>,
    stdout: Option<Output>,
    stderr: Option<Output>,
    resize: Option<Input>,
    error: Option<Output>,
}

impl Found {
    const fn is_complete(&self, wanted: Wanted) -> bool {
        self.error.is_some()
            && self.stdin.is_some() == wanted.stdin
            && self.stdout.is_some() == wanted.stdout
            && self.stderr.is_some() == wanted.stderr
            && self.resize.is_some() == wanted.terminal
    }

    /// A stream that does not belong there is not wanted, and neither is a second one of its kind.
    async fn add(&mut self, Opened { headers, input, output }: Opened, wanted: Wanted) {
        match headers.value("streamtype") {
            Some("error") if self.error.is_none() => self.error = Some(output),
            Some("stdin") if wanted.stdin && self.stdin.is_none() => self.stdin = Some(input),
            Some("stdout") if wanted.stdout && self.stdout.is_none() => self.stdout = Some(output),
            Some("stderr") if wanted.stderr && self.stderr.is_none() => self.stderr = Some(output),
            Some("resize") if wanted.terminal && self.resize.is_none() => self.resize = Some(input),
            // A client that has gone opens no more of them.
            _ => drop(output.reset().await),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::channel::Output;
    use crate::spdy::{Headers, StreamId, reset};

    const WANTED: Wanted = Wanted { stdin: false, stdout: true, stderr: false, terminal: false };

    /// Opens streams of these kinds, in this order; what the client is told, and which stream is
    /// which.
    async fn opened(kinds: &[&str]) -> (Option<(StreamId, StreamId)>, Vec<Bytes>) {
        let (frames, mut told) = mpsc::channel(16);
        let (opened, streams_of) = mpsc::channel(16);
        for (number, kind) in (1_u32..).zip(kinds) {
            let output = Output::Spdy { stream: StreamId(number), frames: frames.clone() };
            let headers = Headers::from([("streamtype", *kind)]);
            opened.send(Opened { headers, input: mpsc::channel(1).1, output }).await.unwrap();
        }
        drop(frames);
        let found = streams(WANTED, streams_of).await.map(|found| {
            let number = |output: &Output| match output {
                Output::Spdy { stream, .. } => *stream,
                Output::WebSocket { .. } => StreamId(0),
            };
            (number(&found.error), number(found.stdout.as_ref().unwrap()))
        });
        drop(opened);
        let mut all = Vec::new();
        while let Some(frame) = told.recv().await {
            all.push(frame);
        }
        (found, all)
    }

    #[tokio::test]
    async fn streams_may_come_in_any_order() {
        let found = opened(&["stdout", "error"]).await;
        assert_eq!(found, (Some((StreamId(2), StreamId(1))), vec![]));
    }

    #[tokio::test]
    async fn streams_that_are_not_wanted_are_refused() {
        let found = opened(&["stdin", "stdout", "stdout", "data", "error"]).await;
        let refused = [1, 3, 4].map(|number| reset(StreamId(number))).to_vec();
        assert_eq!(found, (Some((StreamId(5), StreamId(2))), refused));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_open_its_streams_is_given_up() {
        assert_eq!(opened(&["error"]).await, (None, vec![]));
    }
}
