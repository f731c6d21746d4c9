//! Where does a server listen, and how much does it take on?

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::ClientConfig;

/// No answer by datagram is longer, whatever the options say.
pub const DATAGRAM_SIZE_MAX: u16 = 4_096;

/// All that is fixed while a server runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens from the beginning on, by UDP and TCP.
    pub addresses: Vec<Listen>,
    /// Threads that answer datagrams, each with a socket of its own at each address; at least one.
    pub workers: usize,
    /// Another server offers its sockets here: they are taken over where they are at addresses
    /// listed above, and closed where they are not, unless all are kept.
    pub take_over: Option<PathBuf>,
    /// What is taken over is kept wherever it listens: by [`crate::Running::listen`] the other server
    /// may have had places that nobody lists at the beginning.
    pub keeps_taken: bool,
    /// Octets that may wait in a datagram socket; the kernel's default when nothing is said.
    pub receive_buffer: Option<usize>,
    /// Octets that an answer by datagram may have, where the client takes as many; at most
    /// [`DATAGRAM_SIZE_MAX`].
    pub datagram_size: u16,
    pub streams: StreamBounds,
    /// Questions on their way to the thread that asks upstreams. One more fails at once.
    pub asks_max: usize,
    /// Whom DNS over TLS trusts, and with which versions; this host's authorities when nothing is
    /// said, read when an upstream first has TLS.
    pub tls: Option<Arc<ClientConfig>>,
}

/// Where to listen, by UDP and TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// Port 0 takes a free one, the same for both.
    pub address: SocketAddr,
    /// Without it, a host that lacks the family or the address is no failure.
    pub required: bool,
    /// The address need not be this host's, now or ever.
    pub free_bind: bool,
}

impl Listen {
    /// There, or not at all.
    #[must_use]
    pub const fn at(address: SocketAddr) -> Self {
        Self { address, required: true, free_bind: false }
    }
}

/// What clients' streams may hold. With these numbers as they are by default, idle connections hold
/// about 10 MB, and one client's at most a thirtieth of the places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamBounds {
    /// Connections at once. For one more, the one that is idle for longest is closed.
    pub connections_max: usize,
    /// Of these, so many from one address. For one more, its own longest idle is closed.
    pub per_address_max: usize,
    /// Questions of one connection that wait for upstreams. More are not read until then.
    pub in_flight_max: usize,
    /// How long a connection may be without a question.
    pub idle_most: Duration,
    /// How long the rest of a message may take after its first octet.
    pub message_most: Duration,
    /// How long a client may take none of what it is sent.
    pub stall_most: Duration,
}

impl Default for StreamBounds {
    fn default() -> Self {
        Self {
            connections_max: 4_096,
            per_address_max: 128,
            in_flight_max: 100,
            idle_most: Duration::from_secs(10),
            message_most: Duration::from_secs(3),
            stall_most: Duration::from_secs(5),
        }
    }
}

impl Options {
    /// A server at these addresses with a thread for each core.
    #[must_use]
    pub fn new(addresses: Vec<Listen>) -> Self {
        Self {
            addresses,
            workers: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            take_over: None,
            keeps_taken: false,
            receive_buffer: Some(4 << 20),
            datagram_size: 1_232,
            streams: StreamBounds::default(),
            asks_max: 4_096,
            tls: None,
        }
    }
}
