//! What do tasks hear from upstreams?

use std::net::SocketAddr;

use dns::forward::{ConnectionToken, Event, SocketToken};

use crate::answer::Generation;

/// News for the forwarder of one generation.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) generation: Generation,
    pub(super) news: News,
}

#[derive(Debug)]
pub(super) enum News {
    Datagram { socket: SocketToken, from: SocketAddr, bytes: Vec<u8> },
    SocketFailed(SocketToken),
    Opened(ConnectionToken),
    Message { connection: ConnectionToken, bytes: Vec<u8> },
    Closed(ConnectionToken),
}

impl News {
    pub(super) fn event(&self) -> Event<'_> {
        match self {
            Self::Datagram { socket, from, bytes } => {
                Event::Datagram { socket: *socket, from: *from, bytes }
            }
            Self::SocketFailed(socket) => Event::SocketFailed { socket: *socket },
            Self::Opened(connection) => Event::Opened { connection: *connection },
            Self::Message { connection, bytes } => {
                Event::Message { connection: *connection, bytes }
            }
            Self::Closed(connection) => Event::Closed { connection: *connection },
        }
    }
}
