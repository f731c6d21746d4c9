//! Which addresses are in a set that is made of few long rows?

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use model::{AddressRange, Family};

/// Addresses of both families as rows that neither overlap nor touch: each first address with its
/// last. Every question costs the logarithm of the number of rows, not of addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AddressSet(BTreeMap<IpAddr, IpAddr>);

impl AddressSet {
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.row_before(address).is_some_and(|(_, last)| address <= last)
    }

    /// The lowest address of a family.
    pub(crate) fn first(&self, family: Family) -> Option<IpAddr> {
        let (first, _) = self.0.range(lowest(family)..).next()?;
        (Family::of(*first) == family).then_some(*first)
    }

    pub(crate) fn insert(&mut self, range: AddressRange) {
        let (mut first, mut last) = (range.first(), range.last());
        // A row that ends just before is one with it, as is each that begins within or just behind.
        if let Some((start, end)) = self.row_before(first)
            && next(end).is_none_or(|next| first <= next)
        {
            first = start;
            last = last.max(end);
        }
        let limit = next(last).unwrap_or(last);
        while let Some((&start, &end)) = self.0.range(first..=limit.max(last)).next() {
            self.0.remove(&start);
            last = last.max(end);
        }
        self.0.insert(first, last);
    }

    pub(crate) fn remove(&mut self, range: AddressRange) {
        if let Some((start, end)) = self.row_before(range.first())
            && range.first() <= end
        {
            self.0.remove(&start);
            self.put_back(start, previous(range.first()).filter(|_| start < range.first()));
            self.put_after(range.last(), end);
        }
        while let Some((&start, &end)) = self.0.range(range.first()..=range.last()).next() {
            self.0.remove(&start);
            self.put_after(range.last(), end);
        }
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = AddressRange> {
        self.0.iter().map(|(first, last)| {
            AddressRange::new(*first, *last).expect("a row is made of ranges of one family")
        })
    }

    /// The last row that begins at the address or below it, in its family.
    fn row_before(&self, address: IpAddr) -> Option<(IpAddr, IpAddr)> {
        let (first, last) = self.0.range(..=address).next_back()?;
        (Family::of(*first) == Family::of(address)).then_some((*first, *last))
    }

    fn put_back(&mut self, first: IpAddr, last: Option<IpAddr>) {
        if let Some(last) = last {
            self.0.insert(first, last);
        }
    }

    /// What is left of a row that ends at `end` when all up to `removed` is gone.
    fn put_after(&mut self, removed: IpAddr, end: IpAddr) {
        if let Some(first) = next(removed).filter(|first| *first <= end) {
            self.0.insert(first, end);
        }
    }
}

impl FromIterator<AddressRange> for AddressSet {
    fn from_iter<T: IntoIterator<Item = AddressRange>>(ranges: T) -> Self {
        let mut set = Self::default();
        ranges.into_iter().for_each(|range| set.insert(range));
        set
    }
}

const fn lowest(family: Family) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

fn next(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(it) => it.to_bits().checked_add(1).map(|it| Ipv4Addr::from_bits(it).into()),
        IpAddr::V6(it) => it.to_bits().checked_add(1).map(|it| Ipv6Addr::from_bits(it).into()),
    }
}

fn previous(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(it) => it.to_bits().checked_sub(1).map(|it| Ipv4Addr::from_bits(it).into()),
        IpAddr::V6(it) => it.to_bits().checked_sub(1).map(|it| Ipv6Addr::from_bits(it).into()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn range(text: &str) -> AddressRange {
        text.parse().expect("a range")
    }

    fn rows(set: &AddressSet) -> Vec<String> {
        set.rows().map(|row| row.to_string()).collect()
    }

    #[test]
    fn rows_that_touch_are_one_and_families_never_are() {
        let mut set: AddressSet =
            ["10.0.0.4/30", "10.0.0.0/30", "255.255.255.255", "::", "fd00::/64"]
                .map(range)
                .into_iter()
                .collect();
        assert_eq!(rows(&set), ["10.0.0.0/29", "255.255.255.255", "::", "fd00::/64"]);
        set.remove(range("10.0.0.2-10.0.0.3"));
        set.remove(range("::/0"));
        assert_eq!(rows(&set), ["10.0.0.0/31", "10.0.0.4/30", "255.255.255.255"]);
        assert_eq!(set.first(Family::V4), Some([10, 0, 0, 0].into()));
        assert_eq!(set.first(Family::V6), None);
        set.insert(range("0.0.0.0/0"));
        assert_eq!(rows(&set), ["0.0.0.0/0"]);
        set.insert(range("::/0"));
        set.remove(range("0.0.0.0/0"));
        assert_eq!(rows(&set), ["::/0"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn is_a_set(changes in prop::collection::vec((any::<bool>(), 0u8..40, 0u8..8, any::<bool>()), 1..40)) {
            let (mut set, mut plain) = (AddressSet::default(), BTreeSet::new());
            for (is_added, first, more, is_v6) in changes {
                let address = |last: u8| -> IpAddr {
                    if is_v6 { Ipv6Addr::from_bits(last.into()).into() } else { [0, 0, 0, last].into() }
                };
                let row = AddressRange::new(address(first), address(first + more)).expect("a range");
                let all = (first..=first + more).map(address);
                if is_added {
                    set.insert(row);
                    plain.extend(all);
                } else {
                    set.remove(row);
                    all.for_each(|it| { plain.remove(&it); });
                }
                let addresses = (0..=48).flat_map(|last| [IpAddr::from([0, 0, 0, last]), Ipv6Addr::from_bits(last.into()).into()]);
                let found: BTreeSet<IpAddr> = addresses.filter(|it| set.contains(*it)).collect();
                prop_assert_eq!(&found, &plain);
                let size: u128 = set.rows().map(|row| row.size()).sum();
                prop_assert_eq!(size, plain.len() as u128);
                let rows: Vec<AddressRange> = set.rows().collect();
                for (row, after) in rows.iter().zip(rows.iter().skip(1)) {
                    prop_assert!(next(row.last()) < Some(after.first()), "{rows:?}");
                }
            }
        }
    }
}
