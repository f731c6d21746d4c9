//! What is an entry of the connection tracking table, and how does netlink spell it?

use std::net::SocketAddr;

use model::{Family, Protocol};

use crate::netlink::{MessageWriter, Misframed, attributes, attributes_of_family_message};

pub(super) const CTA_TUPLE_ORIG: u16 = 1;
pub(super) const CTA_TUPLE_REPLY: u16 = 2;
const CTA_STATUS: u16 = 3;
const CTA_TIMEOUT: u16 = 7;
const CTA_MARK: u16 = 8;
const CTA_COUNTERS_ORIG: u16 = 9;
const CTA_COUNTERS_REPLY: u16 = 10;
const CTA_ID: u16 = 12;
const CTA_ZONE: u16 = 18;

pub(super) const CTA_TUPLE_IP: u16 = 1;
pub(super) const CTA_TUPLE_PROTO: u16 = 2;

pub(super) const CTA_IP_V4_SRC: u16 = 1;
pub(super) const CTA_IP_V4_DST: u16 = 2;
const CTA_IP_V6_SRC: u16 = 3;
const CTA_IP_V6_DST: u16 = 4;

pub(super) const CTA_PROTO_NUM: u16 = 1;
pub(super) const CTA_PROTO_SRC_PORT: u16 = 2;
pub(super) const CTA_PROTO_DST_PORT: u16 = 3;

const CTA_COUNTERS_PACKETS: u16 = 1;
const CTA_COUNTERS_BYTES: u16 = 2;

/// What packets of one direction look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tuple {
    pub protocol: Protocol,
    pub source: SocketAddr,
    pub destination: SocketAddr,
}

/// The kernel's `IPS_*` bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Status(pub u32);

impl Status {
    const SEEN_REPLY: u32 = 1 << 1;
    const ASSURED: u32 = 1 << 2;
    const CONFIRMED: u32 = 1 << 3;
    const SOURCE_NAT: u32 = 1 << 4;
    const DESTINATION_NAT: u32 = 1 << 5;

    #[must_use]
    pub const fn is_answered(self) -> bool {
        self.0 & Self::SEEN_REPLY != 0
    }

    /// The kernel does not drop it early when the table is full.
    #[must_use]
    pub const fn is_assured(self) -> bool {
        self.0 & Self::ASSURED != 0
    }

    #[must_use]
    pub const fn is_source_translated(self) -> bool {
        self.0 & Self::SOURCE_NAT != 0
    }

    #[must_use]
    pub const fn is_destination_translated(self) -> bool {
        self.0 & Self::DESTINATION_NAT != 0
    }
}

/// Traffic of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    pub packets: u64,
    pub bytes: u64,
}

/// One tracked connection of a protocol that a Service can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What the client sends.
    pub original: Tuple,
    /// What it gets back: its source is the endpoint.
    pub reply: Tuple,
    pub status: Status,
    pub timeout_s: Option<u32>,
    pub mark: u32,
    /// Original and reply direction, where the kernel counts (`net.netfilter.nf_conntrack_acct`).
    pub counters: Option<(Counters, Counters)>,
    /// From the tuples and the place in the kernel's memory: mostly another for a later entry with
    /// the same tuples.
    pub id: u32,
    pub zone: u16,
}

/// An entry to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewEntry {
    pub original: Tuple,
    pub reply: Tuple,
    pub timeout_s: u32,
    pub mark: u32,
    pub zone: u16,
}

/// Which entry is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    original: Tuple,
    id: u32,
    zone: u16,
}

/// `AF_INET` and `AF_INET6`.
pub(super) const fn family_number(family: Family) -> u8 {
    match family {
        Family::V4 => 2,
        Family::V6 => 10,
    }
}

impl Tuple {
    #[must_use]
    pub const fn family(&self) -> Family {
        Family::of(self.source.ip())
    }

