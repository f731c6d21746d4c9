//! What is directly on this host's links?

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use model::Mac;

use crate::address::{AddressError, local_addresses};
use crate::netlink::{Attribute, DumpError, Misframed, SocketError, attributes, find};
use crate::rtnetlink::Rtnetlink;
use crate::sysctl;

/// A link of Ethernet's kind, with what hosts on it can be reached at and what leads further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjacency {
    pub index: u32,
    pub name: String,
    pub mac: Mac,
    /// Set up, and with a carrier.
    pub is_up: bool,
    /// Forwards IPv6 packets.
    pub is_router: bool,
    /// This host's addresses there.
    pub addresses: Vec<IpAddr>,
    /// Networks that the main routing table has directly there. Not everything at once, as on a link
    /// that leads to one other host.
    pub networks: Vec<IpNet>,
    /// Routers that the main routing table has there.
    pub gateways: Vec<IpAddr>,
}

#[derive(Debug, thiserror::Error)]
pub enum AdjacencyError {
    #[error("cannot list this host's links: {0}")]
    Links(#[source] DumpError),
    #[error("cannot list this host's routes: {0}")]
    Routes(#[source] DumpError),
    #[error("link or route cannot be read: {0}")]
    Misframed(#[from] Misframed),
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error(transparent)]
    Socket(#[from] SocketError),
}

/// Of the calling thread's network namespace, by index. Neither loopback nor links without
/// link-layer addresses or without ARP.
pub fn adjacencies() -> Result<Vec<Adjacency>, AdjacencyError> {
    let mut netlink = Rtnetlink::open()?;
    let mut links = BTreeMap::new();
    let mut failure = None;
    netlink
        .dump_links(&mut |payload| match link(payload) {
            Ok(Some(link)) => {
                links.insert(link.index, link);
            }
            Ok(None) => {}
            Err(error) => failure = Some(error),
        })
        .map_err(AdjacencyError::Links)?;
    netlink
        .dump_routes(&mut |payload| match route(payload) {
            Ok(ways) => ways.into_iter().for_each(|way| way.note(&mut links)),
            Err(error) => failure = Some(error),
        })
        .map_err(AdjacencyError::Routes)?;
    if let Some(error) = failure {
        return Err(error.into());
    }
    for local in local_addresses()? {
        if let Some(link) = links.get_mut(&local.link) {
            link.addresses.push(local.address.addr());
        }
    }
    for link in links.values_mut() {
        link.networks.sort();
        link.networks.dedup();
        link.gateways.sort();
        link.gateways.dedup();
        // As sysctl has names with dots in them.
        let name = link.name.replace('.', "/");
        // A host without IPv6 forwards none.
        let forwards = sysctl::read(&format!("net.ipv6.conf.{name}.forwarding"));
        link.is_router = forwards.is_ok_and(|forwards| forwards == "1");
    }
    Ok(links.into_values().collect())
}

const IFINFOMSG_LENGTH: usize = 16;
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const ARPHRD_ETHER: u16 = 1;
const IFF_UP: u32 = 1;
const IFF_LOOPBACK: u32 = 1 << 3;
const IFF_NOARP: u32 = 1 << 7;
const IFF_LOWER_UP: u32 = 1 << 16;

/// Of a link's many attributes only these are read, so that no driver's oddity gets in the way.
fn link(payload: &[u8]) -> Result<Option<Adjacency>, Misframed> {
    let incomplete = Misframed { offset: 0, what: "link without index, flags or name" };
    let (header, rest) = payload.split_first_chunk::<IFINFOMSG_LENGTH>().ok_or(incomplete)?;
    let [_, _, t0, t1, i0, i1, i2, i3, f0, f1, f2, f3, ..] = *header;
    let flags = u32::from_ne_bytes([f0, f1, f2, f3]);
    let is_of_ethernet = u16::from_ne_bytes([t0, t1]) == ARPHRD_ETHER;
    let mac = find(rest, IFLA_ADDRESS)?.and_then(|value| value.try_into().ok()).map(Mac);
    let Some(mac) = mac.filter(|_| is_of_ethernet && flags & (IFF_LOOPBACK | IFF_NOARP) == 0)
    else {
        return Ok(None);
    };
    let name = find(rest, IFLA_IFNAME)?.ok_or(incomplete)?;
    let name = name.strip_suffix(&[0]).unwrap_or(name);
    Ok(Some(Adjacency {
        index: u32::from_ne_bytes([i0, i1, i2, i3]),
        name: String::from_utf8_lossy(name).into_owned(),
        mac,
        is_up: flags & IFF_UP != 0 && flags & IFF_LOWER_UP != 0,
        is_router: false,
        addresses: Vec::new(),
        networks: Vec::new(),
        gateways: Vec::new(),
    }))
}

const RTMSG_LENGTH: usize = 12;
const RTNEXTHOP_LENGTH: usize = 8;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_MULTIPATH: u16 = 9;
const RTA_TABLE: u16 = 15;
const RTA_VIA: u16 = 18;
const RT_TABLE_MAIN: u32 = 254;
const RTN_UNICAST: u8 = 1;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// One way of a route.
enum Way {
    Direct { link: u32, network: IpNet },
    Through { link: u32, gateway: IpAddr },
}

impl Way {
    fn note(self, links: &mut BTreeMap<u32, Adjacency>) {
        match self {
            Self::Direct { link, network } => {
                if let Some(link) = links.get_mut(&link) {
                    link.networks.push(network);
                }
            }
            Self::Through { link, gateway } => {
                if let Some(link) = links.get_mut(&link) {
                    link.gateways.push(gateway);
                }
            }
        }
    }
}

fn route(payload: &[u8]) -> Result<Vec<Way>, Misframed> {
    let incomplete = Misframed { offset: 0, what: "route without header" };
    let (header, rest) = payload.split_first_chunk::<RTMSG_LENGTH>().ok_or(incomplete)?;
    let [family, prefix_length, _, _, table, _, _, kind, ..] = *header;
    let table = find(rest, RTA_TABLE)?.and_then(number).unwrap_or_else(|| table.into());
    if table != RT_TABLE_MAIN || kind != RTN_UNICAST || !matches!(family, AF_INET | AF_INET6) {
        return Ok(Vec::new());
    }
    let destination = find(rest, RTA_DST)?.and_then(address);
    let network = destination.and_then(|to| IpNet::new(to, prefix_length).ok());
    let mut ways = Vec::new();
    let mut add = |link: Option<u32>, gateway: Option<IpAddr>| match (link, gateway, network) {
        (Some(link), Some(gateway), _) => ways.push(Way::Through { link, gateway }),
        (Some(link), None, Some(network)) => ways.push(Way::Direct { link, network }),
        _ => {}
    };
    add(find(rest, RTA_OIF)?.and_then(number), gateway(rest)?);
    let mut hops = find(rest, RTA_MULTIPATH)?.unwrap_or_default();
    while let Some((header, _)) = hops.split_first_chunk::<RTNEXTHOP_LENGTH>() {
        let [l0, l1, _, _, link @ ..] = *header;
        let length = usize::from(u16::from_ne_bytes([l0, l1]));
        let Some(hop) = hops.get(RTNEXTHOP_LENGTH..length) else { break };
        add(Some(u32::from_ne_bytes(link)), gateway(hop)?);
        hops = hops.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(ways)
}

/// It may be of the other family than the route.
fn gateway(bytes: &[u8]) -> Result<Option<IpAddr>, Misframed> {
    for attribute in attributes(bytes) {
        let Attribute { kind, value } = attribute?;
        match kind {
            RTA_GATEWAY => return Ok(address(value)),
            RTA_VIA => return Ok(value.get(2..).and_then(address)),
            _ => {}
        }
    }
    Ok(None)
}

fn number(value: &[u8]) -> Option<u32> {
    value.try_into().ok().map(u32::from_ne_bytes)
}

fn address(value: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(value) {
        return Some(Ipv4Addr::from(octets).into());
    }
    <[u8; 16]>::try_from(value).ok().map(|octets| Ipv6Addr::from(octets).into())
}
