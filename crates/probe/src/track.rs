//! Where did a node's kernel send a connection? In the namespace of the calling thread.

use std::net::{IpAddr, SocketAddr};

use host::conntrack::{Conntrack, ConntrackError, Filter};
use model::{Family, Protocol};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tracked {
    pub(crate) endpoint: SocketAddr,
    pub(crate) source: IpAddr,
}

/// What the entry of the connection says, if there is one: its answers come from the endpoint, and go
/// to the source that the endpoint saw.
pub(crate) fn find(
    protocol: Protocol,
    from: SocketAddr,
    to: SocketAddr,
) -> Result<Option<Tracked>, ConntrackError> {
    let mut found = None;
    let filter = Filter::protocol(Family::of(to.ip()), protocol);
    Conntrack::open()?.list(&filter, &mut |entry| {
        if entry.original.source == from && entry.original.destination == to {
            let reply = entry.reply;
            found = Some(Tracked { endpoint: reply.source, source: reply.destination.ip() });
        }
    })?;
    Ok(found)
}
