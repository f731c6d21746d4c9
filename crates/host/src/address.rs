//! Which addresses and links does this host have?

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use ipnet::IpNet;
use model::Family;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};

use crate::netlink::{DumpError, Misframed, SocketError};
use crate::rtnetlink::{Rtnetlink, RtnetlinkError};

/// An address that the kernel takes as this host's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalAddress {
    /// With the length of its network's prefix.
    pub address: IpNet,
    /// The link's index: see [`links`].
    pub link: u32,
}

#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    #[error("cannot list this host's addresses: {0}")]
    Addresses(#[source] RtnetlinkError),
    #[error("cannot list this host's links: {0}")]
    Links(#[source] DumpError),
    #[error("link cannot be read: {0}")]
    Misframed(#[from] Misframed),
    #[error("cannot find the {family} address that this host is reached at: {source}")]
    Primary { family: Family, source: io::Error },
    #[error("address {address} is not taken in by the kernel: {source}")]
    Awaited { address: IpAddr, source: io::Error },
    #[error(transparent)]
    Socket(#[from] SocketError),
}

/// The addresses of both families on all links of the calling thread's network namespace, loopback
/// included, in the kernel's order. Not those that still wait for the proof that nobody else has
/// them: a notification follows when that ends.
pub fn local_addresses() -> Result<Vec<LocalAddress>, AddressError> {
    let request = RouteNetlinkMessage::GetAddress(AddressMessage::default());
    let listed = Rtnetlink::open()?.list(request).map_err(AddressError::Addresses)?;
    Ok(listed.iter().filter_map(local_address).collect())
}

fn local_address(message: &RouteNetlinkMessage) -> Option<LocalAddress> {
    let RouteNetlinkMessage::NewAddress(message) = message else { return None };
    let (mut local, mut address) = (None, None);
    let mut flags = AddressFlags::empty();
    for attribute in &message.attributes {
        if let AddressAttribute::Local(found) = attribute {
            local = Some(*found);
        } else if let AddressAttribute::Address(found) = attribute {
            address = Some(*found);
        } else if let AddressAttribute::Flags(found) = attribute {
            flags = *found;
        }
    }
    let is_awaited =
        flags.contains(AddressFlags::Tentative) && !flags.contains(AddressFlags::Optimistic);
    if is_awaited || flags.contains(AddressFlags::Dadfailed) {
        return None;
    }
    // On a link between two points, `Address` is the other one's.
    let address = IpNet::new(local.or(address)?, message.header.prefix_len).ok()?;
    Some(LocalAddress { address, link: message.header.index })
}

const IFLA_IFNAME: u16 = 3;
const IFINFOMSG_LENGTH: usize = 16;

/// The links of the calling thread's network namespace: index and name.
///
/// Of a link's many attributes only these are read, so that no driver's oddity gets in the way.
pub fn links() -> Result<BTreeMap<u32, String>, AddressError> {
    let mut links = BTreeMap::new();
    let mut failure = None;
    Rtnetlink::open()?
        .dump_links(&mut |payload| match index_and_name(payload) {
            Ok((index, name)) => {
                links.insert(index, name);
            }
            Err(error) => failure = Some(error),
        })
        .map_err(AddressError::Links)?;
    failure.map_or(Ok(links), |error| Err(error.into()))
}

fn index_and_name(payload: &[u8]) -> Result<(u32, String), Misframed> {
    let incomplete = Misframed { offset: 0, what: "link without index or name" };
    let index = payload.get(4..8).and_then(|bytes| bytes.try_into().ok());
    let attributes = payload.get(IFINFOMSG_LENGTH..).unwrap_or_default();
    let name = crate::netlink::find(attributes, IFLA_IFNAME)?;
    let (index, name) = index.zip(name).ok_or(incomplete)?;
    let name = name.strip_suffix(&[0]).unwrap_or(name);
    Ok((u32::from_ne_bytes(index), String::from_utf8_lossy(name).into_owned()))
}

/// The address that this host speaks to the rest of the world from, if it has a route there.
///
/// The kernel chooses it for an address that is for documentation only; nothing is sent.
pub fn primary_address(family: Family) -> Result<Option<IpAddr>, AddressError> {
    let (any, world) = match family {
        Family::V4 => (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into()),
        Family::V6 => {
            (Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into())
        }
    };
    let chosen = UdpSocket::bind(SocketAddr::new(any, 0)).and_then(|socket| {
        socket.connect(SocketAddr::new(world, 9))?;
        Ok(socket.local_addr()?.ip())
    });
    match chosen {
        Ok(address) => Ok(Some(address)),
        Err(source) => match source.raw_os_error() {
            Some(
                libc::ENETUNREACH | libc::EHOSTUNREACH | libc::EADDRNOTAVAIL | libc::EAFNOSUPPORT,
            ) => Ok(None),
            _ => Err(AddressError::Primary { family, source }),
        },
    }
}

/// Waits until packets for these addresses are taken in: the kernel makes a new IPv6 address its own
/// in a work queue, after it has acknowledged the address.
pub fn await_local(addresses: impl IntoIterator<Item = IpAddr>) -> Result<(), AddressError> {
    const LOOKS_MAX: usize = 1_000_000;
    let mut missing: Vec<IpAddr> = addresses.into_iter().filter(IpAddr::is_ipv6).collect();
    for _ in 0..LOOKS_MAX {
        let Some(first) = missing.first().copied() else { return Ok(()) };
        let routes = std::fs::read_to_string("/proc/thread-self/net/ipv6_route")
            .map_err(|source| AddressError::Awaited { address: first, source })?;
        let local: Vec<IpAddr> = routes.lines().filter_map(local_route).collect();
        missing.retain(|address| !local.contains(address));
        std::thread::yield_now();
    }
    missing.first().map_or(Ok(()), |address| {
        Err(AddressError::Awaited { address: *address, source: io::ErrorKind::TimedOut.into() })
    })
}

/// The address that a line of the kernel's list of IPv6 routes makes local.
fn local_route(line: &str) -> Option<IpAddr> {
    const RTF_LOCAL: u32 = 0x8000_0000;
    let mut fields = line.split_whitespace();
    let address = u128::from_str_radix(fields.next()?, 16).ok()?;
    let flags = u32::from_str_radix(fields.nth(7)?, 16).ok()?;
    (flags & RTF_LOCAL != 0).then(|| IpAddr::V6(Ipv6Addr::from_bits(address)))
}
