//! What follows from the changes since the last time?

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use model::{AddressRequest, Family, PoolName, ServiceName};

use super::choose::Addresses;
use super::{Allocator, Changes};
use crate::memory::Remembered;
use crate::outcome::Outcome;
use crate::space::{Space, Vacancy};
use crate::territory::Territories;

impl Allocator {
    /// Draws the conclusions from all that was told; gives the Services whose outcome differs, by name.
    ///
    /// First every Service that changed, or whose pool did, keeps what it may: of two that cannot both
    /// keep an address, the one that did not change, else the older. Then those that lack something
    /// get it: first who asks for an address, then who asks for a pool, and each by name. So the order
    /// in which changes were told does not matter, and nobody is given what another asks for.
    pub fn settle(&mut self, now: Duration) -> Vec<ServiceName> {
        self.now = now;
        for address in self.memory.take_due(now) {
            self.note_vacancy(address);
        }
        self.draw_territories();
        let Changes { services, freed, .. } = std::mem::take(&mut self.changes);
        let mut before: BTreeMap<ServiceName, Outcome> = BTreeMap::new();
        for name in &services {
            let outcome = self.entries.get(name).map(|it| it.outcome.clone());
            before.insert(name.clone(), outcome.unwrap_or_default());
        }
        let mut freed = freed;
        let mut lacking = self.keep(&services, &mut freed);
        lacking.extend(self.waiting_for(&freed));
        while !lacking.is_empty() {
            let mut given = BTreeSet::new();
            for name in self.in_turn(lacking) {
                let Some(entry) = self.entries.get(&name) else { continue };
                before.entry(name.clone()).or_insert_with(|| entry.outcome.clone());
                given.extend(self.complete(&name));
            }
            // What one got may be what another may share.
            lacking = self.waiting_for(&given);
        }
        let is_other = |(name, old): &(ServiceName, Outcome)| {
            self.entries.get(name).is_none_or(|entry| entry.outcome != *old)
        };
        before.into_iter().filter(is_other).map(|(name, _)| name).collect()
    }

    /// Finds out anew which pool has which address, if that may differ.
    fn draw_territories(&mut self) {
        if !std::mem::take(&mut self.changes.territories) {
            return;
        }
        let (new, problems) = Territories::new(self.pools.values(), &self.surroundings);
        self.problems = problems;
        let old = std::mem::replace(&mut self.territories, new);
        let names: BTreeSet<&PoolName> =
            old.by_pool.keys().chain(self.territories.by_pool.keys()).collect();
        for name in names {
            let (before, after) = (old.by_pool.get(name), self.territories.by_pool.get(name));
            if before == after {
                continue;
            }
            let rows = before.into_iter().chain(after).flat_map(|it| it.own.rows());
            let rows: Vec<_> = rows.map(|row| row.first()..=row.last()).collect();
            for (_, holders) in rows.iter().flat_map(|row| self.holders.within(row.clone())) {
                self.changes.services.extend(holders.cloned());
            }
            let space = after.map(|territory| self.space(Space::new(Arc::clone(territory))));
            match space {
                Some(space) => drop(self.spaces.insert(name.clone(), space)),
                None => drop(self.spaces.remove(name)),
            }
        }
        // Whoever was refused may be admitted now, and whoever was refused still hears why anew.
        self.changes.services.extend(self.incomplete.iter().cloned());
    }

    /// The state of a pool whose addresses are all free, as it is.
    fn space(&self, mut space: Space) -> Space {
        let rows: Vec<_> = space.territory.own.rows().map(|it| it.first()..=it.last()).collect();
        for row in rows {
            self.holders.within(row.clone()).for_each(|(address, _)| space.occupy(address));
            let remembered = self.memory.within(row.clone());
            let closed = self.conflicts.range(row).map(|(address, _)| *address);
            for address in remembered.chain(closed).filter(|it| !self.holders.has(*it)) {
                space.set_vacancy(address, self.vacancy(address));
            }
        }
        space
    }

    /// Lets each of the Services keep what it may. Gives those that lack something.
    fn keep(
        &mut self,
        services: &BTreeSet<ServiceName>,
        freed: &mut BTreeSet<PoolName>,
    ) -> BTreeSet<ServiceName> {
        let mut lifted: BTreeMap<IpAddr, ServiceName> = BTreeMap::new();
        let mut asking: Vec<(Arc<AddressRequest>, Addresses)> = Vec::new();
        for name in services {
            self.set_outcome_waiting(name, false);
            let Some(entry) = self.entries.get_mut(name) else { continue };
            let outcome = std::mem::take(&mut entry.outcome);
            for (address, _) in &outcome.addresses {
                self.holders.remove(*address, name);
                lifted.entry(*address).or_insert_with(|| name.clone());
            }
            match &entry.request {
                Some(request) => asking.push((Arc::clone(request), outcome.addresses)),
                None => drop(self.entries.remove(name)),
            }
        }
        asking.sort_by_key(|(request, _)| (request.created_s, request.service.clone()));
        let mut lacking = BTreeSet::new();
        for (request, had) in asking {
            let had = had.into_iter().map(|(address, _)| address);
            for address in had.chain(request.held.iter().copied()).collect::<Vec<_>>() {
                if !self.has_family(&request.service, Family::of(address))
                    && let Some(pool) = self.may_keep(&request, address)
                {
                    self.take(&request, address, &pool, lifted.contains_key(&address));
                }
            }
            lacking.insert(request.service.clone());
        }
        for (address, service) in lifted {
            if !self.holders.has(address) {
                self.give_up(address, service);
            }
            freed.extend(self.territories.owner(address).map(|it| it.pool.name.clone()));
        }
        lacking
    }

