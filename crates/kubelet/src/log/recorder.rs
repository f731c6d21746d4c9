//! How do a container's words get into its log?

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tokio::net::unix::pipe::Receiver;

use super::{LogWriter, Stream};
use crate::channel::READ_BYTES;

/// What one run of a container may write for its followers; later words are only in the plain file.
const LOG_BYTES_MAX: usize = 64 << 20;

/// Chunks of one output that are read before others have their turn.
const CHUNKS_MAX: usize = 64;

/// Reads the outputs of one run of a container, and keeps them. What cannot be kept is read
/// nevertheless, so that the container goes on.
#[derive(Debug)]
pub struct Recorder {
    outputs: Vec<(Receiver, Stream)>,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    /// None when nothing comes any longer.
    writer: Option<LogWriter>,
    left: usize,
    plain: Option<File>,
    now: fn() -> SystemTime,
}

impl Recorder {
    /// Begins to read pipes, or the one output of a terminal. What is read goes to the log with the
    /// time of `now`, and to a plain file as it is.
    ///
    /// # Errors
    ///
    /// When an output cannot be watched.
    pub fn begin(
        outputs: impl IntoIterator<Item = (OwnedFd, Stream)>,
        writer: LogWriter,
        plain: Option<File>,
        now: fn() -> SystemTime,
    ) -> io::Result<Arc<Self>> {
        let watched = outputs.into_iter().map(|(output, stream)| {
            rustix::io::ioctl_fionbio(&output, true)?;
            Ok((Receiver::from_owned_fd_unchecked(output)?, stream))
        });
        let outputs = watched.collect::<io::Result<Vec<_>>>()?;
        let kept = Kept { writer: Some(writer), left: LOG_BYTES_MAX, plain, now };
        let recorder = Arc::new(Self { outputs, kept: Mutex::new(kept) });
        for index in 0..recorder.outputs.len() {
            // It ends with its output, which somebody whom the container left behind may hold.
            tokio::spawn(Arc::clone(&recorder).watch(index));
        }
        Ok(recorder)
    }

    async fn watch(self: Arc<Self>, index: usize) {
        let Some((output, stream)) = self.outputs.get(index) else { return };
        while output.readable().await.is_ok() {
            if !self.take_in(*stream, |chunk| output.try_read(chunk)) {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Whether more may come. What was read first is kept first.
    fn take_in(&self, stream: Stream, read: impl Fn(&mut [u8]) -> io::Result<usize>) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut chunk = vec![0; READ_BYTES];
        for _ in 0..CHUNKS_MAX {
            match read(&mut chunk) {
                Ok(0) => return false,
                Ok(length) => kept.add(chunk.get(..length).unwrap_or_default(), stream),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Any other error is an end: it is how a terminal tells that nobody writes to it.
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
        true
    }

    /// Takes in the last words of the container, which has ended; the log is complete then.
    pub fn finish(&self) {
        for (output, stream) in &self.outputs {
            // The kernel is asked itself: nobody may have heard yet that there is something.
            self.take_in(*stream, |chunk| Ok(rustix::io::read(output, chunk)?));
        }
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).writer = None;
    }
}

impl Kept {
    fn add(&mut self, words: &[u8], stream: Stream) {
        if let Some(plain) = &mut self.plain
            && let Err(error) = plain.write_all(words)
        {
            tracing::warn!("a container's words are lost: {error}");
        }
        let Some(left) = self.left.checked_sub(words.len()) else { return };
        self.left = left;
        if let Some(writer) = &mut self.writer
            && let Err(error) = writer.append((self.now)(), stream, words)
        {
            tracing::warn!("a container's words are not followed: {error}");
        }
    }
}
