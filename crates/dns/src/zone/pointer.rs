//! Which address does a name below `in-addr.arpa` or `ip6.arpa` mean, and what leads back from it?

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use model::{Family, ServiceName};

use crate::wire::Lowered;
use crate::zone::names::{ServiceNames, Stands, addresses_in};
use crate::zone::{Domain, Pointer, Zone};

/// Labels of `in-addr.arpa` and of `ip6.arpa`.
pub(crate) const ROOT_LABELS: usize = 2;

const V4_ROOT: &[u8] = b"\x07in-addr\x04arpa\0";
const V6_ROOT: &[u8] = b"\x03ip6\x04arpa\0";

/// A name below one of the two roots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reverse {
    Address(IpAddr),
    /// All addresses from the first to the last: the name says only how they begin.
    Within(IpAddr, IpAddr),
    /// No address is written so.
    NoAddress,
}

impl Reverse {
    /// `None` for a name below neither root.
    pub(crate) fn of(name: &Lowered) -> Option<Self> {
        if let Some(labels) = name.labels_before(V4_ROOT) {
            return Some(read(name, labels, 4, octet, |octets: [u8; 4]| {
                IpAddr::V4(Ipv4Addr::from(octets))
            }));
        }
        let labels = name.labels_before(V6_ROOT)?;
        Some(read(name, labels, 32, nibble, |nibbles: [u8; 32]| {
            let mut octets = [0; 16];
            for (octet, pair) in octets.iter_mut().zip(nibbles.chunks_exact(2)) {
                *octet = pair.iter().fold(0, |octet, nibble| octet << 4 | nibble & 0x0f);
            }
            IpAddr::V6(Ipv6Addr::from(octets))
        }))
    }
}

/// The address that a name below one of the two roots is written for.
#[must_use]
pub fn address_in_reverse(name: &Lowered) -> Option<IpAddr> {
    match Reverse::of(name)? {
        Reverse::Address(address) => Some(address),
        Reverse::Within(..) | Reverse::NoAddress => None,
    }
}

/// Reads labels from the right; what is not said is all zeros for the first address, all ones for the
/// last.
fn read<const N: usize>(
    name: &Lowered,
    labels: usize,
    whole: usize,
    part: impl Fn(&[u8]) -> Option<u8>,
    make: impl Fn([u8; N]) -> IpAddr,
) -> Reverse {
    if labels > whole {
        return Reverse::NoAddress;
    }
    let (mut first, mut last) = ([0; N], [0xff; N]);
    for (index, (first, last)) in first.iter_mut().zip(&mut last).take(labels).enumerate() {
        let Some(said) = name.label(labels - 1 - index).and_then(&part) else {
            return Reverse::NoAddress;
        };
        (*first, *last) = (said, said);
    }
    if labels == whole {
        Reverse::Address(make(first))
    } else {
        Reverse::Within(make(first), make(last))
    }
}

/// Without leading zeros: an address has one name.
fn octet(label: &[u8]) -> Option<u8> {
    let has_zero = label.len() > 1 && label.first() == Some(&b'0');
    let digits = !has_zero && label.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(label).ok().filter(|_| digits)?.parse().ok()
}

fn nibble(label: &[u8]) -> Option<u8> {
    let [digit] = label else { return None };
    char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// A name that an address leads back to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Back<'z> {
    pub(crate) domain: Domain,
    pub(crate) service: &'z ServiceNames,
    /// The endpoint's labels; `None` for the Service itself, `Some(&[])` for an endpoint that is
    /// named after its address.
    pub(crate) labels: Option<&'z [u8]>,
}

impl Zone {
    pub(crate) fn has_pointer(&self, address: IpAddr) -> bool {
        self.has_pointer_within(address, address)
    }

    pub(crate) fn has_pointer_within(&self, first: IpAddr, last: IpAddr) -> bool {
        self.pointers.range(Pointer::first_of(first)..).next().is_some_and(|it| it.address <= last)
    }

