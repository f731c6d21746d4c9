//! How do frames of IPv6 neighbour discovery look?

use std::net::{IpAddr, Ipv6Addr};

use model::Mac;

use super::checksum::icmpv6;
use super::{Claim, Question, Said, TYPE_IPV6, ethernet};

const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
const ICMPV6: u8 = 58;
/// Messages that came over a router do not have it.
const HOP_LIMIT: u8 = 255;
const IPV6_LENGTH: usize = 40;
const MESSAGE_LENGTH: usize = 24;

const SOURCE_LINK_LAYER: u8 = 1;
const TARGET_LINK_LAYER: u8 = 2;

const IS_ROUTER: u8 = 0x80;
const IS_SOLICITED: u8 = 0x40;
/// Whoever has another link-layer address for the target takes this one.
const OVERRIDES: u8 = 0x20;

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// The group that is asked for an address: whoever has it must be in it.
#[must_use]
pub fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), u16::from_be_bytes([b, c]))
}

/// The link-layer address of a group.
#[must_use]
pub fn group_mac(group: Ipv6Addr) -> Mac {
    let [.., a, b, c, d] = group.octets();
    Mac([0x33, 0x33, a, b, c, d])
}

/// To everybody: also the answer to whoever asks without an address of its own.
pub(super) fn announcement(address: Ipv6Addr, mac: Mac, is_router: bool) -> Vec<u8> {
    let message = advertisement(address, mac, OVERRIDES | router(is_router));
    frame(mac, group_mac(ALL_NODES), address, ALL_NODES, message)
}

/// It overrides: whoever missed the announcement of a new owner is put right by its next question.
/// The address has one owner at a time, so it is neither anycast nor proxied for, for which RFC 4861
/// (section 7.2.4) would have it not override.
pub(super) fn answer(
    address: Ipv6Addr,
    mac: Mac,
    asker: Ipv6Addr,
    asker_mac: Mac,
    is_router: bool,
) -> Vec<u8> {
    let message = advertisement(address, mac, OVERRIDES | IS_SOLICITED | router(is_router));
    frame(mac, asker_mac, address, asker, message)
}

/// Without `own` it is the question of duplicate address detection.
pub(super) fn question(
    address: Ipv6Addr,
    own: Option<Ipv6Addr>,
    mac: Mac,
    to: Option<Mac>,
) -> Vec<u8> {
    let mut message = vec![SOLICITATION, 0, 0, 0, 0, 0, 0, 0];
    message.extend(address.octets());
    if own.is_some() {
        message.extend(link_layer(SOURCE_LINK_LAYER, mac));
    }
    let group = solicited_node(address);
    let (to, destination) = match to {
        Some(to) => (to, address),
        None => (group_mac(group), group),
    };
    frame(mac, to, own.unwrap_or(Ipv6Addr::UNSPECIFIED), destination, message)
}

const fn router(is_router: bool) -> u8 {
    if is_router { IS_ROUTER } else { 0 }
}

fn advertisement(address: Ipv6Addr, mac: Mac, flags: u8) -> Vec<u8> {
    let mut message = vec![ADVERTISEMENT, 0, 0, 0, flags, 0, 0, 0];
    message.extend(address.octets());
    message.extend(link_layer(TARGET_LINK_LAYER, mac));
    message
}

fn link_layer(kind: u8, mac: Mac) -> [u8; 8] {
    let [a, b, c, d, e, f] = mac.0;
    [kind, 1, a, b, c, d, e, f]
}

fn frame(
    from: Mac,
    to: Mac,
    source: Ipv6Addr,
    destination: Ipv6Addr,
    mut message: Vec<u8>,
) -> Vec<u8> {
    let checksum = icmpv6(source, destination, &message);
    if let Some(place) = message.get_mut(2..4) {
        place.copy_from_slice(&checksum.to_be_bytes());
    }
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    let mut packet = Vec::with_capacity(IPV6_LENGTH + message.len());
    packet.extend([0x60, 0, 0, 0]);
    packet.extend(length.to_be_bytes());
    packet.extend([ICMPV6, HOP_LIMIT]);
    packet.extend(source.octets());
    packet.extend(destination.octets());
    packet.extend(message);
    ethernet(to, from, TYPE_IPV6, &packet)
}

/// Reads what stands behind an Ethernet header, by the rules of RFC 4861, sections 7.1.1 and 7.1.2.
pub(super) fn read(payload: &[u8]) -> Option<Said> {
    let (header, rest) = payload.split_first_chunk::<IPV6_LENGTH>()?;
    let [version, _, _, _, high, low, ICMPV6, HOP_LIMIT, addresses @ ..] = header else {
        return None;
    };
    let message = rest.get(..usize::from(u16::from_be_bytes([*high, *low])))?;
    let (source, destination) = addresses.split_first_chunk::<16>()?;
    let source = Ipv6Addr::from(*source);
    let destination = Ipv6Addr::from(*destination.first_chunk::<16>()?);
    if version >> 4 != 6 || icmpv6(source, destination, message) != 0 {
        return None;
    }
    let (fixed, options) = message.split_first_chunk::<MESSAGE_LENGTH>()?;
    let [kind, 0, _, _, flags, _, _, _, target @ ..] = fixed else { return None };
    let target = Ipv6Addr::from(*target.first_chunk::<16>()?);
    if target.is_multicast() {
        return None;
    }
    let options = read_options(options)?;
    match *kind {
        SOLICITATION => solicitation(source, destination, target, options),
        ADVERTISEMENT => {
            let is_solicited = flags & IS_SOLICITED != 0;
            if is_solicited && destination.is_multicast() {
                return None;
            }
            // Whoever was asked by its link-layer address need not repeat it (RFC 4861, section 7.2.4,
            // and Linux does not): it is where the frame came from, which the caller knows.
            let mac = match options.target {
                Some(mac) => mac.is_unicast().then_some(mac)?,
                None if is_solicited => Mac::UNKNOWN,
                None => return None,
            };
            Some(Said::Claimed(Claim { address: target.into(), mac }))
        }
        _ => None,
    }
}

#[derive(Default)]
struct Options {
    source: Option<Mac>,
    target: Option<Mac>,
}

fn solicitation(
    source: Ipv6Addr,
    destination: Ipv6Addr,
    target: Ipv6Addr,
    options: Options,
) -> Option<Said> {
    let question = |asker, mac| Some(Said::Asked(Question { address: target.into(), mac, asker }));
    if source.is_unspecified() {
        let is_valid = destination == solicited_node(target) && options.source.is_none();
        return if is_valid { question(None, Mac::UNKNOWN) } else { None };
    }
    // Without the option the answer goes to where the frame came from, which the caller knows.
    let mac = options.source.filter(|mac| mac.is_unicast()).unwrap_or(Mac::UNKNOWN);
    question(Some(IpAddr::V6(source)), mac)
}

/// `None` when an option is broken: then the whole message is.
fn read_options(mut rest: &[u8]) -> Option<Options> {
    let mut options = Options::default();
    while let [kind, length, ..] = *rest {
        let (option, behind) = rest.split_at_checked(usize::from(length) * 8)?;
        let (_, value) = option.split_at_checked(2)?;
        let mac = value.first_chunk::<6>().map(|mac| Mac(*mac));
        match kind {
            SOURCE_LINK_LAYER => options.source = mac,
            TARGET_LINK_LAYER => options.target = mac,
            _ => {}
        }
        rest = behind;
    }
    rest.is_empty().then_some(options)
}
