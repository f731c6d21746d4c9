//! How does a network namespace get its links, addresses and routes?

use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd};

use ipnet::IpNet;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::address::{
    AddressAttribute, AddressHeaderFlags, AddressMessage, AddressScope, CacheInfo,
};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteProtocol, RouteScope,
    RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rustix::net::netdevice::name_to_index;

use crate::netlink::SocketError;
use crate::netns::Netns;
use crate::rtnetlink::{Rtnetlink, RtnetlinkError};

/// What failed, on which link.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation}: {subject}: {source}")]
pub struct LinkError {
    pub operation: &'static str,
    pub subject: String,
    pub source: RtnetlinkError,
}

/// Sets up links in the network namespace of the thread that opens it.
#[derive(Debug)]
pub struct Links {
    netlink: Rtnetlink,
}

impl Links {
    pub fn open() -> Result<Self, SocketError> {
        Ok(Self { netlink: Rtnetlink::open()? })
    }

    /// A bridge, whose ports are joined with [`Self::join_bridge`]; without ports, a link that leads
    /// nowhere and can hold addresses.
    pub fn create_bridge(&mut self, name: &str) -> Result<(), LinkError> {
        let info = vec![LinkInfo::Kind(InfoKind::Bridge)];
        self.create(name, info).map_err(failed("create bridge", name))
    }

    /// A link that leads nowhere and can hold addresses.
    pub fn create_dummy(&mut self, name: &str) -> Result<(), LinkError> {
        let info = vec![LinkInfo::Kind(InfoKind::Dummy)];
        self.create(name, info).map_err(failed("create dummy", name))
    }