    fn write(&self, kind: u16, message: &mut MessageWriter) {
        let (source, destination) = match self.family() {
            Family::V4 => (CTA_IP_V4_SRC, CTA_IP_V4_DST),
            Family::V6 => (CTA_IP_V6_SRC, CTA_IP_V6_DST),
        };
        message.nest(kind, |tuple| {
            tuple.nest(CTA_TUPLE_IP, |addresses| {
                addresses.put_address(source, self.source.ip());
                addresses.put_address(destination, self.destination.ip());
            });
            tuple.nest(CTA_TUPLE_PROTO, |protocol| {
                protocol.put(CTA_PROTO_NUM, &[self.protocol.number()]);
                protocol.put(CTA_PROTO_SRC_PORT, &self.source.port().to_be_bytes());
                protocol.put(CTA_PROTO_DST_PORT, &self.destination.port().to_be_bytes());
            });
        });
    }

    /// Nothing for a protocol that a Service cannot have.
    fn decode(bytes: &[u8]) -> Result<Option<Self>, Misframed> {
        let (mut source, mut destination) = (None, None);
        let (mut protocol, mut source_port, mut destination_port) = (None, None, None);
        for part in attributes(bytes) {
            let part = part?;
            for attribute in attributes(part.value) {
                let attribute = attribute?;
                match (part.kind, attribute.kind) {
                    (CTA_TUPLE_IP, CTA_IP_V4_SRC | CTA_IP_V6_SRC) => source = attribute.address(),
                    (CTA_TUPLE_IP, CTA_IP_V4_DST | CTA_IP_V6_DST) => {
                        destination = attribute.address();
                    }
                    (CTA_TUPLE_PROTO, CTA_PROTO_NUM) => protocol = attribute.byte(),
                    (CTA_TUPLE_PROTO, CTA_PROTO_SRC_PORT) => source_port = attribute.be16(),
                    (CTA_TUPLE_PROTO, CTA_PROTO_DST_PORT) => destination_port = attribute.be16(),
                    _ => {}
                }
            }
        }
        let Some(protocol) = protocol.and_then(Protocol::from_number) else { return Ok(None) };
        let (Some(source), Some(destination), Some(source_port), Some(destination_port)) =
            (source, destination, source_port, destination_port)
        else {
            return Err(incomplete("tuple without an address or a port"));
        };
        Ok(Some(Self {
            protocol,
            source: SocketAddr::new(source, source_port),
            destination: SocketAddr::new(destination, destination_port),
        }))
    }
}

impl Entry {
    /// Reads a message's payload. Nothing for a protocol that a Service cannot have.
    pub fn decode(payload: &[u8]) -> Result<Option<Self>, Misframed> {
        let (mut original, mut reply) = (None, None);
        let (mut counted_original, mut counted_reply) = (None, None);
        let (mut status, mut timeout_s) = (Status::default(), None);
        let (mut mark, mut id, mut zone) = (0, None, 0);
        for attribute in attributes_of_family_message(payload) {
            let attribute = attribute?;
            let value = attribute.value;
            match attribute.kind {
                CTA_TUPLE_ORIG => original = Tuple::decode(value)?,
                CTA_TUPLE_REPLY => reply = Tuple::decode(value)?,
                CTA_STATUS => status = Status(attribute.be32().unwrap_or_default()),
                CTA_TIMEOUT => timeout_s = attribute.be32(),
                CTA_MARK => mark = attribute.be32().unwrap_or_default(),
                CTA_COUNTERS_ORIG => counted_original = Some(Counters::decode(value)?),
                CTA_COUNTERS_REPLY => counted_reply = Some(Counters::decode(value)?),
                CTA_ID => id = attribute.be32(),
                CTA_ZONE => zone = attribute.be16().unwrap_or_default(),
                _ => {}
            }
        }
        let (Some(original), Some(reply)) = (original, reply) else { return Ok(None) };
        Ok(Some(Self {
            original,
            reply,
            status,
            timeout_s,
            mark,
            counters: counted_original.zip(counted_reply),
            id: id.ok_or_else(|| incomplete("entry without an id"))?,
            zone,
        }))
    }

    pub(super) const fn identity(&self) -> Identity {
        Identity { original: self.original, id: self.id, zone: self.zone }
    }
}

