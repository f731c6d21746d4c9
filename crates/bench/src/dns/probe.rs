//! Does a name server answer one question rightly?

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use host::datagram::Batch;

use super::answer;
use super::closed::{Target, client_socket, to, wait};
use super::question::CACHED_NAMES;

const MESSAGE_MAX: usize = 4096;
const ATTEMPTS: usize = 3;

/// Asks the question with this number once, over UDP.
pub(crate) fn is_answered(target: Target<'_>, number: u64) -> Result<bool> {
    Ok(records(target, number)?.is_some())
}

/// How many records the right answer to it has; `None` when none came.
pub(crate) fn records(target: Target<'_>, number: u64) -> Result<Option<u16>> {
    let socket = client_socket()?;
    let mut message = Vec::new();
    target.workload.write(number, 1, &mut message);
    // What nobody receives is as good as not answered.
    if socket.send(&message, &to(target.server)).is_err() {
        return Ok(None);
    }
    wait(std::iter::once(&socket), Duration::from_millis(200))?;
    let mut batch = Batch::new(1, MESSAGE_MAX, 0);
    batch.receive(&socket).context("receive an answer")?;
    let expected = target.workload.expected(number);
    let right = batch
        .exchanges()
        .map(|(datagram, _)| datagram.payload)
        .find(|message| answer::id(message) == Some(1) && answer::is_right(message, expected));
    Ok(right.map(answer::records))
}

/// Asks for every outside name that is to be in the cache.
pub(crate) fn warm(target: Target<'_>) -> Result<()> {
    for number in 0..CACHED_NAMES {
        let mut is_warm = false;
        for _ in 0..ATTEMPTS {
            is_warm = is_warm || is_answered(target, number)?;
        }
        ensure!(is_warm, "{}: no right answer for an outside name", target.server);
    }
    Ok(())
}
