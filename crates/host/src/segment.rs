//! How are frames about neighbours received from a link and sent to it?

mod packet_socket;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

/// Longer frames are cut. What is read here is shorter, but for options that nobody needs.
pub const FRAME_MAX: usize = 256;

/// So much may stand in the receive queue, in bytes: frames of a moment in which the reader is late.
const QUEUE_BYTES: usize = 1 << 20;

/// What failed, on which link.
#[derive(Debug, thiserror::Error)]
#[error("cannot {call} on link {link}: {source}")]
pub struct SegmentError {
    pub call: &'static str,
    /// Its index.
    pub link: u32,
    pub source: io::Error,
}

/// A link's ARP frames, and the solicitations and advertisements of IPv6 neighbour discovery, as far
/// as they are for this host or for all. Nothing else wakes the reader: the kernel filters. What this
/// host sends is not heard.
#[derive(Debug)]
pub struct Segment {
    socket: OwnedFd,
    link: u32,
}

impl Segment {
    /// In the network namespace of the calling thread. Needs `CAP_NET_RAW`.
    pub fn open(link: u32) -> Result<Self, SegmentError> {
        let socket = packet_socket::open(link, QUEUE_BYTES)
            .map_err(|(call, source)| SegmentError { call, link, source })?;
        Ok(Self { socket, link })
    }

    /// The link's index.
    #[must_use]
    pub const fn link(&self) -> u32 {
        self.link
    }

    /// The next frame that has come, if there is one: its length. Longer ones are cut.
    pub fn receive(&self, frame: &mut [u8; FRAME_MAX]) -> Result<Option<usize>, SegmentError> {
        loop {
            return match recv(&self.socket, &mut frame[..], RecvFlags::DONTWAIT) {
                Ok((length, _)) => Ok(Some(length)),
                Err(Errno::AGAIN) => Ok(None),
                Err(Errno::INTR) => continue,
                Err(errno) => Err(self.failed("receive", errno)),
            };
        }
    }

    /// Sends a whole frame. It never waits: what a full queue does not take is lost, as on the wire.
    pub fn send(&self, frame: &[u8]) -> Result<(), SegmentError> {
        match send(&self.socket, frame, SendFlags::DONTWAIT) {
            Ok(_) | Err(Errno::AGAIN | Errno::NOBUFS) => Ok(()),
            Err(errno) => Err(self.failed("send", errno)),
        }
    }

    fn failed(&self, call: &'static str, errno: Errno) -> SegmentError {
        SegmentError { call, link: self.link, source: errno.into() }
    }
}

impl AsFd for Segment {
    /// Readable when [`Self::receive`] has something to give, or the link went down.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
