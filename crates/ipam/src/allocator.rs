//! What is known of Services and pools, and what follows for whom?

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use model::{
    AddressPool, AddressRequest, ByFamily, Family, Labels, Mac, PoolName, Rejection, ServiceName,
};

use crate::holders::Holders;
use crate::memory::{Memory, Remembered};
use crate::outcome::Outcome;
use crate::space::{Fill, Space};
use crate::surroundings::Surroundings;
use crate::territory::Territories;
use crate::verdict::Candidate;

mod choose;
mod settle;

/// How long addresses are kept for those who had them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// A Service that comes back within this time gets the address that it had, unless all others of
    /// the pool were needed. Zero keeps nothing.
    pub hold_down: Duration,
    /// For this time no other Service gets it, even if that means none: clients may still take one for
    /// the other. Zero gives it on at once.
    pub quarantine: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { hold_down: Duration::from_hours(24), quarantine: Duration::ZERO }
    }
}

/// All Services that ask for addresses, all pools, and who has what.
///
/// Changes are told one by one, in any order; `settle` draws the conclusions from all at once. What it
/// does costs what changed.
#[derive(Debug, Default)]
pub struct Allocator {
    settings: Settings,
    /// The time of the last `settle`.
    now: Duration,
    pools: BTreeMap<PoolName, Arc<AddressPool>>,
    namespaces: BTreeMap<Arc<str>, Labels>,
    surroundings: Surroundings,
    /// A machine outside the cluster answers for these.
    conflicts: BTreeMap<IpAddr, Mac>,
    entries: BTreeMap<ServiceName, Entry>,
    holders: Holders,
    memory: Memory,
    pub(crate) territories: Territories,
    spaces: BTreeMap<PoolName, Space>,
    problems: Vec<Rejection>,
    /// Those that did not get all.
    incomplete: BTreeSet<ServiceName>,
    /// Those of them that something may become free for, by the pool.
    pub(crate) waiting: BTreeMap<PoolName, BTreeSet<ServiceName>>,
    changes: Changes,
}

/// What happened since the last time that conclusions were drawn.
#[derive(Debug, Default)]
struct Changes {
    services: BTreeSet<ServiceName>,
    /// Pools in which something may have become free.
    freed: BTreeSet<PoolName>,
    territories: bool,
}

#[derive(Debug)]
struct Entry {
    /// Absent where the Service is gone or asks for nothing any more.
    request: Option<Arc<AddressRequest>>,
    outcome: Outcome,
}

/// An address in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding<'a> {
    pub address: IpAddr,
    pub pool: &'a PoolName,
    /// By name; more than one where they share it.
    pub services: Vec<&'a ServiceName>,
}

impl Allocator {
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// A Service asks for addresses, or for others.
    pub fn apply(&mut self, request: AddressRequest) {
        let name = request.service.clone();
        if let Some(entry) = self.entries.get_mut(&name)
            && let Some(old) = &entry.request
        {
            let is_same = AddressRequest { held: old.held.clone(), ..request.clone() } == **old;
            // What was written into its status comes back, and says nothing new.
            if is_same && (old.held == request.held || entry.outcome.refusal.is_none()) {
                entry.request = Some(Arc::new(request));
                return;
            }
        }
        let outcome = self.entries.remove(&name).map(|it| it.outcome).unwrap_or_default();
        self.entries.insert(name.clone(), Entry { request: Some(Arc::new(request)), outcome });
        self.changes.services.insert(name);
    }

    /// A Service is gone, or asks for no address any more.
    pub fn remove(&mut self, service: &ServiceName) {
        if let Some(entry) = self.entries.get_mut(service) {
            entry.request = None;
            self.changes.services.insert(service.clone());
        }
    }

    /// A pool is new, or has changed.
    pub fn apply_pool(&mut self, pool: AddressPool) {
        if self.pools.get(&pool.name).is_none_or(|old| **old != pool) {
            self.pools.insert(pool.name.clone(), Arc::new(pool));
            self.changes.territories = true;
        }
    }

    pub fn remove_pool(&mut self, pool: &PoolName) {
        self.changes.territories |= self.pools.remove(pool).is_some();
    }

    /// A namespace has these labels; none for one that is gone.
    pub fn set_namespace(&mut self, name: &str, labels: Labels) {
        let old = self.namespaces.get(name);
        if old.map_or(labels.is_empty(), |old| *old == labels) {
            return;
        }
        if labels.is_empty() {
            self.namespaces.remove(name);
        } else {
            self.namespaces.insert(name.into(), labels);
        }
        let first = ServiceName::new(name, "");
        let all = self.entries.range(first..).map(|(service, _)| service);
        let all = all.take_while(|service| &*service.namespace == name);
        self.changes.services.extend(all.cloned());
    }

    /// What else in the cluster has addresses.
    pub fn set_surroundings(&mut self, surroundings: Surroundings) {
        if self.surroundings != surroundings {
            self.surroundings = surroundings;
            self.changes.territories = true;
        }
    }

    /// A machine outside the cluster answers for an address, or does so no longer. Who has the address
    /// keeps it.
    pub fn set_conflict(&mut self, address: IpAddr, mac: Option<Mac>) {
        let old = match mac {
            Some(mac) => self.conflicts.insert(address, mac),
            None => self.conflicts.remove(&address),
        };
        if old != mac {
            self.note_vacancy(address);
        }
    }

    /// What a Service had before this allocator knew of it.
    pub fn remember(&mut self, address: IpAddr, remembered: Remembered) {
        // Who has it knows it better.
        if self.holders.has(address) {
            return;
        }
        let forgotten = self.memory.insert(address, remembered, self.now);
        for address in forgotten.into_iter().chain([address]) {
            self.note_vacancy(address);
        }
    }

    /// All that is remembered, for whoever is to go on after this one.
    pub fn remembered(&self) -> impl Iterator<Item = (IpAddr, &Remembered)> {
        self.memory.all()
    }

    /// What a Service got; absent where it asks for nothing.
    #[must_use]
    pub fn outcome(&self, service: &ServiceName) -> Option<&Outcome> {
        self.entries.get(service).map(|entry| &entry.outcome)
    }

    /// All addresses in use, lowest first.
    pub fn holdings(&self) -> impl Iterator<Item = Holding<'_>> {
        let lowest = IpAddr::from([0, 0, 0, 0]);
        self.holders.within(lowest..).filter_map(|(address, services)| {
            let pool = &self.territories.owner(address)?.pool.name;
            Some(Holding { address, pool, services: services.collect() })
        })
    }

    /// How full pools are, by name.
    pub fn fills(&self) -> impl Iterator<Item = (&PoolName, ByFamily<Fill>)> {
        self.spaces.iter().map(|(name, space)| {
            (name, ByFamily { v4: space.fill(Family::V4), v6: space.fill(Family::V6) })
        })
    }

    /// What is wrong with pools beside each other and in this cluster.
    #[must_use]
    pub fn problems(&self) -> &[Rejection] {
        &self.problems
    }

    /// How many Services did not get all that they ask for.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.incomplete.len()
    }

    /// What stands in the way of giving an address to a Service; absent where no pool has the address,
    /// or there is no such Service.
    #[must_use]
    pub fn judge(&self, address: IpAddr, service: &ServiceName) -> Option<Candidate> {
        let request = self.entries.get(service)?.request.as_ref()?;
        let territory = self.territories.owner(address)?;
        Some(self.judge_in(territory, address, request))
    }

    /// When `settle` has to be called again, if nothing else happens.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        self.memory.next_due()
    }
}
