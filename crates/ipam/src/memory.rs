//! Who had an address last, so that whoever comes back within a time gets it again?

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::RangeBounds;
use std::time::Duration;

use model::ServiceName;

/// Addresses that are remembered; beyond, what would be forgotten next is forgotten at once.
pub const REMEMBERED_MAX: usize = 65_536;

/// An address that a Service had. Times count from any moment that stays the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    pub service: ServiceName,
    /// Until then it is kept for the Service, while there are others to give.
    pub until: Duration,
    /// Until then no other Service gets it at all.
    pub quarantined_until: Duration,
}

impl Remembered {
    /// When something about it changes next.
    fn due(&self, now: Duration) -> Duration {
        if self.quarantined_until > now { self.quarantined_until } else { self.until }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Memory {
    by_address: BTreeMap<IpAddr, Remembered>,
    by_service: BTreeMap<ServiceName, BTreeSet<IpAddr>>,
    /// When to look at which address again: the moment is kept beside it in `due`.
    queue: BTreeSet<(Duration, IpAddr)>,
    due: BTreeMap<IpAddr, Duration>,
}

impl Memory {
    pub(crate) fn get(&self, address: IpAddr) -> Option<&Remembered> {
        self.by_address.get(&address)
    }

    /// What a Service had, lowest first.
    pub(crate) fn of(&self, service: &ServiceName) -> impl Iterator<Item = IpAddr> {
        self.by_service.get(service).into_iter().flatten().copied()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (IpAddr, &Remembered)> {
        self.by_address.iter().map(|(address, remembered)| (*address, remembered))
    }

    pub(crate) fn within(
        &self,
        addresses: impl RangeBounds<IpAddr>,
    ) -> impl Iterator<Item = IpAddr> {
        self.by_address.range(addresses).map(|(address, _)| *address)
    }

    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.queue.first().map(|(due, _)| *due)
    }

    /// Remembers it; gives back what had to be forgotten for want of room.
    pub(crate) fn insert(
        &mut self,
        address: IpAddr,
        remembered: Remembered,
        now: Duration,
    ) -> Option<IpAddr> {
        self.remove(address);
        if remembered.until.max(remembered.quarantined_until) <= now {
            return None;
        }
        self.set_due(address, remembered.due(now));
        self.by_service.entry(remembered.service.clone()).or_default().insert(address);
        self.by_address.insert(address, remembered);
        let (_, next) = *self.queue.first().filter(|_| self.by_address.len() > REMEMBERED_MAX)?;
        self.remove(next);
        Some(next)
    }

    pub(crate) fn remove(&mut self, address: IpAddr) {
        let Some(remembered) = self.by_address.remove(&address) else { return };
        if let Some(due) = self.due.remove(&address) {
            self.queue.remove(&(due, address));
        }
        if let Some(addresses) = self.by_service.get_mut(&remembered.service) {
            addresses.remove(&address);
            if addresses.is_empty() {
                self.by_service.remove(&remembered.service);
            }
        }
    }

    /// The addresses whose time has come; those that are past are forgotten.
    pub(crate) fn take_due(&mut self, now: Duration) -> Vec<IpAddr> {
        let mut changed = Vec::new();
        while let Some(&(due, address)) = self.queue.first()
            && due <= now
        {
            let next = self.by_address.get(&address).map(|it| it.due(now));
            match next.filter(|next| *next > now) {
                Some(next) => self.set_due(address, next),
                None => self.remove(address),
            }
            changed.push(address);
        }
        changed
    }

    fn set_due(&mut self, address: IpAddr, due: Duration) {
        if let Some(old) = self.due.insert(address, due) {
            self.queue.remove(&(old, address));
        }
        self.queue.insert((due, address));
    }
}
