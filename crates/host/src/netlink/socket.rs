//! How do bytes get to the kernel and back?

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use netlink_sys::SocketAddr;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt;

use super::message::Misframed;
use crate::clock;

/// The kernel's dumps fill at most 32 KiB; single answers can be larger. Pages that are never
/// written cost nothing.
const DATAGRAM_MAX: usize = 256 << 10;

/// Why a netlink socket could not be used or no longer can.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    #[error("cannot open a netlink socket: {call}: {source}")]
    Open { call: &'static str, source: io::Error },
    #[error("cannot send {size} bytes over netlink: {source}")]
    Send { size: usize, source: io::Error },
    #[error(
        "netlink takes no request of this size: {size} bytes: {source}\nhint: send less at once"
    )]
    TooLarge { size: usize, source: io::Error },
    #[error("cannot receive from netlink: {0}")]
    Receive(#[source] io::Error),
    #[error("netlink answers were lost: the socket's receive buffer is full")]
    Overrun,
    #[error("netlink answer is larger than expected: {size} bytes")]
    Truncated { size: usize },
    #[error(transparent)]
    Misframed(#[from] Misframed),
}

/// How much may stand in the queues of a socket, in bytes. Beyond the system's limits, which needs
/// CAP_NET_ADMIN in the initial user namespace.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BufferSizes {
    pub(crate) send: Option<usize>,
    pub(crate) receive: Option<usize>,
}

/// A multicast group, by number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group(pub(crate) u32);

#[derive(Debug, Clone, Copy)]
pub(crate) enum Wait {
    No,
    AtMost(Duration),
}

#[derive(Debug)]
pub(crate) struct Socket {
    socket: netlink_sys::Socket,
    port_id: u32,
    buffer: Vec<u8>,
    sequence: u32,
}

impl Socket {
    /// A socket lives in the network namespace of the thread that opened it, whoever uses it.
    pub(crate) fn open(
        protocol: isize,
        sizes: BufferSizes,
        groups: &[Group],
    ) -> Result<Self, SocketError> {
        let failed = |call| move |source| SocketError::Open { call, source };
        let mut socket = netlink_sys::Socket::new(protocol).map_err(failed("socket"))?;
        socket.set_ext_ack(true).map_err(failed("NETLINK_EXT_ACK"))?;
        socket.set_cap_ack(true).map_err(failed("NETLINK_CAP_ACK"))?;
        if let Some(size) = sizes.send {
            sockopt::set_socket_send_buffer_size_force(&socket, size)
                .map_err(|errno| failed("SO_SNDBUFFORCE")(errno.into()))?;
        }
        if let Some(size) = sizes.receive {
            sockopt::set_socket_recv_buffer_size_force(&socket, size)
                .map_err(|errno| failed("SO_RCVBUFFORCE")(errno.into()))?;
        }
        let port_id = socket.bind_auto().map_err(failed("bind"))?.port_number();
        for group in groups {
            socket.add_membership(group.0).map_err(failed("NETLINK_ADD_MEMBERSHIP"))?;
        }
        Ok(Self { socket, port_id, buffer: Vec::with_capacity(DATAGRAM_MAX), sequence: 0 })
    }

    pub(crate) const fn port_id(&self) -> u32 {
        self.port_id
    }

    /// A sequence number for a message of this crate.
    pub(crate) const fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    pub(crate) fn send(&self, request: &[u8]) -> Result<(), SocketError> {
        let kernel = SocketAddr::new(0, 0);
        let size = request.len();
        loop {
            let Err(source) = self.socket.send_to(request, &kernel, 0) else { return Ok(()) };
            match source.raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::EMSGSIZE | libc::ENOBUFS) => {
                    return Err(SocketError::TooLarge { size, source });
                }
                _ => return Err(SocketError::Send { size, source }),
            }
        }
    }

    /// The next datagram from the kernel, if there is one.
    pub(crate) fn receive(&mut self, wait: Wait) -> Result<Option<&[u8]>, SocketError> {
        if let Wait::AtMost(timeout) = wait
            && !self.poll(timeout)?
        {
            return Ok(None);
        }
        loop {
            self.buffer.clear();
            let flags = libc::MSG_DONTWAIT | libc::MSG_TRUNC;
            match self.socket.recv_from(&mut self.buffer, flags) {
                Ok((size, _)) if size > self.buffer.len() => {
                    return Err(SocketError::Truncated { size });
                }
                // Another process may write to this socket if it is privileged: not the kernel's word.
                Ok((_, sender)) if sender.port_number() != 0 => {}
                Ok(_) => return Ok(Some(&self.buffer)),
                Err(source) => match source.raw_os_error() {
                    Some(libc::EINTR) => {}
                    Some(libc::EAGAIN) => return Ok(None),
                    Some(libc::ENOBUFS) => return Err(SocketError::Overrun),
                    _ => return Err(SocketError::Receive(source)),
                },
            }
        }
    }

    /// Whether something stands in the receive queue before the time is over.
    fn poll(&self, timeout: Duration) -> Result<bool, SocketError> {
        let start = clock::monotonic();
        loop {
            // A wait too long for the kernel's type is one without end.
            let left = Timespec::try_from(timeout.saturating_sub(start.elapsed())).ok();
            match poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], left.as_ref()) {
                Ok(ready) => return Ok(ready > 0),
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(SocketError::Receive(errno.into())),
            }
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
