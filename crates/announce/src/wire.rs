//! What do frames of the link say about an address?

pub mod arp;
mod checksum;
pub mod ndp;

use std::net::IpAddr;

use model::Mac;

/// What a frame says, as far as it is about who has an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// Where is `address`?
    Asked(Question),
    /// `mac` has `address`.
    Claimed(Claim),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    pub address: IpAddr,
    /// Where the answer goes.
    pub mac: Mac,
    /// Who asks. Absent when it asks whether anybody has the address that it is about to use.
    pub asker: Option<IpAddr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    pub address: IpAddr,
    pub mac: Mac,
}

const ETHERNET_LENGTH: usize = 14;
const TYPE_ARP: [u8; 2] = [0x08, 0x06];
const TYPE_IPV6: [u8; 2] = [0x86, 0xdd];

/// Reads a frame. `None` for what is broken or about something else.
#[must_use]
pub fn read(frame: &[u8]) -> Option<Said> {
    let (header, payload) = frame.split_at_checked(ETHERNET_LENGTH)?;
    let sender = Mac(*header.get(6..)?.first_chunk()?);
    let said = match header.get(12..)? {
        kind if kind == TYPE_ARP => arp::read(payload),
        kind if kind == TYPE_IPV6 => ndp::read(payload),
        _ => None,
    }?;
    // Neighbours that know each other say their addresses only in the frame.
    Some(match said {
        Said::Asked(question) if question.mac == Mac::UNKNOWN => {
            Said::Asked(Question { mac: sender, ..question })
        }
        Said::Claimed(claim) if claim.mac == Mac::UNKNOWN => {
            return sender.is_unicast().then_some(Said::Claimed(Claim { mac: sender, ..claim }));
        }
        Said::Asked(_) | Said::Claimed(_) => said,
    })
}

/// The frames by which everybody on the link learns where an address is now.
#[must_use]
pub fn announcement(address: IpAddr, mac: Mac, is_router: bool) -> Vec<Vec<u8>> {
    match address {
        IpAddr::V4(address) => vec![arp::announcement(address, mac), arp::claim(address, mac)],
        IpAddr::V6(address) => vec![ndp::announcement(address, mac, is_router)],
    }
}

/// The answer to a question.
#[must_use]
pub fn answer(question: &Question, mac: Mac, is_router: bool) -> Option<Vec<u8>> {
    match (question.address, question.asker) {
        (IpAddr::V4(address), Some(IpAddr::V4(asker))) => {
            Some(arp::answer(address, mac, asker, question.mac))
        }
        (IpAddr::V4(address), None) => {
            Some(arp::answer(address, mac, std::net::Ipv4Addr::UNSPECIFIED, question.mac))
        }
        (IpAddr::V6(address), Some(IpAddr::V6(asker))) => {
            Some(ndp::answer(address, mac, asker, question.mac, is_router))
        }
        // Who has no address can only be told together with all others.
        (IpAddr::V6(address), None) => Some(ndp::announcement(address, mac, is_router)),
        _ => None,
    }
}

/// Asks for an address: everybody, or one whose link-layer address is known. `own` is whoever asks;
/// without it, the question is whether anybody has the address, and moves nobody's tables.
#[must_use]
pub fn question(
    address: IpAddr,
    own: Option<IpAddr>,
    mac: Mac,
    to: Option<Mac>,
) -> Option<Vec<u8>> {
    match (address, own) {
        (IpAddr::V4(address), None) => Some(arp::question(address, None, mac, to)),
        (IpAddr::V4(address), Some(IpAddr::V4(own))) => {
            Some(arp::question(address, Some(own), mac, to))
        }
        (IpAddr::V6(address), None) => Some(ndp::question(address, None, mac, to)),
        (IpAddr::V6(address), Some(IpAddr::V6(own))) => {
            Some(ndp::question(address, Some(own), mac, to))
        }
        _ => None,
    }
}

fn ethernet(to: Mac, from: Mac, kind: [u8; 2], payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(ETHERNET_LENGTH + payload.len());
    frame.extend(to.0);
    frame.extend(from.0);
    frame.extend(kind);
    frame.extend(payload);
    frame
}
