//! Which entries are asked for?

use std::net::{IpAddr, SocketAddr};

use model::{Family, Frontend, Protocol};

use super::entry::{
    CTA_IP_V4_DST, CTA_IP_V4_SRC, CTA_PROTO_DST_PORT, CTA_PROTO_NUM, CTA_PROTO_SRC_PORT,
    CTA_TUPLE_IP, CTA_TUPLE_ORIG, CTA_TUPLE_PROTO, CTA_TUPLE_REPLY, Entry,
};
use crate::netlink::MessageWriter;

const CTA_FILTER: u16 = 25;
const CTA_FILTER_ORIG_FLAGS: u16 = 1;
const CTA_FILTER_REPLY_FLAGS: u16 = 2;

const COMPARE_PROTOCOL: u32 = 1 << 3;

/// Entries of one address family, and perhaps of one protocol, to one frontend, from one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    family: Family,
    protocol: Option<Protocol>,
    original_destination: Option<SocketAddr>,
    reply_source: Option<(IpAddr, Option<u16>)>,
}

impl Filter {
    /// Every entry of a family.
    #[must_use]
    pub const fn family_of(family: Family) -> Self {
        Self { family, protocol: None, original_destination: None, reply_source: None }
    }

    #[must_use]
    pub const fn protocol(family: Family, protocol: Protocol) -> Self {
        Self { protocol: Some(protocol), ..Self::family_of(family) }
    }

    /// What clients sent to exactly this frontend.
    #[must_use]
    pub const fn frontend(frontend: &Frontend) -> Self {
        let destination = SocketAddr::new(frontend.address, frontend.port.get());
        Self {
            original_destination: Some(destination),
            ..Self::protocol(frontend.family(), frontend.protocol)
        }
    }

    /// What this endpoint answers, whatever the clients sent it to.
    #[must_use]
    pub const fn endpoint(protocol: Protocol, endpoint: SocketAddr) -> Self {
        Self {
            reply_source: Some((endpoint.ip(), Some(endpoint.port()))),
            ..Self::protocol(Family::of(endpoint.ip()), protocol)
        }
    }

    /// What any port of this address answers.
    #[must_use]
    pub const fn endpoint_address(protocol: Protocol, address: IpAddr) -> Self {
        Self {
            reply_source: Some((address, None)),
            ..Self::protocol(Family::of(address), protocol)
        }
    }

    pub(super) const fn family(&self) -> Family {
        self.family
    }

    #[must_use]
    pub fn matches(&self, entry: &Entry) -> bool {
        let from = entry.reply.source;
        entry.original.family() == self.family
            && self.protocol.is_none_or(|protocol| protocol == entry.original.protocol)
            && self.original_destination.is_none_or(|front| front == entry.original.destination)
            && self.reply_source.is_none_or(|(address, port)| {
                address == from.ip() && port.is_none_or(|port| port == from.port())
            })
    }

    /// Writes what the kernel shall compare: a protocol and its ports, and IPv4 addresses.
    ///
    /// Not IPv6 addresses: there the kernel's comparison is the wrong way round, so that exactly
    /// the entries with the wanted address are left out (found on 6.18, and so since the filter came
    /// with 5.8). [`Self::matches`] compares those.
    pub(super) fn write(&self, message: &mut MessageWriter) {
        let Some(protocol) = self.protocol else { return };
        let is_v4 = self.family == Family::V4;
        let original = self.original_destination.map(|front| Side {
            address: is_v4.then_some(front.ip()),
            port: Some(front.port()),
            direction: DESTINATION,
        });
        let original = write_side(CTA_TUPLE_ORIG, protocol, original, message);
        let reply = self.reply_source.map(|(address, port)| Side {
            address: is_v4.then_some(address),
            port,
            direction: SOURCE,
        });
        let reply = reply.map(|side| write_side(CTA_TUPLE_REPLY, protocol, Some(side), message));
        message.nest(CTA_FILTER, |filter| {
            filter.put(CTA_FILTER_ORIG_FLAGS, &original.to_ne_bytes());
            if let Some(reply) = reply {
                filter.put(CTA_FILTER_REPLY_FLAGS, &reply.to_ne_bytes());
            }
        });
    }
}

/// One side of a tuple: what it is compared with, and how netlink numbers it.
struct Side {
    address: Option<IpAddr>,
    port: Option<u16>,
    direction: Direction,
}

struct Direction {
    v4_address: u16,
    port: u16,
    compare_address: u32,
    compare_port: u32,
}

const SOURCE: Direction = Direction {
    v4_address: CTA_IP_V4_SRC,
    port: CTA_PROTO_SRC_PORT,
    compare_address: 1 << 0,
    compare_port: 1 << 4,
};

const DESTINATION: Direction = Direction {
    v4_address: CTA_IP_V4_DST,
    port: CTA_PROTO_DST_PORT,
    compare_address: 1 << 1,
    compare_port: 1 << 5,
};

/// Writes a tuple and returns which of its parts the kernel is to compare.
fn write_side(
    kind: u16,
    protocol: Protocol,
    side: Option<Side>,
    message: &mut MessageWriter,
) -> u32 {
    let mut compared = COMPARE_PROTOCOL;
    message.nest(kind, |tuple| {
        if let Some(Side { address: Some(address), direction, .. }) = &side {
            compared |= direction.compare_address;
            tuple.nest(CTA_TUPLE_IP, |ip| ip.put_address(direction.v4_address, *address));
        }
        tuple.nest(CTA_TUPLE_PROTO, |part| {
            part.put(CTA_PROTO_NUM, &[protocol.number()]);
            if let Some(Side { port: Some(port), direction, .. }) = &side {
                compared |= direction.compare_port;
                part.put(direction.port, &port.to_be_bytes());
            }
        });
    });
    compared
}
