//! Which addresses of its node's range does a Pod get?

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::service_addresses::nth_address;

/// Addresses at the beginning of a range that no Pod gets: the network's own and the node's.
const RESERVED: u128 = 2;

/// Addresses that are looked at for a free one; a range of IPv6 never ends.
const CANDIDATES_MAX: u128 = 1 << 16;

/// The Pod ranges of one node, one for each family at most.
///
/// An address that was given back is given out again only after all others, as container runtimes
/// do it: whoever still knows it must not reach another Pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodAddresses {
    ranges: Vec<Range>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Range {
    net: IpNet,
    next: u128,
    taken: BTreeSet<IpAddr>,
}

impl PodAddresses {
    #[must_use]
    pub fn new(ranges: &[IpNet]) -> Self {
        let range =
            |net: &IpNet| Range { net: net.trunc(), next: RESERVED, taken: BTreeSet::new() };
        Self { ranges: ranges.iter().map(range).collect() }
    }

    /// One address of each range, or none at all when a range is full.
    pub fn allocate(&mut self) -> Option<Vec<IpAddr>> {
        let mut ranges = self.ranges.clone();
        let addresses = ranges.iter_mut().map(Range::allocate).collect::<Option<Vec<_>>>()?;
        self.ranges = ranges;
        Some(addresses)
    }

    pub fn release(&mut self, addresses: &[IpAddr]) {
        for range in &mut self.ranges {
            range.taken.retain(|taken| !addresses.contains(taken));
        }
    }
}

impl Range {
    fn allocate(&mut self) -> Option<IpAddr> {
        let host_bits = u32::from(self.net.max_prefix_len() - self.net.prefix_len());
        let all = 1_u128.checked_shl(host_bits).unwrap_or(u128::MAX).min(CANDIDATES_MAX);
        // The last address of IPv4 is the broadcast address.
        let usable = all.checked_sub(RESERVED + 1).filter(|usable| *usable > 0)?;
        for _ in 0..usable {
            let candidate = nth_address(self.net, self.next);
            self.next = RESERVED + (self.next - RESERVED + 1) % usable;
            if self.taken.insert(candidate) {
                return Some(candidate);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_each_address_once_and_old_ones_last() {
        let range = "10.1.0.0/29".parse().expect("a range");
        let mut addresses = PodAddresses::new(&[range]);
        let mut next = || addresses.allocate().map(|found| found[0].to_string());
        let found: Vec<_> = (0..6).map(|_| next()).collect();
        let expected = ["10.1.0.2", "10.1.0.3", "10.1.0.4", "10.1.0.5", "10.1.0.6"];
        let expected: Vec<_> =
            expected.map(|text| Some(text.to_owned())).into_iter().chain([None]).collect();
        assert_eq!(found, expected);
        addresses.release(&["10.1.0.4".parse().expect("an address")]);
        assert_eq!(addresses.allocate(), Some(vec!["10.1.0.4".parse().expect("an address")]));
    }
}
