//! What passes between a running program and whoever runs it?

use std::io::{self, ErrorKind, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout};

use rustix::event::{PollFd, PollFlags};
use rustix::io::ioctl_fionbio;

/// What is taken from a pipe at once: as much as one holds.
const TAKEN_BYTES: usize = 64 << 10;

/// Our ends of a program's pipes. None of them is waited for.
pub(super) struct Pipes<'a> {
    /// Closed when all is written, or nobody reads any more.
    input: Option<ChildStdin>,
    unwritten: &'a [u8],
    output: Listener<ChildStdout>,
    errors: Listener<ChildStderr>,
}

/// A pipe until its end, and what has come.
struct Listener<P> {
    pipe: Option<P>,
    bytes: Vec<u8>,
}

impl<'a> Pipes<'a> {
    /// # Errors
    /// The system does not let us read without waiting.
    pub(super) fn of(child: &mut Child, input: &'a [u8]) -> io::Result<Self> {
        let pipes = Self {
            input: child.stdin.take(),
            unwritten: input,
            output: Listener { pipe: child.stdout.take(), bytes: Vec::new() },
            errors: Listener { pipe: child.stderr.take(), bytes: Vec::new() },
        };
        if let (Some(input), Some(output), Some(errors)) =
            (&pipes.input, &pipes.output.pipe, &pipes.errors.pipe)
        {
            ioctl_fionbio(input, true)?;
            ioctl_fionbio(output, true)?;
            ioctl_fionbio(errors, true)?;
        }
        Ok(pipes)
    }

    /// Those where something may pass later.
    pub(super) fn waited(&self) -> impl Iterator<Item = PollFd<'_>> {
        let input = self.input.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::OUT));
        let output = self.output.pipe.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN));
        let errors = self.errors.pipe.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN));
        [input, output, errors].into_iter().flatten()
    }

    /// Writes and reads what can be without waiting, a part of each. False when nothing was heard.
    ///
    /// # Errors
    /// What the system says of a pipe.
    pub(super) fn pass(&mut self) -> io::Result<bool> {
        self.write()?;
        let has_said = self.output.take()?;
        let has_complained = self.errors.take()?;
        Ok(has_said || has_complained)
    }

    /// How many bytes have come from where most have.
    pub(super) fn longest(&self) -> usize {
        self.output.bytes.len().max(self.errors.bytes.len())
    }

    /// Output and errors.
    pub(super) fn heard(self) -> (String, String) {
        (text(&self.output.bytes), text(&self.errors.bytes))
    }

    fn write(&mut self) -> io::Result<()> {
        let Some(pipe) = self.input.as_mut().filter(|_| !self.unwritten.is_empty()) else {
            self.input = None;
            return Ok(());
        };
        match pipe.write(self.unwritten) {
            Ok(written) => {
                self.unwritten = self.unwritten.get(written..).unwrap_or_default();
                if self.unwritten.is_empty() {
                    self.input = None;
                }
            }
            // A program that ends without reading its input is no failure of ours.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => self.input = None,
            Err(error) if is_for_later(&error) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl<P: Read> Listener<P> {
    /// Takes a part of what is there; false when there is nothing.
    fn take(&mut self) -> io::Result<bool> {
        let Some(pipe) = &mut self.pipe else { return Ok(false) };
        let mut part = vec![0; TAKEN_BYTES];
        match pipe.read(&mut part) {
            Ok(0) => {
                self.pipe = None;
                Ok(false)
            }
            Ok(length) => {
                self.bytes.extend_from_slice(part.get(..length).unwrap_or_default());
                Ok(true)
            }
            Err(error) if is_for_later(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
