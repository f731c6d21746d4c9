//! How does a server get a socket at an address that may not be there yet, and share it?

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};

/// Where a socket is bound, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BindOptions {
    /// Port 0 takes any free one. An IPv6 socket never speaks IPv4: each family has its own.
    pub address: SocketAddr,
    /// Several sockets may have the address; the kernel spreads the clients over them.
    pub reuse_port: bool,
    /// The address need not be one of this host's, now or ever.
    pub free_bind: bool,
    /// Bytes that may wait to be received, as the kernel accounts for them; its default when
    /// nothing is said. Beyond the system's limit where the privileges allow it, else up to it.
    pub receive_buffer: Option<usize>,
}

impl BindOptions {
    /// This address, and nothing special.
    #[must_use]
    pub const fn at(address: SocketAddr) -> Self {
        Self { address, reuse_port: false, free_bind: false, receive_buffer: None }
    }
}

/// What failed, at which address.
#[derive(Debug, thiserror::Error)]
#[error("cannot open {transport} {address}: {call}: {source}")]
pub struct BindError {
    pub transport: &'static str,
    pub address: SocketAddr,
    pub call: &'static str,
    pub source: io::Error,
}

/// A listening TCP socket, whose `accept` does not block.
///
/// # Errors
/// When the address is taken, is not this host's (without `free_bind`), or needs a privilege.
pub fn tcp_listener(options: &BindOptions, backlog: i32) -> Result<TcpListener, BindError> {
    let socket = bound("TCP", SocketType::STREAM, options)?;
    listen(&socket, backlog).map_err(failed("TCP", options.address, "listen"))?;
    Ok(TcpListener::from(socket))
}

/// A socket of this type, bound, that does not block.
pub(crate) fn bound(
    transport: &'static str,
    socket_type: SocketType,
    options: &BindOptions,
) -> Result<OwnedFd, BindError> {
    let failed = |call| failed(transport, options.address, call);
    let (family, is_v6) = match options.address {
        SocketAddr::V4(_) => (AddressFamily::INET, false),
        SocketAddr::V6(_) => (AddressFamily::INET6, true),
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, socket_type, flags, None).map_err(failed("socket"))?;
    if is_v6 {
        sockopt::set_ipv6_v6only(&socket, true).map_err(failed("IPV6_V6ONLY"))?;
    }
    if socket_type == SocketType::STREAM {
        // Else connections of a former process keep the address busy.
        sockopt::set_socket_reuseaddr(&socket, true).map_err(failed("SO_REUSEADDR"))?;
    }
    if options.reuse_port {
        sockopt::set_socket_reuseport(&socket, true).map_err(failed("SO_REUSEPORT"))?;
    }
    if options.free_bind && is_v6 {
        sockopt::set_ipv6_freebind(&socket, true).map_err(failed("IPV6_FREEBIND"))?;
    } else if options.free_bind {
        sockopt::set_ip_freebind(&socket, true).map_err(failed("IP_FREEBIND"))?;
    }
    if let Some(size) = options.receive_buffer {
        match sockopt::set_socket_recv_buffer_size_force(&socket, size) {
            Err(Errno::PERM) => sockopt::set_socket_recv_buffer_size(&socket, size),
            forced => forced,
        }
        .map_err(failed("SO_RCVBUF"))?;
    }
    bind(&socket, &options.address).map_err(failed("bind"))?;
    Ok(socket)
}

fn failed(
    transport: &'static str,
    address: SocketAddr,
    call: &'static str,
) -> impl FnOnce(Errno) -> BindError {
    move |errno| BindError { transport, address, call, source: errno.into() }
}
