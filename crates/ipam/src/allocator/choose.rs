//! Which addresses may a Service keep, and which does it get?

use std::net::IpAddr;
use std::sync::Arc;

use model::{AddressRequest, Family, FamilyPolicy, Labels, PoolName};

use super::Allocator;
use crate::outcome::{PoolRefusal, Refusal};
use crate::space::Space;
use crate::territory::Territory;
use crate::verdict::{Candidate, Exclusion};

/// Addresses with their pools.
pub(super) type Addresses = Vec<(IpAddr, PoolName)>;

/// What a Service gets in addition to what it keeps, and why not more.
pub(super) type Choice = (Addresses, Option<Refusal>);

impl Allocator {
    /// The pool for which the Service may keep the address. Whether it would get it today (the pool
    /// is disabled, a Node has the address) does not matter.
    pub(super) fn may_keep(&self, request: &AddressRequest, address: IpAddr) -> Option<PoolName> {
        let family = Family::of(address);
        let asked = request.addresses.iter().find(|asked| Family::of(**asked) == family);
        let territory = self.territories.owner(address)?;
        let pool = &territory.pool;
        let may = request.families.contains(&family)
            && asked.is_none_or(|asked| *asked == address)
            && request.pool.as_ref().is_none_or(|asked| *asked == pool.name)
            && !territory.reserves(address)
            && !territory.avoids(address)
            && self.selects(territory, request).is_none()
            && self.holders.judge(address, request).is_ok();
        may.then(|| pool.name.clone())
    }

    /// Chooses what the Service lacks beside what it keeps.
    pub(super) fn choose(&self, request: &AddressRequest, kept: &Addresses) -> Choice {
        let lacks = |family: &Family| !kept.iter().any(|(it, _)| Family::of(*it) == *family);
        let lacking: Vec<Family> = request.families.iter().copied().filter(lacks).collect();
        if let Some(why) = &request.unclear {
            return (Vec::new(), Some(Refusal::Unclear(Arc::clone(why))));
        }
        let foreign = |it: &&IpAddr| !request.families.contains(&Family::of(**it));
        if let Some(address) = request.addresses.iter().find(foreign) {
            return (Vec::new(), Some(Refusal::Family(*address)));
        }
        let mut chosen = Vec::new();
        for address in request.addresses.iter().filter(|it| lacking.contains(&Family::of(**it))) {
            match self.requested(request, *address) {
                Ok(pool) => chosen.push((*address, pool)),
                Err(refusal) => return (Vec::new(), Some(refusal)),
            }
        }
        let has = |family: &Family| chosen.iter().any(|(it, _)| Family::of(*it) == *family);
        let rest: Vec<Family> = lacking.iter().copied().filter(|family| !has(family)).collect();
        if rest.is_empty() {
            return (chosen, None);
        }
        let Some((_, home)) = kept.first().or_else(|| chosen.first()).cloned() else {
            return self.automatic(request);
        };
        match self.beside(request, &home, &rest) {
            Ok(more) => {
                chosen.extend(more);
                (chosen, None)
            }
            // Half of what must be whole is nothing, unless somebody relies on that half.
            Err(refusal)
                if request.family_policy == FamilyPolicy::RequireDualStack && kept.is_empty() =>
            {
                (Vec::new(), Some(refusal))
            }
            Err(refusal) => (chosen, Some(refusal)),
        }
    }

    /// The pool of an address that the Service asks for, if it may have it.
    fn requested(&self, request: &AddressRequest, address: IpAddr) -> Result<PoolName, Refusal> {
        if let Some(asked) = request.pool.as_ref().filter(|it| !self.spaces.contains_key(*it)) {
            return Err(Refusal::UnknownPool(asked.clone()));
        }
        let territory = self.territories.owner(address).ok_or(Refusal::NotInPool(address))?;
        let pool = territory.pool.name.clone();
        if let Some(asked) = request.pool.as_ref().filter(|asked| **asked != pool) {
            return Err(Refusal::PoolDiffers { address, asked: asked.clone(), found: pool });
        }
        let candidate = self.judge_in(territory, address, request);
        let refusal = self.opens(territory, request);
        let refusal = refusal
            .or_else(|| (!candidate.is_ok()).then_some(PoolRefusal::Address(address, candidate)));
        match refusal {
            Some(refusal) => Err(Refusal::Pools(vec![(pool, refusal)])),
            None => Ok(pool),
        }
    }

    /// Addresses of the pool that the Service has another one of.
    fn beside(
        &self,
        request: &AddressRequest,
        pool: &PoolName,
        families: &[Family],
    ) -> Result<Addresses, Refusal> {
        let space = self.spaces.get(pool).ok_or_else(|| Refusal::UnknownPool(pool.clone()))?;
        let refusal = self.opens(&space.territory, request);
        let found = refusal.map_or_else(|| self.pick_all(space, request, families), Err);
        found.map_err(|refusal| Refusal::Pools(vec![(pool.clone(), refusal)]))
    }

