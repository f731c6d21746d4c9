//! What does a host's neighbour table hold, and when does a frame change it?
//!
//! By what Linux was measured to do: a request or a reply to itself moves an entry, another reply only
//! one that is older than the lock time; an advertisement moves it only if it overrides.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use etherparse::icmpv6::NeighborAdvertisementHeader;
use etherparse::{Icmpv6Type, LaxNetSlice, LaxSlicedPacket, PacketBuilder};
use model::Mac;

use super::{GATEWAY, LINK, SECOND_LINK, World, second_network};
use crate::wire;

pub(in crate::tests) const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 255, 1));
pub(in crate::tests) const CLIENT_MAC: Mac = Mac([2, 0xc, 0, 0, 0, 1]);
const GATEWAY_MAC: Mac = Mac([2, 0xc, 0, 0, 0, 2]);

const LOCK_TIME: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(in crate::tests) struct Client {
    /// The entry of each address, and when it was changed.
    pub(in crate::tests) table: BTreeMap<IpAddr, (Mac, Duration)>,
}

/// What a frame does to a neighbour table.
struct Move {
    address: IpAddr,
    mac: Mac,
    moves_young: bool,
    moves_old: bool,
}

/// Whether a frame moves an entry that is younger than the lock time, and one that is older.
pub(in crate::tests) fn neighbour_moves(bytes: &[u8]) -> (bool, bool) {
    moves(bytes).map_or((false, false), |moved| (moved.moves_young, moved.moves_old))
}

fn moves(bytes: &[u8]) -> Option<Move> {
    let packet = LaxSlicedPacket::from_ethernet(bytes).ok()?;
    match packet.net? {
        LaxNetSlice::Arp(arp) => {
            let arp = arp.to_packet();
            let protocol: [u8; 4] = arp.sender_protocol_addr().try_into().ok()?;
            let sender: [u8; 6] = arp.sender_hw_addr().try_into().ok()?;
            let is_reply = arp.operation.0 == 2;
            let is_to_itself = arp.sender_protocol_addr() == arp.target_protocol_addr()
                && (!is_reply || arp.target_hw_addr() == sender);
            let is_known = protocol != [0; 4];
            Some(Move {
                address: IpAddr::from(protocol),
                mac: Mac(sender),
                moves_young: is_known && is_to_itself,
                moves_old: is_known && (is_to_itself || is_reply),
            })
        }
        LaxNetSlice::Ipv6(ipv6) => {
            let payload = ipv6.payload().payload;
            let target: [u8; 16] = payload.get(8..24)?.try_into().ok()?;
            let option: [u8; 6] = payload.get(26..32)?.try_into().ok()?;
            let is_override = payload.first() == Some(&136)
                && payload.get(4).is_some_and(|flags| flags & 0x20 != 0)
                && payload.get(24) == Some(&2);
            Some(Move {
                address: IpAddr::from(target),
                mac: Mac(option),
                moves_young: is_override,
                moves_old: is_override,
            })
        }
        LaxNetSlice::Ipv4(_) => None,
    }
}

fn client_v6() -> IpAddr {
    "fd00::c".parse().expect("an address")
}

/// What Linux answers to a question that came to it alone: whoever asks so has its link-layer address.
fn advertisement_to_who_knows(own: Ipv6Addr, mac: Mac, asker: Ipv6Addr, asker_mac: Mac) -> Vec<u8> {
    let header = NeighborAdvertisementHeader { router: false, solicited: true, r#override: true };
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(mac.0, asker_mac.0)
        .ipv6(own.octets(), asker.octets(), 255)
        .icmpv6(Icmpv6Type::NeighborAdvertisement(header))
        .write(&mut frame, &own.octets())
        .expect("a frame");
    frame
}

impl World {
    /// The hosts of the segment that are no nodes hear a frame: what they say to it.
    pub(super) fn hear_as_others(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let now = self.now;
        if let Some(moved) = moves(bytes) {
            let entry = self.client.table.get_mut(&moved.address);
            if let Some((mac, at)) = entry {
                let is_young = now < *at + LOCK_TIME;
                if if is_young { moved.moves_young } else { moved.moves_old } {
                    (*mac, *at) = (moved.mac, now);
                }
            } else if moved.moves_old && self.plan.vips.contains(&moved.address) {
                self.client.table.insert(moved.address, (moved.mac, now));
            }
        }
        let Some(wire::Said::Asked(question)) = wire::read(bytes) else { return Vec::new() };
        let is_unicast = bytes.first().is_some_and(|first| first & 1 == 0);
        let owner = [(CLIENT, CLIENT_MAC), (client_v6(), CLIENT_MAC), (GATEWAY, GATEWAY_MAC)]
            .into_iter()
            .filter(|(address, _)| *address != GATEWAY || self.plan.has_gateway)
            .chain(self.squatters.iter().map(|(address, mac)| (*address, *mac)))
            .find(|(address, _)| *address == question.address);
        owner
            .filter(|(_, mac)| question.mac != *mac)
            .and_then(|(_, mac)| match (question.address, question.asker) {
                (IpAddr::V6(own), Some(IpAddr::V6(asker))) if is_unicast => {
                    Some(advertisement_to_who_knows(own, mac, asker, question.mac))
                }
                _ => wire::answer(&question, mac, false),
            })
            .into_iter()
            .collect()
    }

    /// The client looks for an address, as it does when it begins to use it.
    pub(in crate::tests) fn ask_as_client(&mut self, vip: IpAddr) {
        let own = match vip {
            IpAddr::V4(_) => CLIENT,
            IpAddr::V6(_) => client_v6(),
        };
        let question = wire::question(vip, Some(own), CLIENT_MAC, None).expect("one family");
        let is_second = self.plan.has_second_link && second_network().contains(&vip);
        self.emit_on(if is_second { SECOND_LINK } else { LINK }, None, &question);
    }

    /// The client asks whether its neighbour is still there, and if not, everybody.
    pub(in crate::tests) fn probe_as_client(&mut self, vip: IpAddr) {
        if !self.client.table.contains_key(&vip) {
            return;
        }
        let is_there = self.client_sends_to(vip).is_some_and(|to| self.owners(vip).contains(&to));
        if !is_there {
            self.ask_as_client(vip);
            self.run_for(super::ms(50));
        }
    }

    /// Where the client sends packets for an address.
    pub(in crate::tests) fn client_sends_to(&self, vip: IpAddr) -> Option<usize> {
        let (mac, _) = self.client.table.get(&vip)?;
        (0..self.plan.nodes)
            .find(|node| [super::mac(*node), super::second_mac(*node)].contains(mac))
    }
}
