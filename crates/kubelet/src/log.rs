//! How are a container's words kept, and which of them are wanted?

mod follow;
mod listen;
mod record;
mod recorder;
mod selection;
mod writer;

use jiff::Timestamp;

pub(crate) use follow::{Start, follow};
pub(crate) use record::Record;
pub use record::Stream;
pub use recorder::Recorder;
pub(crate) use selection::Selection;
pub use writer::{Log, LogWriter};

/// Bytes of one record's text; a longer line is several.
pub(crate) const RECORD_BYTES_MAX: usize = 16 * 1024;

/// What of a log is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LogOptions {
    /// Until the container ends.
    pub follow: bool,
    /// Of the run before this one.
    pub previous: bool,
    pub timestamps: bool,
    pub tail_lines: Option<u64>,
    pub limit_bytes: Option<u64>,
    pub since_s: Option<u64>,
    pub since: Option<Timestamp>,
    pub streams: LogStreams,
}

impl LogOptions {
    pub(crate) fn start(&self) -> Start {
        self.tail_lines.map_or(Start::At(0), Start::Tail)
    }
}

/// Which outputs of the container are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum LogStreams {
    #[default]
    All,
    Stdout,
    Stderr,
}
