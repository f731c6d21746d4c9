//! How does a link's switch learn which groups this host wants to hear?

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv6Addr;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with, sockopt};

/// Sockets whose memory for memberships is used up, at most: at least 400 groups each.
const SOCKETS_MAX: usize = 256;

#[derive(Debug, thiserror::Error)]
#[error("cannot {call} group {group} on link {link}: {source}")]
pub struct GroupError {
    pub call: &'static str,
    pub group: Ipv6Addr,
    /// Its index.
    pub link: u32,
    pub source: io::Error,
}

/// Memberships of IPv6 groups, in the network namespace of the thread that joins. The kernel reports
/// them (MLD), and lets their frames in. They end with the value.
#[derive(Debug, Default)]
pub struct Groups {
    sockets: Vec<OwnedFd>,
    /// Which socket is the member.
    members: BTreeMap<(u32, Ipv6Addr), usize>,
}

impl Groups {
    /// Does nothing where this is a member already.
    pub fn join(&mut self, link: u32, group: Ipv6Addr) -> Result<(), GroupError> {
        if self.members.contains_key(&(link, group)) {
            return Ok(());
        }
        let failed = |errno: Errno| GroupError { call: "join", group, link, source: errno.into() };
        if let Some((place, socket)) = self.sockets.iter().enumerate().next_back() {
            match sockopt::set_ipv6_add_membership(socket, &group, link) {
                Ok(()) => {
                    self.members.insert((link, group), place);
                    return Ok(());
                }
                Err(Errno::NOBUFS | Errno::NOMEM) if self.sockets.len() < SOCKETS_MAX => {}
                Err(errno) => return Err(failed(errno)),
            }
        }
        let socket =
            socket_with(AddressFamily::INET6, SocketType::DGRAM, SocketFlags::CLOEXEC, None)
                .map_err(failed)?;
        sockopt::set_ipv6_add_membership(&socket, &group, link).map_err(failed)?;
        self.members.insert((link, group), self.sockets.len());
        self.sockets.push(socket);
        Ok(())
    }

    /// Does nothing where this is no member, or the link is gone.
    pub fn leave(&mut self, link: u32, group: Ipv6Addr) -> Result<(), GroupError> {
        let place = self.members.remove(&(link, group));
        let Some(socket) = place.and_then(|place| self.sockets.get(place)) else { return Ok(()) };
        match sockopt::set_ipv6_drop_membership(socket, &group, link) {
            Ok(()) | Err(Errno::ADDRNOTAVAIL | Errno::NODEV) => Ok(()),
            Err(errno) => Err(GroupError { call: "leave", group, link, source: errno.into() }),
        }
    }

    /// Forgets the memberships of a link that is gone: another may come with its index.
    pub fn forget(&mut self, link: u32) {
        self.members.retain(|(of, _), _| *of != link);
    }
}
