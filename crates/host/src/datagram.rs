//! How are many datagrams received and answered with few system calls, each from the address that
//! was asked?

mod batch;
mod kernel_form;
mod multiple;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, sockopt};

pub use batch::{BATCH_MAX, Batch, Datagram, Reply, Sent};

use crate::bind::{BindError, BindOptions, bound};
use kernel_form::{Control, Name};

/// The two ends of an exchange: a reply goes from `local` to `remote`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    pub remote: SocketAddr,
    /// The address that was asked. Unspecified when it is not known, as of datagrams that were
    /// queued before the socket was ours, or when it cannot be a source: then the kernel chooses.
    pub local: IpAddr,
    /// The index of the link on which the datagram came; 0 when it is not known.
    pub link: u32,
}

/// A UDP socket of one family that does not block and knows at which address it was asked.
#[derive(Debug)]
pub struct UdpSocket {
    socket: OwnedFd,
    local_address: SocketAddr,
}

impl UdpSocket {
    /// # Errors
    /// When the address is taken, is not this host's (without `free_bind`), or needs a privilege.
    pub fn bind(options: &BindOptions) -> Result<Self, BindError> {
        let socket = bound("UDP", SocketType::DGRAM, options)?;
        Self::from_fd(socket).map_err(|source| BindError {
            transport: "UDP",
            address: options.address,
            call: "set up",
            source,
        })
    }

    /// Takes over a socket that was bound elsewhere.
    ///
    /// # Errors
    /// `InvalidInput` when it is no UDP socket.
    pub fn from_fd(socket: OwnedFd) -> io::Result<Self> {
        let family = sockopt::socket_domain(&socket)?;
        let is_ip = [AddressFamily::INET, AddressFamily::INET6].contains(&family);
        if !is_ip || sockopt::socket_type(&socket)? != SocketType::DGRAM {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a UDP socket"));
        }
        fcntl_setfl(&socket, fcntl_getfl(&socket)? | OFlags::NONBLOCK)?;
        multiple::tell_local_address(socket.as_fd(), family == AddressFamily::INET6)?;
        let local_address = SocketAddr::try_from(rustix::net::getsockname(&socket)?)
            .map_err(|_not_ip| io::Error::from(Errno::AFNOSUPPORT))?;
        Ok(Self { socket, local_address })
    }

    /// Where it is bound: of a wildcard, with the port that it got.
    #[must_use]
    pub const fn local_address(&self) -> SocketAddr {
        self.local_address
    }

    /// Sends one datagram, such as a reply that was not ready when its batch was sent.
    ///
    /// # Errors
    /// `WouldBlock` when the socket's buffer stays full; else as the kernel says of this datagram.
    pub fn send(&self, payload: &[u8], ends: &Ends) -> io::Result<()> {
        let (name, control) = (Name::of(ends.remote), Control::from_local(ends));
        let sent = multiple::send(self.as_fd(), std::iter::once((payload, &name, &control)));
        sent.errno.map_or(Ok(()), |errno| Err(io::Error::from_raw_os_error(errno)))
    }
}

impl AsFd for UdpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl From<UdpSocket> for OwnedFd {
    fn from(socket: UdpSocket) -> Self {
        socket.socket
    }
}
