//! What happens to a forwarder?

use std::net::SocketAddr;

use crate::cache::Question;

use super::RuleId;

/// Whoever asked, as the caller knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// A socket for datagrams, as the forwarder knows it. None is used again after it was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketToken(pub u64);

/// A stream to an upstream, as the forwarder knows it. None is used again after it was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionToken(pub u64);

/// How a client's question came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// As a datagram.
    Udp,
    /// On a stream.
    Tcp,
}

/// Something that happened. Tokens that are unknown, or closed, are no error: the event is late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// A client wants to know. Answered by one [`super::Action::Answer`] with its ticket.
    Ask {
        /// What the answer will have.
        ticket: Ticket,
        /// Which group is asked.
        rule: RuleId,
        /// What is asked.
        question: Question,
        /// How the client came. A datagram's answer may be truncated.
        transport: Transport,
        /// Whether a stale answer is better than none.
        stale_ok: bool,
    },
    /// A reader of the cache saw [`crate::cache::Freshness::Ending`]. Nobody waits for this.
    Refresh {
        /// Which group is asked.
        rule: RuleId,
        /// What is asked again.
        question: Question,
    },
    /// A datagram arrived.
    Datagram {
        /// At which socket.
        socket: SocketToken,
        /// From where, as the kernel says.
        from: SocketAddr,
        /// What it holds: whole. The upstream was told that 1,232 octets fit, but some send more.
        bytes: &'a [u8],
    },
    /// A socket could not be opened or sent on, or the network says that nobody is there.
    SocketFailed {
        /// Which; it is to be closed by the caller.
        socket: SocketToken,
    },
    /// A stream is up, TLS included.
    Opened {
        /// Which.
        connection: ConnectionToken,
    },
    /// A whole message arrived on a stream.
    Message {
        /// On which.
        connection: ConnectionToken,
        /// What it holds, without its length.
        bytes: &'a [u8],
    },
    /// A stream ended, was refused, or could not be opened.
    Closed {
        /// Which; it is closed.
        connection: ConnectionToken,
    },
    /// Time passed: [`super::Forwarder::next_deadline`] was reached.
    Tick,
}