    /// What an address leads back to: to one Service whose own address it is, or else to each that has
    /// it as an endpoint.
    pub(crate) fn back(&self, address: IpAddr) -> impl Iterator<Item = Back<'_>> {
        let of_address = move || {
            let all = self.pointers.range(Pointer::first_of(address)..);
            all.take_while(move |it| it.address == address)
        };
        let known = move || of_address().filter_map(|it| Some((it.domain, self.service(it)?)));
        let services = known().filter(move |(_, names)| is_own(names, address));
        let oldest = services.min_by_key(|(domain, names)| (*domain, names.created_s, &names.name));
        let service = oldest.map(|(domain, service)| Back { domain, service, labels: None });
        // A name of this cluster is the better one.
        let domain = known().map(|(domain, _)| domain).min();
        let endpoints = known().filter(move |(of, _)| service.is_none() && Some(*of) == domain);
        service.into_iter().chain(endpoints.flat_map(move |(domain, names)| {
            let named = names.named.iter().filter(move |host| {
                let family = Family::of(address);
                addresses_in(family, host.addresses.get(family)).any(|it| it == address)
            });
            let family = Family::of(address);
            let mut dashed = addresses_in(family, names.dashed.get(family));
            let dashed = dashed.any(|it| it == address).then_some(&[][..]);
            let labels = named.map(|host| &*host.labels).chain(dashed);
            labels.map(move |labels| Back { domain, service: names, labels: Some(labels) })
        }))
    }

    fn service(&self, pointer: &Pointer) -> Option<&ServiceNames> {
        let ServiceName { namespace, name } = &pointer.service;
        let names = self.tree(pointer.domain).namespaces.get(namespace.as_bytes())?;
        names.get(name.as_bytes()).map(Arc::as_ref)
    }
}

impl Pointer {
    /// Before all others of an address.
    fn first_of(address: IpAddr) -> Self {
        let service = ServiceName { namespace: Arc::default(), name: Arc::default() };
        Self { address, domain: Domain::Cluster, service }
    }
}

fn is_own(service: &ServiceNames, address: IpAddr) -> bool {
    let Stands::Addresses { addresses, .. } = &service.stands else { return false };
    let family = Family::of(address);
    addresses_in(family, addresses.get(family)).any(|it| it == address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Name;

    fn lowered(name: &str) -> Lowered {
        Lowered::new(Name::from_text(name).unwrap().as_wire()).unwrap()
    }

    fn reverse(name: &str) -> Option<Reverse> {
        Reverse::of(&lowered(name))
    }

    #[test]
    fn names_are_addresses_or_how_they_begin() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let within = |first, last| Some(Reverse::Within(address(first), address(last)));
        let v4 = Some(Reverse::Address(address("10.1.0.5")));
        assert_eq!(reverse("5.0.1.10.in-addr.arpa"), v4);
        assert_eq!(reverse("10.IN-ADDR.arpa"), within("10.0.0.0", "10.255.255.255"));
        assert_eq!(reverse("in-addr.arpa"), within("0.0.0.0", "255.255.255.255"));
        let v6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.c.b.a.4.3.2.1.ip6.arpa";
        assert_eq!(reverse(v6), Some(Reverse::Address(address("1234:abcd::1"))));
        let last = "1234:abff:ffff:ffff:ffff:ffff:ffff:ffff";
        assert_eq!(reverse("b.a.4.3.2.1.ip6.arpa"), within("1234:ab00::", last));
    }

    #[test]
    fn others_are_no_addresses() {
        for name in ["05.0.1.10.in-addr.arpa", "256.in-addr.arpa", "a.in-addr.arpa", "10.ip6.arpa"]
        {
            assert_eq!(reverse(name), Some(Reverse::NoAddress), "{name}");
        }
        assert_eq!(reverse("1.2.3.4.5.in-addr.arpa"), Some(Reverse::NoAddress));
        assert_eq!(reverse("in-addr.example"), None);
    }
}
