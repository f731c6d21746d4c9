//! How do addresses stand in the memory that the kernel reads and writes with a datagram?

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};

use super::Ends;

/// `struct sockaddr_in6`; `struct sockaddr_in` is shorter.
const NAME_MAX: usize = 28;

/// `struct cmsghdr`.
const CONTROL_HEADER: usize = size_of::<usize>() + 8;

/// One message of ancillary bytes with `struct in6_pktinfo`; `struct in_pktinfo` is shorter. Room
/// for a second, should somebody have asked for more before the socket was handed to us.
const CONTROL_MAX: usize = 2 * (CONTROL_HEADER + 24);

/// `struct user_msghdr`: where the parts of a datagram are. C libraries have forms of their own, which
/// are not all alike.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(super) struct Header {
    pub(super) name: *mut libc::c_void,
    pub(super) name_length: libc::c_int,
    pub(super) vectors: *mut libc::iovec,
    pub(super) n_vectors: usize,
    pub(super) control: *mut libc::c_void,
    pub(super) control_length: usize,
    pub(super) flags: libc::c_uint,
}

/// `struct mmsghdr`: one of several datagrams, and how long the kernel found it.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(super) struct Message {
    pub(super) header: Header,
    pub(super) length: libc::c_uint,
}

/// A socket address as the kernel has it.
#[derive(Debug, Clone, Default)]
#[repr(C, align(8))]
pub(super) struct Name {
    pub(super) bytes: [u8; NAME_MAX],
    pub(super) length: usize,
}

impl Name {
    pub(super) const CAPACITY: usize = NAME_MAX;

    pub(super) fn of(address: SocketAddr) -> Self {
        let mut name = Self::default();
        match address {
            SocketAddr::V4(address) => {
                name.push(&family(libc::AF_INET).to_ne_bytes());
                name.push(&address.port().to_be_bytes());
                name.push(&address.ip().octets());
                name.push(&[0; 8]);
            }
            SocketAddr::V6(address) => {
                name.push(&family(libc::AF_INET6).to_ne_bytes());
                name.push(&address.port().to_be_bytes());
                name.push(&address.flowinfo().to_ne_bytes());
                name.push(&address.ip().octets());
                name.push(&address.scope_id().to_ne_bytes());
            }
        }
        name
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    pub(super) fn address(&self) -> Option<SocketAddr> {
        let bytes = self.bytes.get(..self.length)?;
        let found = u16::from_ne_bytes(array(bytes, 0)?);
        let port = u16::from_be_bytes(array(bytes, 2)?);
        if found == family(libc::AF_INET) {
            Some(SocketAddr::from((array::<4>(bytes, 4)?, port)))
        } else if found == family(libc::AF_INET6) {
            let flow = u32::from_ne_bytes(array(bytes, 4)?);
            let address = Ipv6Addr::from(array::<16>(bytes, 8)?);
            let scope = u32::from_ne_bytes(array(bytes, 24)?);
            Some(SocketAddrV6::new(address, port, flow, scope).into())
        } else {
            None
        }
    }
}

/// The ancillary bytes of a datagram, which say at which address it came or leaves.
#[derive(Debug, Clone)]
#[repr(C, align(8))]
pub(super) struct Control {
    pub(super) bytes: [u8; CONTROL_MAX],
    pub(super) length: usize,
}

impl Default for Control {
    fn default() -> Self {
        Self { bytes: [0; CONTROL_MAX], length: 0 }
    }
}

impl Control {
    pub(super) const CAPACITY: usize = CONTROL_MAX;

    /// That a datagram is to leave from the local end; nothing where the kernel is to choose.
    pub(super) fn from_local(ends: &Ends) -> Self {
        let mut control = Self::default();
        match ends.local {
            local if local.is_unspecified() || local.is_multicast() => {}
            IpAddr::V4(address) => {
                // Link 0: the route decides, not the link on which the question came.
                control.header(libc::IPPROTO_IP, libc::IP_PKTINFO, 12);
                control.push(&[0; 4]);
                control.push(&address.octets());
                control.push(&[0; 4]);
            }
            IpAddr::V6(address) => {
                // An address that is one only on its link needs the link.
                let link = if address.is_unicast_link_local() { ends.link } else { 0 };
                control.header(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, 20);
                control.push(&address.octets());
                control.push(&link.to_ne_bytes());
            }
        }
        control.length = control.length.next_multiple_of(size_of::<usize>());
        control
    }

    fn header(&mut self, level: i32, kind: i32, length: usize) {
        self.push(&(CONTROL_HEADER + length).to_ne_bytes());
        self.push(&level.to_ne_bytes());
        self.push(&kind.to_ne_bytes());
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    /// The address at which a datagram came, and its link.
    pub(super) fn local(&self) -> Option<(IpAddr, u32)> {
        let mut rest = self.bytes.get(..self.length)?;
        while rest.len() >= CONTROL_HEADER {
            let length = usize::from_ne_bytes(array(rest, 0)?);
            let level = i32::from_ne_bytes(array(rest, size_of::<usize>())?);
            let kind = i32::from_ne_bytes(array(rest, size_of::<usize>() + 4)?);
            let body = rest.get(CONTROL_HEADER..length)?;
            match (level, kind) {
                (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                    let link = u32::from_ne_bytes(array(body, 0)?);
                    // The second address is that of the header; the first is one of this host's
                    // even if that is a broadcast.
                    return Some((IpAddr::from(array::<4>(body, 4)?), link));
                }
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                    let link = u32::from_ne_bytes(array(body, 16)?);
                    return Some((IpAddr::from(array::<16>(body, 0)?), link));
                }
                _ => rest = rest.get(length.next_multiple_of(size_of::<usize>())..)?,
            }
        }
        None
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

fn family(family: i32) -> u16 {
    u16::try_from(family).expect("address families are small numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_families_come_back_with_flow_and_scope() {
        let addresses = [
            "192.0.2.1:53".parse().unwrap(),
            SocketAddrV6::new("fe80::1".parse().unwrap(), 5353, 7, 3).into(),
        ];
        let found = addresses.map(|address| Name::of(address).address());
        assert_eq!(found, addresses.map(Some));
    }

    #[test]
    fn only_an_address_of_one_link_names_the_link() {
        let remote = "[2001:db8::1]:53".parse().unwrap();
        let locals = ["192.0.2.1", "2001:db8::2", "fe80::1", "0.0.0.0", "::", "ff02::1"];
        let found = locals.map(|local| {
            let local = local.parse().unwrap();
            Control::from_local(&Ends { remote, local, link: 3 }).local()
        });
        let expected = [("192.0.2.1", 0), ("2001:db8::2", 0), ("fe80::1", 3)]
            .map(|(local, link)| Some((local.parse().unwrap(), link)));
        assert_eq!(found, [expected[0], expected[1], expected[2], None, None, None]);
    }

    #[test]
    fn ancillary_bytes_that_make_no_sense_say_nothing() {
        let whole = Control::from_local(&Ends {
            remote: "192.0.2.9:53".parse().unwrap(),
            local: "192.0.2.1".parse().unwrap(),
            link: 0,
        });
        let with_length = |bytes: [u8; size_of::<usize>()]| {
            let mut control = whole.clone();
            control.bytes[..bytes.len()].copy_from_slice(&bytes);
            control
        };
        let (endless, huge) = (with_length([0; _]), with_length([0xff; _]));
        let cut = Control { length: CONTROL_HEADER + 3, ..whole };
        assert_eq!([cut, endless, huge].map(|control| control.local()), [None; 3]);
    }
}