    /// Addresses for a Service that has none and asks for none by name.
    fn automatic(&self, request: &AddressRequest) -> Choice {
        if self.spaces.is_empty() {
            return (Vec::new(), Some(Refusal::NoPool));
        }
        let (open, mut refusals) = match &request.pool {
            Some(asked) => match self.spaces.get(asked) {
                None => return (Vec::new(), Some(Refusal::UnknownPool(asked.clone()))),
                Some(space) => self.open_pools([space].into_iter(), request, true),
            },
            None => {
                let all = self.territories.order.iter().filter_map(|pool| self.spaces.get(pool));
                self.open_pools(all, request, false)
            }
        };
        for space in &open {
            match self.pick_all(space, request, &request.families) {
                Ok(chosen) => return (chosen, None),
                Err(refusal) => refusals.push((space.territory.pool.name.clone(), refusal)),
            }
        }
        if request.family_policy == FamilyPolicy::PreferDualStack {
            for family in &request.families {
                for space in &open {
                    let home = &space.territory.pool.name;
                    let mut told = refusals.iter_mut().filter(|(pool, _)| pool == home);
                    match (self.pick_all(space, request, &[*family]), told.next()) {
                        (Ok(chosen), _) => {
                            refusals.retain(|(pool, _)| pool == home);
                            return (chosen, Some(Refusal::Pools(refusals)));
                        }
                        // One family is enough, so what it waits for counts, not what never comes.
                        (Err(refusal), Some((_, told))) if !told.may_pass() => *told = refusal,
                        (Err(_), _) => {}
                    }
                }
            }
        }
        let place = |pool: &PoolName| self.territories.order.iter().position(|it| it == pool);
        refusals.sort_by_key(|(pool, _)| place(pool));
        (Vec::new(), Some(Refusal::Pools(refusals)))
    }

    /// The pools that give the Service addresses, those first in which it had one, and the refusals of
    /// the others.
    fn open_pools<'a>(
        &'a self,
        pools: impl Iterator<Item = &'a Space>,
        request: &AddressRequest,
        is_asked: bool,
    ) -> (Vec<&'a Space>, Vec<(PoolName, PoolRefusal)>) {
        let (mut open, mut refusals) = (Vec::new(), Vec::new());
        for space in pools {
            let pool = &space.territory.pool;
            let closed = !is_asked && !pool.auto_assign;
            let refusal = closed.then_some(PoolRefusal::NotAutomatic);
            match refusal.or_else(|| self.opens(&space.territory, request)) {
                Some(refusal) => refusals.push((pool.name.clone(), refusal)),
                None => open.push(space),
            }
        }
        let had: Vec<IpAddr> = self.memory.of(&request.service).collect();
        let is_new = |space: &&Space| !had.iter().any(|it| space.territory.own.contains(*it));
        open.sort_by_key(is_new);
        (open, refusals)
    }

    /// Why the pool gives nothing to the Service, whatever is free.
    fn opens(&self, territory: &Territory, request: &AddressRequest) -> Option<PoolRefusal> {
        let disabled = territory.pool.disabled.then_some(PoolRefusal::Disabled);
        self.selects(territory, request).or(disabled)
    }

    fn selects(&self, territory: &Territory, request: &AddressRequest) -> Option<PoolRefusal> {
        let (admits, namespace) = (&territory.pool.admits, &request.service.namespace);
        let no_labels = Labels::new();
        let labels = self.namespaces.get(namespace).unwrap_or(&no_labels);
        if !admits.admit_namespace(namespace, labels) {
            Some(PoolRefusal::Namespace)
        } else if !admits.admit_service(&request.labels) {
            Some(PoolRefusal::Service)
        } else {
            None
        }
    }

    fn pick_all(
        &self,
        space: &Space,
        request: &AddressRequest,
        families: &[Family],
    ) -> Result<Addresses, PoolRefusal> {
        let pool = &space.territory.pool.name;
        let pick = |family: &Family| Ok((self.pick(space, request, *family)?, pool.clone()));
        families.iter().map(pick).collect()
    }

    /// The address of a pool: what the Service had, what it may share, what is free.
    fn pick(
        &self,
        space: &Space,
        request: &AddressRequest,
        family: Family,
    ) -> Result<IpAddr, PoolRefusal> {
        let fill = space.fill(family);
        let territory = &space.territory;
        let is_here = |it: &IpAddr| Family::of(*it) == family && territory.own.contains(*it);
        let is_ok = |it: &IpAddr| self.judge_in(territory, *it, request).is_ok();
        if let Some(had) = self.memory.of(&request.service).filter(is_here).find(is_ok) {
            return Ok(had);
        }
        let key = request.sharing.as_ref().map(|sharing| &sharing.key);
        let shared = || key.into_iter().flat_map(|key| self.holders.sharing(key)).filter(is_here);
        if let Some(address) = shared().find(is_ok).or_else(|| space.next(family)) {
            return Ok(address);
        }
        if fill.capacity == 0 {
            return Err(PoolRefusal::NoFamily(family));
        }
        let judged = |it| Box::new((it, self.judge_in(territory, it, request)));
        let shared = shared().next().map(judged);
        Err(PoolRefusal::Exhausted { family, used: fill.used, capacity: fill.capacity, shared })
    }

    /// Whether the Service may have the very address.
    pub(super) fn judge_in(
        &self,
        territory: &Arc<Territory>,
        address: IpAddr,
        request: &AddressRequest,
    ) -> Candidate {
        if territory.avoids(address) {
            return Candidate::Edge;
        }
        if territory.reserves(address) {
            return Candidate::Excluded(Exclusion::Reserved);
        }
        let verdict = self.holders.judge(address, request);
        if self.holders.has(address) {
            return verdict;
        }
        if let Some(exclusion) = territory.exclusion(address) {
            return Candidate::Excluded(exclusion);
        }
        if let Some(mac) = self.conflicts.get(&address) {
            return Candidate::Conflict(*mac);
        }
        match self.memory.get(address) {
            Some(it) if it.quarantined_until > self.now && it.service != request.service => {
                Candidate::Quarantined(it.quarantined_until)
            }
            Some(_) | None => verdict,
        }
    }
}
