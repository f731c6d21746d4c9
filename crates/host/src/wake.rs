//! How does a thread wait for several things at once, and how do others wake it?

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::{Errno, read, write};

/// Waits until something can be read from one of these, at most so long; without a time, for ever.
pub fn wait(sources: &[BorrowedFd<'_>], at_most: Option<Duration>) -> io::Result<()> {
    let mut polled: Vec<PollFd<'_>> =
        sources.iter().map(|source| PollFd::from_borrowed_fd(*source, PollFlags::IN)).collect();
    // A wait too long for the kernel's type is one without end.
    let time = at_most.and_then(|time| Timespec::try_from(time).ok());
    match poll(&mut polled, time.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Wakes the thread that waits for it, from any other. It is one bell, whoever rings it.
#[derive(Debug, Clone)]
pub struct Waker(Arc<OwnedFd>);

impl Waker {
    pub fn new() -> io::Result<Self> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self(Arc::new(bell)))
    }

    /// Once or several times, until the other has heard it.
    pub fn wake(&self) {
        // The counter is full only while it has not been heard, which is all that counts.
        let _full_or_done = write(&self.0, &1_u64.to_ne_bytes());
    }

    /// Whether somebody rang since the last time.
    #[must_use]
    pub fn hear(&self) -> bool {
        read(&self.0, &mut [0; 8]).is_ok()
    }
}

impl AsFd for Waker {
    /// Readable when [`Self::hear`] would say so.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
