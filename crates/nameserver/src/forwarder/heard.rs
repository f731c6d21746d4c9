//! What do tasks hear from upstreams that are asked by streams?

use dns::forward::{ConnectionToken, Event};

use crate::answer::Generation;

/// News for the forwarder of one generation.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) generation: Generation,
    pub(super) news: News,
}

#[derive(Debug)]
pub(super) enum News {
    Opened(ConnectionToken),
    Message { connection: ConnectionToken, bytes: Vec<u8> },
    Closed(ConnectionToken),
}

impl News {
    pub(super) fn event(&self) -> Event<'_> {
        match self {
            Self::Opened(connection) => Event::Opened { connection: *connection },
            Self::Message { connection, bytes } => {
                Event::Message { connection: *connection, bytes }
            }
            Self::Closed(connection) => Event::Closed { connection: *connection },
        }
    }
}
