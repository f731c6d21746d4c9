//! Who changed nf_tables, and what?

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use netlink_sys::protocols::NETLINK_NETFILTER;

use super::RECEIVE_BUFFER;
use crate::netlink::{BufferSizes, Group, Misframed, Socket, SocketError, Wait, messages};

const NFNLGRP_NFTABLES: Group = Group(7);

/// So many datagrams are taken at once, at most; what is left makes the descriptor readable again.
const DATAGRAMS_MAX: usize = 256;

/// The kernel tells of every change of nf_tables in the network namespace of the thread that
/// opened this.
#[derive(Debug)]
pub struct NftMonitor {
    socket: Socket,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    pub message_type: u16,
    /// The socket that caused it: [`super::Nfnetlink::port_id`] for the changes of one's own.
    pub sender_port_id: u32,
    /// What follows `struct nlmsghdr`.
    pub payload: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum MonitorError {
    /// Anything may have changed. The monitor goes on.
    #[error("nftables changed faster than the changes were read: some were lost")]
    Overrun,
    #[error(transparent)]
    Socket(SocketError),
}

impl From<SocketError> for MonitorError {
    fn from(source: SocketError) -> Self {
        if matches!(source, SocketError::Overrun) { Self::Overrun } else { Self::Socket(source) }
    }
}

impl From<Misframed> for MonitorError {
    fn from(source: Misframed) -> Self {
        Self::Socket(source.into())
    }
}

impl NftMonitor {
    pub fn open() -> Result<Self, SocketError> {
        let sizes = BufferSizes { send: None, receive: Some(RECEIVE_BUFFER) };
        Ok(Self { socket: Socket::open(NETLINK_NETFILTER, sizes, &[NFNLGRP_NFTABLES])? })
    }

    /// Waits for changes at most so long, then takes those that are there. None: time is over.
    pub fn recv(&mut self, timeout: Duration) -> Result<Vec<Notification>, MonitorError> {
        let mut notifications = Vec::new();
        let mut wait = Wait::AtMost(timeout);
        for _ in 0..DATAGRAMS_MAX {
            let Some(datagram) = self.socket.receive(wait)? else { break };
            wait = Wait::No;
            for message in messages(datagram) {
                let message = message?;
                notifications.push(Notification {
                    message_type: message.message_type,
                    sender_port_id: message.port_id,
                    payload: message.payload.to_vec(),
                });
            }
        }
        Ok(notifications)
    }
}

impl AsFd for NftMonitor {
    /// Readable when [`Self::recv`] would return at once.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
