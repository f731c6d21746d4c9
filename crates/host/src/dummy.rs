//! How does a host get addresses that lead nowhere but to itself?

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{InfoKind, LinkAttribute, LinkInfo, LinkMessage};

use crate::address::{AddressError, await_local, links, local_addresses};
use crate::link::{LinkError, Links};
use crate::netlink::SocketError;
use crate::rtnetlink::{Rtnetlink, RtnetlinkError};

/// A link of kind dummy that holds addresses of single hosts and nothing else. Where the kernel has
/// no such kind, a bridge without ports, which does the same and is marked as ours.
///
/// It stays when the value is dropped, and lives in the network namespace of the thread that calls.
#[derive(Debug)]
pub struct Dummy {
    name: String,
    index: u32,
    links: Links,
}

#[derive(Debug, thiserror::Error)]
pub enum DummyError {
    #[error(
        "a link of this name is not ours, and left as it is: {0}\nhint: delete or rename that link"
    )]
    NotOurs(String),
    #[error("cannot look at link {name}: {source}")]
    Unreadable { name: String, source: RtnetlinkError },
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error(transparent)]
    Socket(#[from] SocketError),
}

impl Dummy {
    /// Makes the link and sets it up, or takes the one that is there with whatever it has.
    ///
    /// # Errors
    /// When the name is that of a link that is not ours.
    pub fn ensure(name: &str) -> Result<Self, DummyError> {
        let mut set_up = Links::open()?;
        match find(name)? {
            Some(Found::Ours) => {}
            Some(Found::Other) => return Err(DummyError::NotOurs(name.to_owned())),
            None => match create(&mut set_up, name) {
                // Somebody was faster: what they made is judged like what was there.
                Err(error) if is_refused(&error, libc::EEXIST) => {
                    if find(name)? != Some(Found::Ours) {
                        return Err(DummyError::NotOurs(name.to_owned()));
                    }
                }
                created => created?,
            },
        }
        set_up.set_up(name)?;
        let links = links()?;
        let found = links.into_iter().find(|(_, found)| found == name);
        let Some((index, name)) = found else {
            let source = io::Error::from_raw_os_error(libc::ENODEV);
            let source = RtnetlinkError::NoSuchLink { source };
            return Err(DummyError::Unreadable { name: name.to_owned(), source });
        };
        Ok(Self { name, index, links: set_up })
    }

    /// The link's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The addresses of single hosts that it has: not what the kernel adds by itself, such as an
    /// address for the link's network.
    ///
    /// # Errors
    /// When they cannot be listed, which is not the same as none.
    pub fn addresses(&self) -> Result<BTreeSet<IpAddr>, DummyError> {
        let all = local_addresses()?.into_iter().filter(|local| local.link == self.index);
        let single =
            all.filter(|local| local.address.prefix_len() == local.address.max_prefix_len());
        Ok(single.map(|local| local.address.addr()).collect())
    }

    /// Adds what is missing, removes what is too much, and waits until packets for the addresses
    /// are taken in.
    ///
    /// # Errors
    /// At the first address that cannot be added or removed; the others may have been.
    pub fn set_addresses(&mut self, wanted: &BTreeSet<IpAddr>) -> Result<(), DummyError> {
        let held = self.addresses()?;
        for address in wanted.difference(&held) {
            self.add(*address)?;
        }
        for address in held.difference(wanted) {
            self.remove(*address)?;
        }
        Ok(await_local(wanted.iter().copied())?)
    }

    /// Adds the address unless it is there.
    ///
    /// # Errors
    /// As the kernel says: permission denied for IPv6 where that is switched off.
    pub fn add(&mut self, address: IpAddr) -> Result<(), DummyError> {
        unless(libc::EEXIST, self.links.add_asked_address(&self.name, address))
    }

    /// Removes the address if it is there.
    ///
    /// # Errors
    /// As the kernel says.
    pub fn remove(&mut self, address: IpAddr) -> Result<(), DummyError> {
        unless(libc::EADDRNOTAVAIL, self.links.delete_address(&self.name, IpNet::from(address)))
    }

    /// Removes the link of this name with its addresses: whether there was one.
    ///
    /// # Errors
    /// When the name is that of a link that is not ours, which is left as it is.
    pub fn delete(name: &str) -> Result<bool, DummyError> {
        match find(name)? {
            None => Ok(false),
            Some(Found::Other) => Err(DummyError::NotOurs(name.to_owned())),
            Some(Found::Ours) => {
                Links::open()?.delete(name)?;
                Ok(true)
            }
        }
    }
}

/// Tells our bridge from those of others; `ip link` shows it.
const MARK: &str = "pogu: addresses of this host alone";

fn create(set_up: &mut Links, name: &str) -> Result<(), LinkError> {
    match set_up.create_dummy(name) {
        Err(error) if is_refused(&error, libc::EOPNOTSUPP) => {
            set_up.create_bridge(name)?;
            set_up.set_alias(name, MARK)
        }
        created => created,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Ours,
    Other,
}

/// Whose link has the name, if one has it.
fn find(name: &str) -> Result<Option<Found>, DummyError> {
    let mut request = LinkMessage::default();
    request.attributes.push(LinkAttribute::IfName(name.to_owned()));
    let answer = Rtnetlink::open()?.ask(RouteNetlinkMessage::GetLink(request));
    match answer {
        Ok(RouteNetlinkMessage::NewLink(link)) => {
            let has_kind = |kind| {
                let kind = LinkInfo::Kind(kind);
                link.attributes.iter().any(|attribute| {
                    matches!(attribute, LinkAttribute::LinkInfo(info) if info.contains(&kind))
                })
            };
            let is_marked = link.attributes.contains(&LinkAttribute::IfAlias(MARK.to_owned()));
            let is_ours = has_kind(InfoKind::Dummy) || has_kind(InfoKind::Bridge) && is_marked;
            Ok(Some(if is_ours { Found::Ours } else { Found::Other }))
        }
        Ok(_) => Ok(None),
        Err(RtnetlinkError::Refused(error)) if error.errno == libc::ENODEV => Ok(None),
        Err(source) => Err(DummyError::Unreadable { name: name.to_owned(), source }),
    }
}

fn is_refused(error: &LinkError, errno: i32) -> bool {
    matches!(&error.source, RtnetlinkError::Refused(refused) if refused.errno == errno)
}

/// What was wanted is so already when the kernel refuses with this.
fn unless(errno: i32, changed: Result<(), LinkError>) -> Result<(), DummyError> {
    match changed {
        Err(error) if is_refused(&error, errno) => Ok(()),
        changed => Ok(changed?),
    }
}