    fn has_family(&self, service: &ServiceName, family: Family) -> bool {
        self.entries.get(service).is_some_and(|entry| entry.outcome.has(family))
    }

    /// Gives the Service what it lacks. Tells the pools in which it got something.
    fn complete(&mut self, name: &ServiceName) -> BTreeSet<PoolName> {
        let Some(entry) = self.entries.get_mut(name) else { return BTreeSet::new() };
        let Some(request) = entry.request.clone() else { return BTreeSet::new() };
        let kept = entry.outcome.addresses.clone();
        let (chosen, refusal) = self.choose(&request, &kept);
        let mut pools = BTreeSet::new();
        for (address, pool) in chosen {
            self.take(&request, address, &pool, false);
            pools.insert(pool);
        }
        self.set_outcome_waiting(name, false);
        if let Some(entry) = self.entries.get_mut(name) {
            entry.outcome.refusal = refusal;
        }
        self.set_outcome_waiting(name, true);
        pools
    }

    /// The address is the Service's now. It may have been lifted from its holders a moment ago, and
    /// then the pool did not hear of that.
    fn take(
        &mut self,
        request: &Arc<AddressRequest>,
        address: IpAddr,
        pool: &PoolName,
        is_lifted: bool,
    ) {
        let is_first = self.holders.insert(address, request);
        if is_first && !is_lifted {
            self.memory.remove(address);
            if let Some(space) = self.spaces.get_mut(pool) {
                space.occupy(address);
            }
        }
        let Some(entry) = self.entries.get_mut(&request.service) else { return };
        entry.outcome.addresses.push((address, pool.clone()));
        let place =
            |it: IpAddr| request.families.iter().position(|family| *family == Family::of(it));
        entry.outcome.addresses.sort_by_key(|(address, _)| place(*address));
    }

    /// Nobody has the address any more.
    fn give_up(&mut self, address: IpAddr, service: ServiceName) {
        let (until, quarantined_until) =
            (self.now + self.settings.hold_down, self.now + self.settings.quarantine);
        let remembered = Remembered { service, until, quarantined_until };
        let forgotten = self.memory.insert(address, remembered, self.now);
        let vacancy = self.vacancy(address);
        let pool = self.territories.owner(address).map(|territory| &territory.pool.name);
        if let Some(space) = pool.and_then(|pool| self.spaces.get_mut(pool)) {
            space.vacate(address, vacancy);
        }
        forgotten.into_iter().for_each(|address| self.note_vacancy(address));
    }

    /// What becomes of an address that nobody has.
    fn vacancy(&self, address: IpAddr) -> Vacancy {
        if self.conflicts.contains_key(&address) {
            return Vacancy::Closed;
        }
        match self.memory.get(address) {
            None => Vacancy::Free,
            Some(it) if it.quarantined_until > self.now => Vacancy::Closed,
            Some(it) => Vacancy::Recent(it.until),
        }
    }

    /// What stood in the way of an address may differ.
    pub(super) fn note_vacancy(&mut self, address: IpAddr) {
        let Some(territory) = self.territories.owner(address) else { return };
        let pool = territory.pool.name.clone();
        if !self.holders.has(address) {
            let vacancy = self.vacancy(address);
            if let Some(space) = self.spaces.get_mut(&pool) {
                space.set_vacancy(address, vacancy);
            }
        }
        self.changes.freed.insert(pool);
    }

    /// Whoever is content with any address is not to take the one that another asks for.
    fn in_turn(&self, lacking: BTreeSet<ServiceName>) -> Vec<ServiceName> {
        let mut all: Vec<ServiceName> = lacking.into_iter().collect();
        all.sort_by_key(|name| {
            let request = self.entries.get(name).and_then(|it| it.request.as_ref());
            request.map(|it| (it.addresses.is_empty(), it.pool.is_none()))
        });
        all
    }

    fn waiting_for(&self, pools: &BTreeSet<PoolName>) -> BTreeSet<ServiceName> {
        pools.iter().filter_map(|pool| self.waiting.get(pool)).flatten().cloned().collect()
    }

    /// Enters the Service where those are that lack something, or takes it out there.
    fn set_outcome_waiting(&mut self, name: &ServiceName, is_in: bool) {
        let Some(refusal) = self.entries.get(name).and_then(|it| it.outcome.refusal.as_ref())
        else {
            return;
        };
        if is_in {
            self.incomplete.insert(name.clone());
        } else {
            self.incomplete.remove(name);
        }
        for pool in refusal.waits_for() {
            if is_in {
                self.waiting.entry(pool.clone()).or_default().insert(name.clone());
            } else if let Some(names) = self.waiting.get_mut(pool) {
                names.remove(name);
                if names.is_empty() {
                    self.waiting.remove(pool);
                }
            }
        }
    }
}
