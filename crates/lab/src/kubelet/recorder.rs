//! How are a container's words kept, for files and for those who follow them?

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ::kubelet::{Log, LogWriter, Stream};
use host::program::Pipes;
use tokio::net::unix::pipe::Receiver;

/// What one run of a container may write for followers; later words are only in the file.
const FOLLOWED_BYTES_MAX: usize = 64 << 20;

const CHUNK: usize = 16 << 10;

/// Chunks of one output that are read before others have their turn.
const CHUNKS_MAX: usize = 64;

/// The outputs of one run of a container.
#[derive(Debug)]
pub(crate) struct Recorder {
    outputs: Vec<(Receiver, Stream)>,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    file: File,
    /// None when nothing comes any longer.
    writer: Option<LogWriter>,
    left: usize,
}

impl Recorder {
    /// Begins to read; `followed` is where words are kept with their times.
    pub(crate) fn begin(pipes: Pipes, file: File, followed: &Path) -> io::Result<(Arc<Self>, Log)> {
        let writer = LogWriter::create(followed)?;
        let log = writer.log();
        let mut outputs = Vec::new();
        for (output, stream) in [(pipes.stdout, Stream::Stdout), (pipes.stderr, Stream::Stderr)] {
            if let Some(output) = output {
                outputs.push((Receiver::from_owned_fd(output)?, stream));
            }
        }
        let kept = Kept { file, writer: Some(writer), left: FOLLOWED_BYTES_MAX };
        let recorder = Arc::new(Self { outputs, kept: Mutex::new(kept) });
        for index in 0..recorder.outputs.len() {
            tokio::spawn(Arc::clone(&recorder).watch(index));
        }
        Ok((recorder, log))
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
        let mut chunk = [0; CHUNK];
        for _ in 0..CHUNKS_MAX {
            match read(&mut chunk) {
                Ok(0) => return false,
                Ok(length) => kept.add(chunk.get(..length).unwrap_or_default(), stream),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
        true
    }

    /// Takes in the last words of the program, which has ended.
    pub(crate) fn finish(&self) {
        for (output, stream) in &self.outputs {
            // The kernel is asked itself: nobody may have heard yet that there is something.
            self.take_in(*stream, |chunk| Ok(rustix::io::read(output, chunk)?));
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever follows learns that no more comes.
        kept.writer = None;
    }
}

impl Kept {
    fn add(&mut self, bytes: &[u8], stream: Stream) {
        if let Err(error) = self.file.write_all(bytes) {
            tracing::warn!("a container's words are lost: {error}");
        }
        let Some(left) = self.left.checked_sub(bytes.len()) else { return };
        self.left = left;
        if let Some(writer) = &mut self.writer
            && let Err(error) = writer.append(host::clock::wall(), stream, bytes)
        {
            tracing::warn!("a container's words are not followed: {error}");
        }
    }
}
