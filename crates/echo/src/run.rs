//! How does the server run as a program of its own?

use std::io::Write as _;

use tokio::signal::unix::{SignalKind, signal};

use crate::listen::{Failure, Listening};
use crate::options::Options;

/// Serves until SIGTERM or ^C, and then until all is finished.
///
/// # Errors
///
/// When a socket cannot be opened.
pub fn run(options: Options) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        let log = options.log;
        let listening = Listening::open(options).await?;
        let [http, tcp, udp] = listening.ports()?;
        log(&format!("listening: http {http:?} tcp {tcp:?} udp {udp:?}"));
        let stop = async {
            tokio::select! {
                _ = terminated.recv() => {}
                _ = interrupted.recv() => {}
            }
        };
        listening.serve(stop).await;
        Ok(())
    })
}

/// A log that nobody reads must not stop the server.
pub(crate) fn print_line(line: &str) {
    let written = writeln!(std::io::stdout().lock(), "{line}");
    drop(written);
}
