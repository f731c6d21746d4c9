//! Which pool does an address belong to, when pools contradict each other or the cluster?

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use model::{AddressPool, AddressRange, ByFamily, Family, PoolName, Rejection};

use crate::address_set::AddressSet;
use crate::surroundings::{Surroundings, Whose};
use crate::verdict::Exclusion;

/// The addresses of one pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Territory {
    pub(crate) pool: Arc<AddressPool>,
    /// All that it names but those of older pools.
    pub(crate) own: AddressSet,
    /// Those of them that can be given, but for the edges that the pool may avoid.
    pub(crate) usable: AddressSet,
    /// What others in the cluster use of it.
    taken: Vec<(AddressRange, Whose)>,
}

impl Territory {
    /// Why the address is not to be given anew.
    pub(crate) fn exclusion(&self, address: IpAddr) -> Option<Exclusion> {
        if self.reserves(address) {
            return Some(Exclusion::Reserved);
        }
        let taken = self.taken.iter().find(|(range, _)| range.contains(address));
        taken.map(|(_, whose)| Exclusion::Taken(whose.clone()))
    }

    pub(crate) fn reserves(&self, address: IpAddr) -> bool {
        self.pool.reserved.iter().any(|range| range.contains(address))
    }

    /// Whether the pool avoids the address for its last byte.
    pub(crate) fn avoids(&self, address: IpAddr) -> bool {
        let IpAddr::V4(address) = address else { return false };
        let [.., last] = address.octets();
        self.pool.avoid_edges && matches!(last, 0 | 255)
    }

    /// How many addresses of a family can be given.
    pub(crate) fn capacity(&self, family: Family) -> u128 {
        let rows = self.usable.rows().filter(|row| row.family() == family);
        rows.fold(0, |sum, row| sum.saturating_add(row.size() - self.edges(row)))
    }

    fn edges(&self, row: AddressRange) -> u128 {
        let (IpAddr::V4(first), IpAddr::V4(last)) = (row.first(), row.last()) else { return 0 };
        if !self.pool.avoid_edges {
            return 0;
        }
        // Those up to an address that end in 0, and those that end in 255.
        let up_to = |end: u64| end.div_ceil(256) + end / 256;
        let (first, end) = (u64::from(first.to_bits()), u64::from(last.to_bits()) + 1);
        (up_to(end) - up_to(first)).into()
    }
}

/// All pools, each with what is its own.
#[derive(Debug, Default)]
pub(crate) struct Territories {
    pub(crate) by_pool: BTreeMap<PoolName, Arc<Territory>>,
    /// The order in which pools are asked by who did not ask for one.
    pub(crate) order: Vec<PoolName>,
    /// Each row of addresses with its last one, by its first.
    owners: BTreeMap<IpAddr, (IpAddr, PoolName)>,
}

impl Territories {
    /// The pools, and what is wrong between them. Of two that have the same addresses the older keeps
    /// them; all else that the younger has goes on.
    pub(crate) fn new<'a>(
        pools: impl Iterator<Item = &'a Arc<AddressPool>>,
        surroundings: &Surroundings,
    ) -> (Self, Vec<Rejection>) {
        let mut pools: Vec<_> = pools.collect();
        pools.sort_by_key(|pool| (pool.created_s, pool.name.clone()));
        let (mut territories, mut problems) = (Self::default(), Vec::new());
        let mut own: BTreeMap<PoolName, AddressSet> = BTreeMap::new();
        for pool in &pools {
            own.insert(pool.name.clone(), territories.claim(pool, &mut problems));
        }
        let mut taken = territories.taken(surroundings);
        for pool in &pools {
            let own = own.remove(&pool.name).unwrap_or_default();
            let taken = taken.remove(&pool.name).unwrap_or_default();
            for (range, whose) in &taken {
                problems
                    .push(problem(pool, format!("{range} is in use for {whose}; it is not given")));
            }
            let mut usable = own.clone();
            let gone = pool.reserved.iter().chain(taken.iter().map(|(range, _)| range));
            gone.for_each(|range| usable.remove(*range));
            let territory = Territory { pool: Arc::clone(pool), own, usable, taken };
            territories.by_pool.insert(pool.name.clone(), Arc::new(territory));
        }
        // Pools that are for some Services go before those that are for all.
        pools.sort_by_key(|pool| {
            let priority = pool.priority.unwrap_or(u32::MAX);
            (pool.admits.are_empty(), pool.priority.is_none(), priority, pool.name.clone())
        });
        territories.order = pools.into_iter().map(|pool| pool.name.clone()).collect();
        (territories, problems)
    }

    /// The pool that an address belongs to.
    pub(crate) fn owner(&self, address: IpAddr) -> Option<&Arc<Territory>> {
        let (_, (last, pool)) = self.owners.range(..=address).next_back()?;
        if address <= *last { self.by_pool.get(pool) } else { None }
    }

    /// Gives the pool what it names and nobody has.
    fn claim(&mut self, pool: &AddressPool, problems: &mut Vec<Rejection>) -> AddressSet {
        let mut own: AddressSet = pool.ranges.iter().copied().collect();
        let named: Vec<AddressRange> = own.rows().collect();
        for (range, owner) in named.iter().flat_map(|range| self.owners_in(range)) {
            own.remove(range);
            let text = format!("{range} is also in the pool {owner}, which is older and has it");
            problems.push(problem(pool, text));
        }
        for row in own.rows() {
            self.owners.insert(row.first(), (row.last(), pool.name.clone()));
        }
        own
    }

    /// What of a range belongs to which pool.
    fn owners_in(&self, range: &AddressRange) -> Vec<(AddressRange, PoolName)> {
        let before = self.owners.range(..range.first()).next_back();
        let within = self.owners.range(range.first()..=range.last());
        let common = |(first, (last, pool)): (&IpAddr, &(IpAddr, PoolName))| {
            let row = AddressRange::new(*first, *last).ok()?;
            Some((row.intersection(range)?, pool.clone()))
        };
        before.into_iter().chain(within).filter_map(common).collect()
    }

    fn taken(&self, surroundings: &Surroundings) -> BTreeMap<PoolName, Vec<(AddressRange, Whose)>> {
        let mut taken: BTreeMap<PoolName, Vec<(AddressRange, Whose)>> = BTreeMap::new();
        for (range, whose) in &surroundings.0 {
            for (common, pool) in self.owners_in(range) {
                taken.entry(pool).or_default().push((common, whose.clone()));
            }
        }
        taken.values_mut().for_each(|list| list.sort());
        taken
    }
}

fn problem(pool: &AddressPool, reason: String) -> Rejection {
    Rejection::new(pool.object.clone(), "spec.addresses", reason)
}

/// How many addresses of each family can be given.
impl From<&Territory> for ByFamily<u128> {
    fn from(territory: &Territory) -> Self {
        Self { v4: territory.capacity(Family::V4), v6: territory.capacity(Family::V6) }
    }
}
