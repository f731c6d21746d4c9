//! How is a pipe or a terminal read and written without blocking?

use std::io;
use std::os::fd::OwnedFd;

use tokio::net::unix::pipe;

use crate::runtime::{Reader, Writer};

/// Reads from a descriptor of a pipe or a terminal; of nothing else, such as a file.
///
/// # Errors
///
/// When it cannot be watched.
pub fn reader(descriptor: OwnedFd) -> io::Result<Reader> {
    rustix::io::ioctl_fionbio(&descriptor, true)?;
    Ok(Box::pin(pipe::Receiver::from_owned_fd_unchecked(descriptor)?))
}

/// Writes to a descriptor of a pipe or a terminal, until it is dropped.
///
/// # Errors
///
/// When it cannot be watched.
pub fn writer(descriptor: OwnedFd) -> io::Result<Writer> {
    rustix::io::ioctl_fionbio(&descriptor, true)?;
    Ok(Box::pin(pipe::Sender::from_owned_fd_unchecked(descriptor)?))
}
