//! How do ARP frames look?

use std::net::{IpAddr, Ipv4Addr};

use model::Mac;

use super::{Claim, Question, Said, TYPE_ARP, ethernet};

const LENGTH: usize = 28;
/// Ethernet, IPv4, and the lengths of their addresses.
const KINDS: [u8; 6] = [0, 1, 8, 0, 6, 4];
const REQUEST: [u8; 2] = [0, 1];
const REPLY: [u8; 2] = [0, 2];

/// An ARP packet's four addresses, and what it is.
struct Packet {
    operation: [u8; 2],
    sender_mac: Mac,
    sender: Ipv4Addr,
    target_mac: Mac,
    target: Ipv4Addr,
}

impl Packet {
    fn frame(&self, to: Mac) -> Vec<u8> {
        let mut packet = Vec::with_capacity(LENGTH);
        packet.extend(KINDS);
        packet.extend(self.operation);
        packet.extend(self.sender_mac.0);
        packet.extend(self.sender.octets());
        packet.extend(self.target_mac.0);
        packet.extend(self.target.octets());
        ethernet(to, self.sender_mac, TYPE_ARP, &packet)
    }
}

/// A request for the own address: the form that moves a Linux neighbour's entry however young it is.
pub(super) fn announcement(address: Ipv4Addr, mac: Mac) -> Vec<u8> {
    Packet {
        operation: REQUEST,
        sender_mac: mac,
        sender: address,
        target_mac: Mac::UNKNOWN,
        target: address,
    }
    .frame(Mac::BROADCAST)
}

/// A reply that nobody asked for. Target and sender are the same: a reply with any other target
/// hardware address is ignored by Linux while the entry is younger than its lock time.
pub(super) fn claim(address: Ipv4Addr, mac: Mac) -> Vec<u8> {
    Packet { operation: REPLY, sender_mac: mac, sender: address, target_mac: mac, target: address }
        .frame(Mac::BROADCAST)
}

pub(super) fn answer(address: Ipv4Addr, mac: Mac, asker: Ipv4Addr, asker_mac: Mac) -> Vec<u8> {
    Packet {
        operation: REPLY,
        sender_mac: mac,
        sender: address,
        target_mac: asker_mac,
        target: asker,
    }
    .frame(asker_mac)
}

pub(super) fn question(
    address: Ipv4Addr,
    own: Option<Ipv4Addr>,
    mac: Mac,
    to: Option<Mac>,
) -> Vec<u8> {
    Packet {
        operation: REQUEST,
        sender_mac: mac,
        sender: own.unwrap_or(Ipv4Addr::UNSPECIFIED),
        target_mac: Mac::UNKNOWN,
        target: address,
    }
    .frame(to.unwrap_or(Mac::BROADCAST))
}

/// Reads what stands behind an Ethernet header.
pub(super) fn read(payload: &[u8]) -> Option<Said> {
    let packet: &[u8; LENGTH] = payload.first_chunk()?;
    let (kinds, rest) = packet.split_first_chunk::<6>()?;
    let (operation, rest) = rest.split_first_chunk::<2>()?;
    let (sender_mac, rest) = rest.split_first_chunk::<6>()?;
    let (sender, rest) = rest.split_first_chunk::<4>()?;
    let (_target_mac, rest) = rest.split_first_chunk::<6>()?;
    let (target, _) = rest.split_first_chunk::<4>()?;
    let mac = Mac(*sender_mac);
    if *kinds != KINDS || !mac.is_unicast() {
        return None;
    }
    let (sender, target) = (Ipv4Addr::from(*sender), Ipv4Addr::from(*target));
    let is_known = !sender.is_unspecified();
    match *operation {
        REQUEST if sender == target => {
            is_known.then_some(Said::Claimed(Claim { address: target.into(), mac }))
        }
        REQUEST => Some(Said::Asked(Question {
            address: IpAddr::V4(target),
            mac,
            asker: is_known.then_some(sender.into()),
        })),
        REPLY if is_known => Some(Said::Claimed(Claim { address: sender.into(), mac })),
        _ => None,
    }
}
