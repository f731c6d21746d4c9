#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod answer;
mod connect;
mod track;

use std::net::SocketAddr;
use std::time::Duration;

use explain::Observation;
use host::netns::{Netns, NetnsError};
use model::Protocol;

use connect::Exchange;

/// For a connection, and again for its answer.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What is sent, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub to: SocketAddr,
    pub protocol: Protocol,
    /// What the client typed: the `Host` of HTTP, and the path.
    pub host: String,
    pub path: String,
}

#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error("SCTP cannot be probed")]
    Protocol,
    #[error(transparent)]
    Netns(#[from] NetnsError),
    #[error("cannot see what became of the connection: {0}")]
    Track(#[from] host::conntrack::ConntrackError),
}

/// Makes the connection from one namespace, and looks at what another one's connection tracking says
/// of it.
pub fn send(
    from: &Netns,
    decides: Option<&Netns>,
    request: &Request,
) -> Result<Observation, ProbeError> {
    let exchange = match request.protocol {
        Protocol::Tcp => from.run(|| connect::tcp(request))?,
        Protocol::Udp => from.run(|| connect::udp(request.to))?,
        Protocol::Sctp => return Err(ProbeError::Protocol),
    };
    let Exchange { from, reaction, error, answer } = exchange;
    let tracked = match (from, decides) {
        (Some(from), Some(decides)) => {
            decides.run(|| track::find(request.protocol, from, request.to))??
        }
        (None, _) | (_, None) => None,
    };
    Ok(Observation {
        from,
        to: request.to,
        protocol: request.protocol.to_string(),
        reaction,
        error,
        endpoint: tracked.map(|it| it.endpoint),
        source: tracked.map(|it| it.source),
        server: answer::server(&answer),
    })
}