    /// Two links that are joined like a cable, the second in another namespace if one is given.
    pub fn create_veth(
        &mut self,
        name: &str,
        peer_name: &str,
        peer_netns: Option<&Netns>,
    ) -> Result<(), LinkError> {
        let mut peer = LinkMessage::default();
        peer.attributes.push(LinkAttribute::IfName(peer_name.to_owned()));
        if let Some(netns) = peer_netns {
            peer.attributes.push(LinkAttribute::NetNsFd(netns.as_fd().as_raw_fd()));
        }
        let info = vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
        ];
        self.create(name, info).map_err(failed("create veth", name))
    }

    pub fn set_up(&mut self, name: &str) -> Result<(), LinkError> {
        self.set(name, |message| {
            message.header.flags = LinkFlags::Up;
            message.header.change_mask = LinkFlags::Up;
        })
        .map_err(failed("set link up", name))
    }

    /// A text of up to 255 bytes that is shown with the link.
    pub fn set_alias(&mut self, name: &str, alias: &str) -> Result<(), LinkError> {
        self.set(name, |message| message.attributes.push(LinkAttribute::IfAlias(alias.to_owned())))
            .map_err(failed("set alias of link", name))
    }

    pub fn join_bridge(&mut self, name: &str, bridge: &str) -> Result<(), LinkError> {
        let failed = failed("join bridge", name);
        let index = match self.index(bridge) {
            Ok(index) => index,
            Err(source) => return Err(failed(source)),
        };
        self.set(name, |message| message.attributes.push(LinkAttribute::Controller(index)))
            .map_err(failed)
    }

    /// A veth's peer goes with it.
    pub fn delete(&mut self, name: &str) -> Result<(), LinkError> {
        self.index(name)
            .and_then(|index| {
                let mut message = LinkMessage::default();
                message.header.index = index;
                self.netlink.change(RouteNetlinkMessage::DelLink(message), 0)
            })
            .map_err(failed("delete link", name))
    }

    /// Nobody is asked whether an IPv6 address is taken; `address::await_local` tells when it is
    /// usable.
    pub fn add_address(&mut self, name: &str, address: IpNet) -> Result<(), LinkError> {
        self.index(name)
            .and_then(|index| {
                let message = RouteNetlinkMessage::NewAddress(address_message(index, address));
                self.netlink.change(message, NLM_F_CREATE | NLM_F_EXCL)
            })
            .map_err(failed("add address", &format!("{address} to {name}")))
    }

    /// An address at which only this host is asked: it is never taken for the source of what this host
    /// sends, where nobody says so. A link without addresses has the whole host's to choose from.
    pub fn add_asked_address(&mut self, name: &str, address: IpAddr) -> Result<(), LinkError> {
        self.index(name)
            .and_then(|index| {
                let mut message = address_message(index, IpNet::from(address));
                match address {
                    IpAddr::V4(_) => message.header.scope = AddressScope::Host,
                    IpAddr::V6(_) => message.attributes.push(deprecated()),
                }
                let message = RouteNetlinkMessage::NewAddress(message);
                self.netlink.change(message, NLM_F_CREATE | NLM_F_EXCL)
            })
            .map_err(failed("add address", &format!("{} to {name}", IpNet::from(address))))
    }

    pub fn delete_address(&mut self, name: &str, address: IpNet) -> Result<(), LinkError> {
        self.index(name)
            .and_then(|index| {
                let message = RouteNetlinkMessage::DelAddress(address_message(index, address));
                self.netlink.change(message, 0)
            })
            .map_err(failed("delete address", &format!("{address} of {name}")))
    }

    /// A route through a gateway.
    pub fn add_route(&mut self, destination: IpNet, gateway: IpAddr) -> Result<(), LinkError> {
        let message = route(destination, RouteAttribute::Gateway(RouteAddress::from(gateway)));
        self.netlink
            .change(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | NLM_F_EXCL)
            .map_err(failed("add route", &format!("{destination} via {gateway}")))
    }

    pub fn delete_route(&mut self, destination: IpNet, gateway: IpAddr) -> Result<(), LinkError> {
        let message = route(destination, RouteAttribute::Gateway(RouteAddress::from(gateway)));
        self.netlink
            .change(RouteNetlinkMessage::DelRoute(message), 0)
            .map_err(failed("delete route", &format!("{destination} via {gateway}")))
    }

    /// A route through a gateway that is directly on a link, whatever addresses the link has.
    pub fn add_route_on(
        &mut self,
        destination: IpNet,
        gateway: IpAddr,
        name: &str,
    ) -> Result<(), LinkError> {
        self.index(name)
            .and_then(|index| {
                let gateway = RouteAttribute::Gateway(RouteAddress::from(gateway));
                let mut message = route(destination, gateway);
                message.header.flags = RouteFlags::Onlink;
                message.attributes.push(RouteAttribute::Oif(index));
                self.netlink
                    .change(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | NLM_F_EXCL)
            })
            .map_err(failed("add route", &format!("{destination} via {gateway} on {name}")))
    }

    /// A route to what is directly on a link.
    pub fn add_link_route(&mut self, destination: IpNet, name: &str) -> Result<(), LinkError> {
        self.index(name)
            .and_then(|index| {
                let mut message = route(destination, RouteAttribute::Oif(index));
                message.header.scope = RouteScope::Link;
                self.netlink
                    .change(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | NLM_F_EXCL)
            })
            .map_err(failed("add route", &format!("{destination} on {name}")))
    }

    fn create(&mut self, name: &str, info: Vec<LinkInfo>) -> Result<(), RtnetlinkError> {
        let mut message = LinkMessage::default();
        message.attributes.push(LinkAttribute::IfName(name.to_owned()));
        message.attributes.push(LinkAttribute::LinkInfo(info));
        self.netlink.change(RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL)
    }

    fn set(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut LinkMessage),
    ) -> Result<(), RtnetlinkError> {
        let mut message = LinkMessage::default();
        message.header.index = self.index(name)?;
        change(&mut message);
        self.netlink.change(RouteNetlinkMessage::SetLink(message), 0)
    }

    fn index(&self, name: &str) -> Result<u32, RtnetlinkError> {
        name_to_index(&self.netlink.socket, name)
            .map_err(|errno| RtnetlinkError::NoSuchLink { source: errno.into() })
    }
}

fn failed(operation: &'static str, subject: &str) -> impl FnOnce(RtnetlinkError) -> LinkError {
    let subject = subject.to_owned();
    move |source| LinkError { operation, subject, source }
}

fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

fn address_message(index: u32, address: IpNet) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = family(address.addr());
    message.header.prefix_len = address.prefix_len();
    message.header.flags = AddressHeaderFlags::Nodad;
    message.header.scope = AddressScope::Universe;
    message.header.index = index;
    message.attributes.push(AddressAttribute::Local(address.addr()));
    message.attributes.push(AddressAttribute::Address(address.addr()));
    message
}

/// Valid for ever, and preferred never.
fn deprecated() -> AddressAttribute {
    let mut lifetimes = CacheInfo::default();
    lifetimes.ifa_valid = u32::MAX;
    lifetimes.ifa_preferred = 0;
    AddressAttribute::CacheInfo(lifetimes)
}

fn route(destination: IpNet, through: RouteAttribute) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = family(destination.addr());
    message.header.destination_prefix_length = destination.prefix_len();
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.protocol = RouteProtocol::Static;
    message.header.kind = RouteType::Unicast;
    message.attributes.push(RouteAttribute::Destination(destination.network().into()));
    message.attributes.push(through);
    message
}