impl Identity {
    pub(super) const fn family(&self) -> Family {
        self.original.family()
    }

    pub(super) fn write(&self, message: &mut MessageWriter) {
        self.original.write(CTA_TUPLE_ORIG, message);
        message.put(CTA_ID, &self.id.to_be_bytes());
        write_zone(self.zone, message);
    }
}

impl NewEntry {
    pub(super) const fn family(&self) -> Family {
        self.original.family()
    }

    pub(super) fn write(&self, message: &mut MessageWriter) {
        let status = Status::CONFIRMED | Status::ASSURED | Status::SEEN_REPLY;
        self.original.write(CTA_TUPLE_ORIG, message);
        self.reply.write(CTA_TUPLE_REPLY, message);
        message.put(CTA_STATUS, &status.to_be_bytes());
        message.put(CTA_TIMEOUT, &self.timeout_s.to_be_bytes());
        message.put(CTA_MARK, &self.mark.to_be_bytes());
        write_zone(self.zone, message);
    }
}

impl Counters {
    fn decode(bytes: &[u8]) -> Result<Self, Misframed> {
        let mut counters = Self::default();
        for attribute in attributes(bytes) {
            let attribute = attribute?;
            match attribute.kind {
                CTA_COUNTERS_PACKETS => counters.packets = attribute.be64().unwrap_or_default(),
                CTA_COUNTERS_BYTES => counters.bytes = attribute.be64().unwrap_or_default(),
                _ => {}
            }
        }
        Ok(counters)
    }
}

/// The default zone is that which is not named.
fn write_zone(zone: u16, message: &mut MessageWriter) {
    if zone != 0 {
        message.put(CTA_ZONE, &zone.to_be_bytes());
    }
}

const fn incomplete(what: &'static str) -> Misframed {
    Misframed { offset: 0, what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::messages;

    fn tuple(source: &str, destination: &str) -> Tuple {
        Tuple {
            protocol: Protocol::Udp,
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
        }
    }

    fn payload(body: impl FnOnce(&mut MessageWriter)) -> Vec<u8> {
        let mut writer = MessageWriter::default();
        writer.message((0, 0), 1, 2, body);
        messages(writer.bytes()).next().unwrap().unwrap().payload.to_vec()
    }

    #[test]
    fn an_entry_is_read_as_it_was_written_in_both_families() {
        for (client, front, endpoint) in [
            ("10.0.0.1:1000", "10.96.0.10:53", "10.1.0.5:5353"),
            ("[fd00::1]:1000", "[fd00:96::10]:53", "[fd00:1::5]:5353"),
        ] {
            let (original, reply) = (tuple(client, front), tuple(endpoint, client));
            let new = NewEntry { original, reply, timeout_s: 30, mark: 7, zone: 3 };
            let written = payload(|message| {
                new.write(message);
                message.put(CTA_ID, &9u32.to_be_bytes());
            });
            let expected = Entry {
                original,
                reply,
                status: Status(0b1110),
                timeout_s: Some(30),
                mark: 7,
                counters: None,
                id: 9,
                zone: 3,
            };
            assert_eq!(Entry::decode(&written), Ok(Some(expected)));
        }
    }

    #[test]
    fn an_entry_of_another_protocol_is_passed_over() {
        let written = payload(|message| {
            for kind in [CTA_TUPLE_ORIG, CTA_TUPLE_REPLY] {
                message.nest(kind, |tuple| {
                    tuple.nest(CTA_TUPLE_PROTO, |protocol| protocol.put(CTA_PROTO_NUM, &[1]));
                });
            }
        });
        assert_eq!(Entry::decode(&written), Ok(None));
    }

    #[test]
    fn a_tuple_without_its_ports_is_an_error() {
        let written = payload(|message| {
            message.nest(CTA_TUPLE_ORIG, |tuple| {
                tuple.nest(CTA_TUPLE_PROTO, |protocol| protocol.put(CTA_PROTO_NUM, &[17]));
            });
        });
        let what = "tuple without an address or a port";
        assert_eq!(Entry::decode(&written), Err(Misframed { offset: 0, what }));
    }
}
