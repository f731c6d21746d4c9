//! What does a forwarder want done?

use std::sync::Arc;

use crate::cache::{Failure, Reply, Ttls};

use super::{ConnectionToken, SocketToken, Ticket, UpstreamId};

/// Something for the edge to do, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Open a socket with a port that the kernel draws, connect it to the upstream, send this.
    SendDatagram {
        /// What the socket is known by.
        socket: SocketToken,
        /// To whom.
        upstream: UpstreamId,
        /// What to send.
        bytes: Vec<u8>,
    },
    /// Nothing on this socket matters any more.
    CloseSocket {
        /// Which.
        socket: SocketToken,
    },
    /// Connect a stream, with TLS when the upstream has it.
    OpenConnection {
        /// What the stream is known by.
        connection: ConnectionToken,
        /// To whom.
        upstream: UpstreamId,
    },
    /// Send a message on a stream that is open.
    SendMessage {
        /// On which.
        connection: ConnectionToken,
        /// What to send, without its length.
        bytes: Vec<u8>,
    },
    /// Nothing on this stream matters any more.
    CloseConnection {
        /// Which.
        connection: ConnectionToken,
    },
    /// Tell the client.
    Answer {
        /// Who asked.
        ticket: Ticket,
        /// What to tell.
        outcome: Outcome,
    },
    /// Give readers another [`super::Forwarder::view`].
    Publish,
    /// Tell the operator, once per change.
    Report(Report),
}

/// What a client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An upstream's answer.
    Reply {
        /// The message.
        reply: Arc<Reply>,
        /// What to tell of its age.
        ttls: Ttls,
        /// Whether it is used after its end.
        is_stale: bool,
    },
    /// There is none.
    Failure(Failure),
}

/// News of an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// It failed too often in a row, and is asked only whether it is back.
    Down(UpstreamId),
    /// It answers again.
    Up(UpstreamId),
    /// What it is asked comes back to us. It is not asked while that is so.
    LoopFound(UpstreamId),
    /// It no longer leads back to us.
    LoopGone(UpstreamId),
}
