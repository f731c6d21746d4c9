//! What does the first packet of a connection look like on the wire, and what is a frame that comes
//! out?

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use model::Protocol;

use super::checksum::{crc32c, internet};

const ICMP: u8 = 1;
const ICMPV6: u8 = 58;
const HOPS: u8 = 64;

/// The first packet of a connection. NAT changes its addresses and ports and never its mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct First {
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    pub(super) protocol: Protocol,
    /// Not zero: SCTP forbids it.
    pub(super) mark: u32,
}

/// A frame that came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    First(First),
    /// An ICMP error about a first packet; only some code of type unreachable is "port".
    Error {
        about: First,
        is_port_unreachable: bool,
    },
    Other,
}

impl First {
    /// The IP packet.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let segment = self.segment();
        let length = u16::try_from(segment.len()).expect("a first packet has some 60 bytes");
        let mut bytes = Vec::new();
        match (self.source.ip(), self.destination.ip()) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                bytes.extend([0x45, 0]);
                bytes.extend((length + 20).to_be_bytes());
                bytes.extend([0, 0, 0x40, 0, HOPS, self.protocol.number(), 0, 0]);
                bytes.extend(source.octets());
                bytes.extend(destination.octets());
                let checksum = internet(&[&bytes]);
                put(&mut bytes, 10, &checksum.to_be_bytes());
            }
            (source, destination) => {
                bytes.extend([0x60, 0, 0, 0]);
                bytes.extend(length.to_be_bytes());
                bytes.extend([self.protocol.number(), HOPS]);
                bytes.extend(v6(source).octets());
                bytes.extend(v6(destination).octets());
            }
        }
        bytes.extend(segment);
        bytes
    }

    /// SYN, a datagram or INIT.
    fn segment(&self) -> Vec<u8> {
        let mut segment = Vec::new();
        segment.extend(self.source.port().to_be_bytes());
        segment.extend(self.destination.port().to_be_bytes());
        let mark = self.mark.to_be_bytes();
        match self.protocol {
            Protocol::Tcp => {
                segment.extend(mark);
                segment.extend([0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0]);
                let checksum = internet(&[&self.pseudo_header(20), &segment]);
                put(&mut segment, 16, &checksum.to_be_bytes());
            }
            Protocol::Udp => {
                segment.extend([0, 12, 0, 0]);
                segment.extend(mark);
                let checksum = internet(&[&self.pseudo_header(12), &segment]);
                // Zero would mean that there is none.
                let checksum = if checksum == 0 { u16::MAX } else { checksum };
                put(&mut segment, 6, &checksum.to_be_bytes());
            }
            Protocol::Sctp => {
                segment.extend([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 20]);
                segment.extend(mark);
                segment.extend([0, 1, 0, 0, 0, 1, 0, 1]);
                segment.extend(mark);
                let checksum = crc32c(&segment);
                put(&mut segment, 8, &checksum);
            }
        }
        segment
    }

    fn pseudo_header(&self, length: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        for address in [self.source.ip(), self.destination.ip()] {
            match address {
                IpAddr::V4(address) => bytes.extend(address.octets()),
                IpAddr::V6(address) => bytes.extend(address.octets()),
            }
        }
        bytes.extend([0, self.protocol.number(), 0, length]);
        bytes
    }
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes
        .get_mut(at..at + value.len())
        .expect("the header was written just before")
        .copy_from_slice(value);
}

const fn v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

impl Frame {
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let Some(datagram) = Datagram::parse(bytes) else { return Self::Other };
        datagram.first().map(Self::First).or_else(|| datagram.error()).unwrap_or(Self::Other)
    }
}

struct Datagram<'a> {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    payload: &'a [u8],
}

impl<'a> Datagram<'a> {
    /// An IP packet, perhaps cut short as ICMP errors quote it.
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let first = *bytes.first()?;
        match first >> 4 {
            4 => {
                let address = |at| Some(IpAddr::V4(Ipv4Addr::from(array::<4>(bytes, at)?)));
                Some(Self {
                    source: address(12)?,
                    destination: address(16)?,
                    protocol: *bytes.get(9)?,
                    payload: bytes.get(usize::from(first & 0xf) * 4..)?,
                })
            }
            6 => {
                let address = |at| Some(IpAddr::V6(Ipv6Addr::from(array::<16>(bytes, at)?)));
                Some(Self {
                    source: address(8)?,
                    destination: address(24)?,
                    protocol: *bytes.get(6)?,
                    payload: bytes.get(40..)?,
                })
            }
            _ => None,
        }
    }

    fn first(&self) -> Option<First> {
        let protocol = Protocol::from_number(self.protocol)?;
        let port = |at| Some(u16::from_be_bytes(array::<2>(self.payload, at)?));
        let mark_at = match protocol {
            Protocol::Tcp => 4,
            Protocol::Udp => 8,
            Protocol::Sctp => 16,
        };
        Some(First {
            source: SocketAddr::new(self.source, port(0)?),
            destination: SocketAddr::new(self.destination, port(2)?),
            protocol,
            mark: u32::from_be_bytes(array::<4>(self.payload, mark_at)?),
        })
    }

    fn error(&self) -> Option<Frame> {
        let (kind, code) = (*self.payload.first()?, *self.payload.get(1)?);
        let is_port_unreachable = match (self.protocol, kind) {
            (ICMP, 3) => code == 3,
            (ICMPV6, 1) => code == 4,
            (ICMP, 11 | 12) | (ICMPV6, 2..=4) => false,
            _ => return None,
        };
        let about = Datagram::parse(self.payload.get(8..)?)?.first()?;
        Some(Frame::Error { about, is_port_unreachable })
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_what_is_parsed() {
        let pairs = [("198.51.100.9:1024", "10.96.0.10:80"), ("[fd01::5]:1024", "[fd96::10]:80")];
        for (source, destination) in pairs {
            for protocol in Protocol::ALL {
                let first = First {
                    source: source.parse().unwrap(),
                    destination: destination.parse().unwrap(),
                    protocol,
                    mark: 0x0102_0304,
                };
                assert_eq!(Frame::parse(&first.bytes()), Frame::First(first));
            }
        }
    }
}
