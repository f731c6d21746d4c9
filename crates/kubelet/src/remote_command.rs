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
