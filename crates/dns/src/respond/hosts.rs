//! What do static entries say of a name?

use std::net::IpAddr;

use model::Family;

use crate::config::{Hosts, is_within};
use crate::wire::{Lowered, NAME_LEN_MAX, Name, NameAt, Rcode, RecordType, Reply, Section, flag};
use crate::zone::address_in_reverse;

/// Writes what the entries say of a name that stands in the reply; `false` where they say nothing and
/// others are asked.
pub(super) fn answer(
    hosts: &Hosts,
    (name, at): (&Lowered, NameAt),
    rtype: RecordType,
    reply: &mut Reply<'_>,
) -> bool {
    let mut octets = [0; NAME_LEN_MAX];
    let Some(text) = name.text(&mut octets) else { return false };
    if !hosts.zones.is_empty() && !hosts.zones.iter().any(|zone| is_within(text, zone)) {
        return false;
    }
    if let Some(addresses) = hosts.table.addresses(text) {
        write_addresses(addresses, at, (rtype, hosts.ttl), reply);
    } else if let Some(names) = reverse(hosts, name) {
        for target in names.iter().filter(|_| rtype == RecordType::PTR) {
            let Ok(target) = Name::from_text(target) else { continue };
            reply.record(Section::Answer, at, rtype, hosts.ttl, |it| it.bytes(target.as_wire()));
        }
    } else if hosts.fallthrough.covers(text) {
        return false;
    } else {
        reply.set_rcode(Rcode::NXDOMAIN);
    }
    reply.set_flags(flag::AUTHORITATIVE);
    true
}

fn reverse<'h>(hosts: &'h Hosts, name: &Lowered) -> Option<&'h [std::sync::Arc<str>]> {
    let address = address_in_reverse(name).filter(|_| hosts.has_reverse)?;
    hosts.table.names(address)
}

fn write_addresses(
    addresses: &[IpAddr],
    at: NameAt,
    (rtype, ttl): (RecordType, u32),
    reply: &mut Reply<'_>,
) {
    for address in addresses {
        let of_type = match Family::of(*address) {
            Family::V4 => RecordType::A,
            Family::V6 => RecordType::AAAA,
        };
        if of_type == rtype {
            reply.record(Section::Answer, at, rtype, ttl, |it| match address {
                IpAddr::V4(address) => it.bytes(&address.octets()),
                IpAddr::V6(address) => it.bytes(&address.octets()),
            });
        }
    }
}
