//! Who writes a container's log, and how do readers learn how far it goes?

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use tokio::sync::watch;

use super::{RECORD_BYTES_MAX, Record, Stream};

/// How far a log goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Bytes of the file that are whole records.
    pub bytes: u64,
    /// The container has ended and all of its words are there.
    pub is_complete: bool,
}

/// The log of one run of a container, for whoever reads it; also after the run.
#[derive(Debug, Clone)]
pub struct Log {
    pub(super) path: PathBuf,
    pub(super) progress: watch::Receiver<Progress>,
}

/// Writes the log of one run of a container. Dropped, the log is complete.
#[derive(Debug)]
pub struct LogWriter {
    file: File,
    path: PathBuf,
    progress: watch::Sender<Progress>,
}

impl LogWriter {
    /// Begins a new file; one that is there is emptied.
    ///
    /// # Errors
    ///
    /// When the file cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        file.set_len(0)?;
        Ok(Self { file, path: path.to_owned(), progress: watch::channel(Progress::default()).0 })
    }

    /// What readers are given, now or later.
    #[must_use]
    pub fn log(&self) -> Log {
        Log { path: self.path.clone(), progress: self.progress.subscribe() }
    }

    /// Adds what was read of one output, whether or not it ends with a line.
    ///
    /// # Errors
    ///
    /// When the file cannot be written; then it has none of these words.
    pub fn append(&mut self, time: SystemTime, stream: Stream, words: &[u8]) -> io::Result<()> {
        // Times that a calendar does not have are none of a clock's.
        let time = Timestamp::try_from(time).unwrap_or_default();
        let mut out = Vec::with_capacity(words.len() + 64);
        for piece in words.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends_line) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            let mut rest = text;
            while rest.len() > RECORD_BYTES_MAX {
                let (text, later) = rest.split_at(RECORD_BYTES_MAX);
                Record { time, stream, ends_line: false, text }.write(&mut out);
                rest = later;
            }
            Record { time, stream, ends_line, text: rest }.write(&mut out);
        }
        if let Err(error) = self.file.write_all(&out) {
            // Half a record would make the next one unreadable.
            let bytes = self.progress.borrow().bytes;
            self.file.set_len(bytes)?;
            return Err(error);
        }
        let added = u64::try_from(out.len()).unwrap_or(0);
        self.progress.send_modify(|progress| progress.bytes += added);
        Ok(())
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        self.progress.send_modify(|progress| progress.is_complete = true);
    }
}
