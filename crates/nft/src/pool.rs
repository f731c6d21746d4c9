//! Which number does a pool have, and which endpoint is in which of its slots?
//!
//! A pool keeps its number and its endpoints keep their slots as long as they live, so that one
//! endpoint's change costs that endpoint.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use model::{Endpoint, Family, PoolKind, Protocol};

/// Numbers that are in use, from 1 to a bound. Lowest free one first, so that a rebuilt node gets
/// the same ones.
///
/// What is given back rests until others were, as long as there are others: a packet that was sent to
/// a number while a change takes effect must not find there what the same change put in its place.
#[derive(Debug, Clone)]
pub(crate) struct Numbers {
    /// Free ones below `next`.
    free: BTreeSet<u32>,
    /// Those given back last, the oldest first.
    resting: VecDeque<u32>,
    next: u32,
    max: u32,
}

/// More than one change gives back, but for changes of a whole cluster.
const RESTING_MAX: usize = 1024;

impl Numbers {
    pub(crate) const fn up_to(max: u32) -> Self {
        Self { free: BTreeSet::new(), resting: VecDeque::new(), next: 1, max }
    }

    pub(crate) fn take(&mut self) -> Option<u32> {
        if let Some(number) = self.free.pop_first() {
            return Some(number);
        }
        if self.next > self.max {
            return self.resting.pop_front();
        }
        self.next += 1;
        Some(self.next - 1)
    }

    /// Takes this number if it is free.
    pub(crate) fn take_exactly(&mut self, number: u32) -> bool {
        if number == 0 || number > self.max {
            return false;
        }
        if number < self.next {
            let place = self.resting.iter().position(|resting| *resting == number);
            return place.is_some_and(|place| self.resting.remove(place).is_some())
                || self.free.remove(&number);
        }
        self.free.extend(self.next..number);
        self.next = number + 1;
        true
    }

    pub(crate) fn give_back(&mut self, number: u32) {
        self.resting.push_back(number);
        if self.resting.len() > RESTING_MAX {
            self.free.extend(self.resting.pop_front());
        }
    }

    #[cfg(test)]
    pub(crate) fn in_use(&self) -> u32 {
        let unused = self.free.len() + self.resting.len();
        self.next - 1 - u32::try_from(unused).unwrap_or(u32::MAX)
    }
}

/// What a pool is for: the port (name, protocol, family) and which endpoints of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PoolName {
    pub(crate) port: Arc<str>,
    pub(crate) protocol: Protocol,
    pub(crate) family: Family,
    pub(crate) kind: PoolKind,
}

/// A pool as it is, or will be, in the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pool {
    pub(crate) name: PoolName,
    pub(crate) number: u32,
    pub(crate) slots: Vec<SocketAddr>,
}

/// The slots for `endpoints`, those of `old` kept where they are as far as can be: new endpoints
/// fill holes, then the last ones move into the holes that are left.
pub(crate) fn place(old: &[SocketAddr], endpoints: &[Endpoint]) -> Vec<SocketAddr> {
    let wanted: HashSet<SocketAddr> = endpoints.iter().map(|endpoint| endpoint.address).collect();
    let known: HashSet<SocketAddr> = old.iter().copied().collect();
    let mut new = endpoints.iter().map(|endpoint| endpoint.address).filter(|a| !known.contains(a));
    let mut slots: Vec<Option<SocketAddr>> =
        old.iter().map(|address| wanted.contains(address).then_some(*address)).collect();
    for slot in &mut slots {
        if slot.is_none() {
            *slot = new.next();
        }
    }
    slots.extend(new.map(Some));
    let mut at = 0;
    while at < slots.len() {
        match slots.last() {
            Some(None) => {
                slots.pop();
            }
            Some(Some(_)) if slots.get(at).is_some_and(Option::is_none) => {
                let last = slots.pop().flatten();
                if let Some(slot) = slots.get_mut(at) {
                    *slot = last;
                }
                at += 1;
            }
            _ => at += 1,
        }
    }
    slots.into_iter().flatten().collect()
}

