//! How does a log reach a client, from its file and as long as it grows?

use std::collections::VecDeque;
use std::io;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt as _, AsyncSeekExt as _, BufReader, SeekFrom};
use tokio::sync::mpsc;

use super::{Log, LogOptions, Record, Selection};

/// Bytes that are gathered before they are sent.
const CHUNK_BYTES: usize = 32 * 1024;

/// Where in a log a reader begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// At the last so many lines.
    Tail(u64),
    /// After so many bytes of the file, which end a record.
    At(u64),
}

/// Sends what is wanted of a log, until there is no more or the client has gone.
pub(crate) async fn follow(
    log: Log,
    start: Start,
    options: LogOptions,
    now: Timestamp,
    to: mpsc::Sender<io::Result<Bytes>>,
) {
    if let Err(error) = send(log, start, &options, now, &to).await {
        // A client that has gone needs no error.
        drop(to.send(Err(error)).await);
    }
}

async fn send(
    mut log: Log,
    start: Start,
    options: &LogOptions,
    now: Timestamp,
    to: &mpsc::Sender<io::Result<Bytes>>,
) -> io::Result<()> {
    let mut selection = Selection::new(options, now);
    let mut file = match File::open(&log.path).await {
        Ok(file) => BufReader::new(file),
        // It has said nothing yet.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut progress = *log.progress.borrow_and_update();
    let mut at = match start {
        Start::At(at) => at,
        Start::Tail(lines) => start_of_tail(&mut file, progress.bytes, lines).await?,
    };
    file.seek(SeekFrom::Start(at)).await?;
    let mut line = Vec::new();
    loop {
        let mut out = Vec::new();
        while at < progress.bytes && !selection.is_over() && out.len() < CHUNK_BYTES {
            at += read_line(&mut file, &mut line).await?;
            if let Some(record) = Record::parse(&line) {
                selection.take(&record, &mut out);
            }
        }
        if !out.is_empty() && to.send(Ok(out.into())).await.is_err() {
            return Ok(());
        }
        if selection.is_over() {
            return Ok(());
        }
        if at >= progress.bytes {
            if !options.follow || progress.is_complete {
                return Ok(());
            }
            tokio::select! {
                () = to.closed() => return Ok(()),
                // The writer tells that the log is complete before it goes.
                _changed_or_gone = log.progress.changed() => {}
            }
            progress = *log.progress.borrow_and_update();
        }
    }
}

/// One line without its newline; how many bytes of the file it has.
async fn read_line(file: &mut BufReader<File>, line: &mut Vec<u8>) -> io::Result<u64> {
    line.clear();
    let count = file.read_until(b'\n', line).await?;
    if line.pop_if(|byte| *byte == b'\n').is_none() {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the log was cut"));
    }
    Ok(u64::try_from(count).unwrap_or(u64::MAX))
}

/// Where the last so many lines of the output begin. A line may be of several records.
async fn start_of_tail(file: &mut BufReader<File>, bytes: u64, lines: u64) -> io::Result<u64> {
    let mut starts = VecDeque::new();
    let (mut at, mut is_start) = (0, true);
    let mut line = Vec::new();
    while at < bytes {
        if is_start {
            starts.push_back(at);
            if u64::try_from(starts.len()).unwrap_or(u64::MAX) > lines {
                starts.pop_front();
            }
        }
        at += read_line(file, &mut line).await?;
        is_start = Record::parse(&line).is_none_or(|record| record.ends_line);
    }
    Ok(starts.front().copied().unwrap_or(bytes))
}

#[cfg(test)]
mod tests;
