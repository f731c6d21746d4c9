//! When does something change of this host's addresses, or of what is on its links?

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use netlink_sys::protocols::NETLINK_ROUTE;

use crate::netlink::{BufferSizes, Group, Socket, SocketError, Wait};

const RTNLGRP_LINK: Group = Group(1);
const RTNLGRP_IPV4_IFADDR: Group = Group(5);
const RTNLGRP_IPV4_ROUTE: Group = Group(7);
const RTNLGRP_IPV6_IFADDR: Group = Group(9);
const RTNLGRP_IPV6_ROUTE: Group = Group(11);

/// So many notifications are taken at once, at most.
const DATAGRAMS_MAX: usize = 1024;

/// Tells that something changed in the network namespace of the thread that opened it, and not what.
#[derive(Debug)]
pub struct ChangeMonitor {
    socket: Socket,
}

impl ChangeMonitor {
    /// Of what [`crate::address::local_addresses`] lists.
    pub fn of_addresses() -> Result<Self, SocketError> {
        Self::open(&[RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR])
    }

    /// Of what [`crate::adjacency::adjacencies`] lists.
    pub fn of_adjacencies() -> Result<Self, SocketError> {
        Self::open(&[
            RTNLGRP_LINK,
            RTNLGRP_IPV4_IFADDR,
            RTNLGRP_IPV6_IFADDR,
            RTNLGRP_IPV4_ROUTE,
            RTNLGRP_IPV6_ROUTE,
        ])
    }

    fn open(groups: &[Group]) -> Result<Self, SocketError> {
        Ok(Self { socket: Socket::open(NETLINK_ROUTE, BufferSizes::default(), groups)? })
    }

    /// Waits at most so long for a change: whether something changed. What, a list tells; so it is no
    /// loss when there were more notifications than the kernel kept.
    pub fn recv(&mut self, timeout: Duration) -> Result<bool, SocketError> {
        let mut is_changed = false;
        let mut wait = Wait::AtMost(timeout);
        for _ in 0..DATAGRAMS_MAX {
            match self.socket.receive(wait) {
                Ok(None) => break,
                Ok(Some(_)) | Err(SocketError::Overrun) => is_changed = true,
                Err(error) => return Err(error),
            }
            wait = Wait::No;
        }
        Ok(is_changed)
    }
}

impl AsFd for ChangeMonitor {
    /// Readable when [`Self::recv`] would return at once.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