/// The names under which clients remember the endpoints of a pool: an address of the pool's
/// family for each slot, unique in the pool and as lasting as the endpoint.
///
/// It is the endpoint's own address, so that it reads well. Only where one address has several
/// ports do the others get one that is made of both, from a range that no endpoint of a working network
/// is in: 0.0.0.0/8, and ::/96 for IPv6. Should one be, a name that is taken is made up anew.
pub(crate) fn members(slots: &[SocketAddr]) -> Vec<IpAddr> {
    let mut lowest: HashMap<IpAddr, u16> = HashMap::with_capacity(slots.len());
    for slot in slots {
        let port = lowest.entry(slot.ip()).or_insert_with(|| slot.port());
        *port = (*port).min(slot.port());
    }
    let mut taken: HashSet<IpAddr> = lowest.keys().copied().collect();
    let mut sorted: Vec<usize> = (0..slots.len()).collect();
    sorted.sort_by_key(|&at| slots[at]);
    let mut names: Vec<IpAddr> = slots.iter().map(SocketAddr::ip).collect();
    for at in sorted {
        let slot = slots[at];
        if lowest.get(&slot.ip()) != Some(&slot.port()) {
            let mut salt = 0;
            while !taken.insert(made_up(slot, salt)) {
                salt += 1;
            }
            names[at] = made_up(slot, salt);
        }
    }
    names
}

/// An address in 0.0.0.0/8 or in ::/96 that stands for an address and a port.
fn made_up(slot: SocketAddr, salt: u32) -> IpAddr {
    let octets = match slot.ip() {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    let bytes = octets.into_iter().chain(slot.port().to_be_bytes()).chain(salt.to_be_bytes());
    // FNV-1a: the same on every machine and in every version.
    let hash = bytes
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    match Family::of(slot.ip()) {
        Family::V4 => IpAddr::V4(Ipv4Addr::from(hash & 0x00ff_ffff)),
        Family::V6 => IpAddr::V6(Ipv6Addr::from(u128::from(hash))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().expect("an address")).collect()
    }

    fn endpoints(texts: &[&str]) -> Vec<Endpoint> {
        let endpoint = |address| Endpoint {
            address,
            node: None,
            ready: true,
            serving: true,
            terminating: false,
            hints: None,
            hostname: None,
            pod: None,
            zone: None,
        };
        addresses(texts).into_iter().map(endpoint).collect()
    }

    #[track_caller]
    fn check(old: &[&str], wanted: &[&str], expect: &[&str]) {
        assert_eq!(place(&addresses(old), &endpoints(wanted)), addresses(expect));
    }

    #[test]
    fn endpoints_keep_their_slots() {
        let (a, b, c, d) = ("10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80");
        check(&[], &[a, b], &[a, b]);
        check(&[b, a], &[a, b, c], &[b, a, c]);
        check(&[a, b, c], &[a, c, d], &[a, d, c]);
        check(&[a, b, c], &[b, c], &[c, b]);
        check(&[a, b, c, d], &[d], &[d]);
        check(&[a, b, c], &[], &[]);
        check(&[a, b], &[c, d], &[c, d]);
    }

    #[test]
    fn a_number_rests_until_there_is_no_other() {
        let mut numbers = Numbers::up_to(3);
        assert_eq!([numbers.take(), numbers.take()], [Some(1), Some(2)]);
        numbers.give_back(2);
        numbers.give_back(1);
        assert_eq!(numbers.in_use(), 0);
        assert_eq!([numbers.take(), numbers.take(), numbers.take()], [Some(3), Some(2), Some(1)]);
        assert_eq!((numbers.take(), numbers.in_use()), (None, 3));
    }

    #[test]
    fn who_has_rested_is_reused_lowest_first() {
        let most = u32::try_from(RESTING_MAX).expect("a small number");
        let mut numbers = Numbers::up_to(3 * most);
        for _ in 0..most + 2 {
            assert!(numbers.take().is_some());
        }
        for number in (1..=most + 2).rev() {
            numbers.give_back(number);
        }
        let next = [numbers.take(), numbers.take(), numbers.take()];
        assert_eq!(next, [Some(most + 1), Some(most + 2), Some(most + 3)]);
        assert!(numbers.take_exactly(7) && !numbers.take_exactly(7));
    }

    #[test]
    fn a_number_can_be_taken_over() {
        let mut numbers = Numbers::up_to(9);
        assert!(numbers.take_exactly(4));
        assert!(!numbers.take_exactly(4));
        assert!(!numbers.take_exactly(0));
        assert!(!numbers.take_exactly(10));
        assert_eq!([numbers.take(), numbers.take()], [Some(1), Some(2)]);
        assert!(numbers.take_exactly(3));
        assert_eq!(numbers.take(), Some(5));
    }

    #[test]
    fn members_are_the_addresses_unless_ports_differ() {
        let slots = addresses(&["10.0.0.1:81", "10.0.0.2:80", "10.0.0.1:80"]);
        let names = members(&slots);
        assert_eq!(names[1..], ["10.0.0.2", "10.0.0.1"].map(|a| a.parse::<IpAddr>().expect("ip")));
        assert_eq!(Family::of(names[0]), Family::V4);
        assert!(names[0].to_string().starts_with("0."));
    }
}
