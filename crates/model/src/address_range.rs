//! Which addresses stand in a row?

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;

use crate::address::Family;

/// Addresses of one family, from the first to the last, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    first: IpAddr,
    last: IpAddr,
}

/// Why two addresses make no range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidRange {
    /// They are of two families.
    Families(IpAddr, IpAddr),
    /// The last comes before the first.
    Reversed(IpAddr, IpAddr),
}

impl fmt::Display for InvalidRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Families(first, last) => {
                write!(f, "expected two addresses of one family, found {first} and {last}")
            }
            Self::Reversed(first, last) => {
                write!(f, "expected the lower address first, found {first} before {last}")
            }
        }
    }
}

impl std::error::Error for InvalidRange {}

impl AddressRange {
    /// From the first address to the last.
    ///
    /// # Errors
    /// They are of two families, or reversed.
    pub fn new(first: IpAddr, last: IpAddr) -> Result<Self, InvalidRange> {
        if Family::of(first) != Family::of(last) {
            Err(InvalidRange::Families(first, last))
        } else if last < first {
            Err(InvalidRange::Reversed(first, last))
        } else {
            Ok(Self { first, last })
        }
    }

    #[must_use]
    pub const fn first(&self) -> IpAddr {
        self.first
    }

    #[must_use]
    pub const fn last(&self) -> IpAddr {
        self.last
    }

    #[must_use]
    pub const fn family(&self) -> Family {
        Family::of(self.first)
    }

    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        // Addresses are in order by family, so one of the other family is never between.
        (self.first..=self.last).contains(&address)
    }

    /// The addresses that both have.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let first = self.first.max(other.first);
        let last = self.last.min(other.last);
        (self.family() == other.family() && first <= last).then_some(Self { first, last })
    }

    /// How many; one less for all of IPv6, which is one more than there are numbers.
    #[must_use]
    pub fn size(&self) -> u128 {
        (number(self.last) - number(self.first)).saturating_add(1)
    }
}

/// The address as a number, for what is counted.
const fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits() as u128,
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl From<IpAddr> for AddressRange {
    fn from(address: IpAddr) -> Self {
        Self { first: address, last: address }
    }
}

impl From<IpNet> for AddressRange {
    fn from(net: IpNet) -> Self {
        let (first, last): (IpAddr, IpAddr) = match net {
            // `broadcast` is the last address of any length, and so for both families.
            IpNet::V4(net) => (net.network().into(), net.broadcast().into()),
            IpNet::V6(net) => (net.network().into(), net.broadcast().into()),
        };
        Self { first, last }
    }
}

/// As a single address, as `CIDR` where it is one, or as `first-last`.
impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits: u32 = match self.family() {
            Family::V4 => Ipv4Addr::BITS,
            Family::V6 => Ipv6Addr::BITS,
        };
        let (first, last) = (number(self.first), number(self.last));
        let host_bits = (first ^ last).checked_ilog2().map_or(0, |bit| bit + 1);
        let hosts = u128::MAX.checked_shr(u128::BITS - host_bits).unwrap_or(0);
        if first == last {
            write!(f, "{}", self.first)
        } else if first & hosts == 0 && last & hosts == hosts {
            write!(f, "{}/{}", self.first, bits - host_bits)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

/// Reads what `Display` writes: for tests and tools. What people write is read by `ingest`.
impl FromStr for AddressRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = |text: &str| text.trim().parse::<IpAddr>().ok();
        let range = match text.split_once('-') {
            Some((first, last)) => read(first).zip(read(last)),
            None => read(text).map(|address| (address, address)),
        };
        match (range, text.parse::<IpNet>()) {
            (Some((first, last)), _) => Self::new(first, last).map_err(|error| error.to_string()),
            (None, Ok(net)) => Ok(net.into()),
            (None, Err(_)) => {
                Err(format!("expected an address, a range or a CIDR, found {text:?}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> AddressRange {
        text.parse().expect("a range")
    }

    #[test]
    fn is_shown_as_people_write_it() {
        for text in [
            "192.0.2.7",
            "192.0.2.0/24",
            "192.0.2.0-192.0.2.254",
            "192.0.2.1-192.0.2.2",
            "0.0.0.0/0",
            "fd00::/64",
            "::/0",
            "fd00::1-fd00::1:0",
        ] {
            assert_eq!(range(text).to_string(), text);
        }
        assert_eq!(range("192.0.2.8-192.0.2.15").to_string(), "192.0.2.8/29");
    }

    #[test]
    fn goes_upward_and_within_one_family() {
        let shown = |text: &str| text.parse::<AddressRange>().map(|range| range.to_string());
        let wrong = [
            (
                "192.0.2.2-192.0.2.1",
                "expected the lower address first, found 192.0.2.2 before 192.0.2.1",
            ),
            (
                "192.0.2.2-fd00::1",
                "expected two addresses of one family, found 192.0.2.2 and fd00::1",
            ),
            ("x", "expected an address, a range or a CIDR, found \"x\""),
        ];
        for (text, expected) in wrong {
            assert_eq!(shown(text), Err(expected.to_owned()));
        }
    }

    #[test]
    fn knows_what_it_has() {
        let pool = range("192.0.2.8-192.0.2.20");
        assert_eq!(pool.size(), 13);
        assert_eq!(range("::/0").size(), u128::MAX);
        let has = |address: &str| pool.contains(address.parse().expect("an address"));
        let asked = ["192.0.2.7", "192.0.2.8", "192.0.2.20", "192.0.2.21", "::c000:208"];
        assert_eq!(asked.map(has), [false, true, true, false, false]);
        let common = |other: &str| pool.intersection(&range(other)).map(|it| it.to_string());
        assert_eq!(common("192.0.2.0/28"), Some("192.0.2.8/29".to_owned()));
        assert_eq!(common("192.0.2.21-192.0.2.30"), None);
        assert_eq!(common("::/0"), None);
    }
}
