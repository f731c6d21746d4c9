//! Which address of one pool is the next to be given?

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use model::{ByFamily, Family};

use crate::address_set::AddressSet;
use crate::territory::Territory;

/// How full a pool is, for one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fill {
    /// Addresses that Services have; one that several share counts once.
    pub used: u128,
    /// Addresses that can be given, those in use included.
    pub capacity: u128,
}

/// What becomes of an address that no Service has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vacancy {
    Free,
    /// Somebody may come back for it until then.
    Recent(Duration),
    /// It is not given.
    Closed,
}

/// The state of one pool's addresses. Each that can be given is in use, fresh, recent or closed.
#[derive(Debug)]
pub(crate) struct Space {
    pub(crate) territory: Arc<Territory>,
    capacity: ByFamily<u128>,
    used: ByFamily<u128>,
    /// The first of each family is never one that the pool avoids.
    fresh: AddressSet,
    recent: ByFamily<BTreeSet<(Duration, IpAddr)>>,
    recent_until: BTreeMap<IpAddr, Duration>,
}

impl Space {
    pub(crate) fn new(territory: Arc<Territory>) -> Self {
        let mut space = Self {
            capacity: (&*territory).into(),
            used: ByFamily::default(),
            fresh: territory.usable.clone(),
            recent: ByFamily::default(),
            recent_until: BTreeMap::new(),
            territory,
        };
        Family::ALL.into_iter().for_each(|family| space.trim(family));
        space
    }

    pub(crate) fn fill(&self, family: Family) -> Fill {
        Fill { used: *self.used.get(family), capacity: *self.capacity.get(family) }
    }

    /// The next to be given: the lowest that nobody had, else the one that was given up first.
    pub(crate) fn next(&self, family: Family) -> Option<IpAddr> {
        let recent = || self.recent.get(family).first().map(|(_, address)| *address);
        self.fresh.first(family).or_else(recent)
    }

    /// A Service has it now that nobody had.
    pub(crate) fn occupy(&mut self, address: IpAddr) {
        self.forget(address);
        if self.gives(address) {
            *self.used.get_mut(Family::of(address)) += 1;
        }
    }

    /// No Service has it any more.
    pub(crate) fn vacate(&mut self, address: IpAddr, vacancy: Vacancy) {
        if self.gives(address) {
            *self.used.get_mut(Family::of(address)) -= 1;
        }
        self.set_vacancy(address, vacancy);
    }

    /// For an address that no Service has.
    pub(crate) fn set_vacancy(&mut self, address: IpAddr, vacancy: Vacancy) {
        self.forget(address);
        if !self.gives(address) {
            return;
        }
        match vacancy {
            Vacancy::Free => {
                self.fresh.insert(address.into());
                self.trim(Family::of(address));
            }
            Vacancy::Recent(until) => {
                self.recent.get_mut(Family::of(address)).insert((until, address));
                self.recent_until.insert(address, until);
            }
            Vacancy::Closed => {}
        }
    }

    /// Services may keep an address that is not given any more: it counts neither as used nor as one
    /// that can be given.
    fn gives(&self, address: IpAddr) -> bool {
        self.territory.usable.contains(address) && !self.territory.avoids(address)
    }

    fn forget(&mut self, address: IpAddr) {
        self.fresh.remove(address.into());
        self.trim(Family::of(address));
        if let Some(until) = self.recent_until.remove(&address) {
            self.recent.get_mut(Family::of(address)).remove(&(until, address));
        }
    }

    fn trim(&mut self, family: Family) {
        while let Some(first) = self.fresh.first(family).filter(|it| self.territory.avoids(*it)) {
            self.fresh.remove(first.into());
        }
    }
}
