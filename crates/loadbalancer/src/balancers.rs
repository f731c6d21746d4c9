//! Which Services are ours, what did they get, and what is to be written of them?

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ingest::api;
use ipam::{Allocator, Surroundings, Whose};
use model::{AddressRange, ServiceName, ServiceTable, Way};

use crate::node_ip::{self, Listeners};
use crate::node_port;
use crate::seen::{self, Seen};
use crate::step::{self, Step};
use crate::vip;
use crate::wanted::Wanted;

/// What does not change while it acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settings {
    /// The way of Services that name no class; absent where they are somebody else's.
    pub default_way: Option<Way>,
    pub allocation: ipam::Settings,
    /// So long whoever begins waits for a pool of each address that Services have, and whoever goes on
    /// for any pool where all are gone at once: a server that has just started may not know its kinds of
    /// pools yet, and says that there are none.
    pub pools_awaited: Duration,
}

/// All Services that are ours, or were.
///
/// It is told of Services by `see` and `forget` at any time. It acts between `begin` and `end`: then
/// `settle` draws the conclusions, and `due` says what is to be written. What it knows beside objects
/// it forgets at the end, and begins anew from what they say.
#[derive(Debug, Default)]
pub struct LoadBalancers {
    settings: Settings,
    seen: BTreeMap<ServiceName, Seen>,
    /// What Services have that are somebody else's.
    foreign: BTreeMap<ServiceName, Vec<IpAddr>>,
    /// Who of ours has which address in its status.
    standing: BTreeMap<IpAddr, BTreeSet<ServiceName>>,
    acting: Option<Acting>,
}

#[derive(Debug)]
struct Acting {
    allocator: Allocator,
    /// What it was told of pools, namespaces and Nodes.
    cluster: ServiceTable,
    /// Those whose conclusions are to be drawn anew.
    changed: BTreeSet<ServiceName>,
    steps: BTreeMap<ServiceName, Step>,
    /// Whether others have other addresses than the allocator was told.
    is_elsewhere_changed: bool,
    begun: Begun,
}

/// Whether conclusions are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begun {
    No,
    /// Not before this, unless there are pools for all.
    Awaiting(Duration),
    Yes,
}

/// What is to be written of a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due<'a> {
    pub service: &'a ServiceName,
    /// The state of the object that it is right for.
    pub version: &'a Arc<str>,
    pub step: Cow<'a, Step>,
}

impl LoadBalancers {
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// A Service as it is now.
    pub fn see(&mut self, object: &api::Service) {
        let metadata = &object.metadata;
        let name = ServiceName::new(metadata.namespace.as_str(), metadata.name.as_str());
        let seen = Seen::of(object, self.settings.default_way);
        let foreign = if seen.is_none() { seen::addresses_of(object) } else { Vec::new() };
        self.replace_foreign(&name, foreign);
        self.replace(&name, seen);
    }

    /// A Service that is gone.
    pub fn forget(&mut self, name: &ServiceName) {
        self.replace_foreign(name, Vec::new());
        self.replace(name, None);
    }

    fn replace_foreign(&mut self, name: &ServiceName, addresses: Vec<IpAddr>) {
        let old = self.foreign.get(name);
        if old.map_or(addresses.is_empty(), |old| *old == addresses) {
            return;
        }
        if addresses.is_empty() {
            self.foreign.remove(name);
        } else {
            self.foreign.insert(name.clone(), addresses);
        }
        if let Some(acting) = &mut self.acting {
            acting.is_elsewhere_changed = true;
        }
    }

    fn replace(&mut self, name: &ServiceName, seen: Option<Seen>) {
        let old = self.seen.remove(name);
        if old.is_none() && seen.is_none() {
            return;
        }
        for address in old.iter().flat_map(Seen::addresses) {
            if let Some(names) = self.standing.get_mut(&address) {
                names.remove(name);
                if names.is_empty() {
                    self.standing.remove(&address);
                }
            }
        }
        for address in seen.iter().flat_map(Seen::addresses) {
            self.standing.entry(address).or_default().insert(name.clone());
        }
        if let Some(acting) = &mut self.acting {
            acting.tell(name, seen.as_ref());
        }
        if let Some(seen) = seen {
            self.seen.insert(name.clone(), seen);
        }
    }

    /// Acts from now on, beginning from what objects say.
    pub fn begin(&mut self) {
        let mut acting = Acting {
            allocator: Allocator::new(self.settings.allocation),
            cluster: ServiceTable::default(),
            changed: BTreeSet::new(),
            steps: BTreeMap::new(),
            is_elsewhere_changed: true,
            begun: Begun::No,
        };
        for (name, seen) in &self.seen {
            acting.tell(name, Some(seen));
        }
        self.acting = Some(acting);
    }

    /// Acts no more: somebody else does.
    pub fn end(&mut self) {
        self.acting = None;
    }

    #[must_use]
    pub const fn is_acting(&self) -> bool {
        self.acting.is_some()
    }

    /// Draws the conclusions. All that there is must have been told before the first time.
    pub fn settle(&mut self, cluster: &ServiceTable, now: Duration) {
        let may_await =
            |acting: &Acting| acting.begun != Begun::Yes || cluster.address_pools.is_empty();
        let awaits_pools =
            self.acting.as_ref().is_some_and(may_await) && self.awaits_pools(cluster);
        let Some(acting) = &mut self.acting else { return };
        let has_lost_all =
            !acting.cluster.address_pools.is_empty() && cluster.address_pools.is_empty();
        let is_time = !self.settings.pools_awaited.is_zero();
        acting.begun = match acting.begun {
            Begun::Awaiting(until) if awaits_pools && now < until => Begun::Awaiting(until),
            Begun::No if awaits_pools && is_time => {
                Begun::Awaiting(now + self.settings.pools_awaited)
            }
            Begun::Yes if awaits_pools && is_time && has_lost_all => {
                Begun::Awaiting(now + self.settings.pools_awaited)
            }
            Begun::No | Begun::Awaiting(_) | Begun::Yes => Begun::Yes,
        };
        if acting.begun != Begun::Yes {
            return;
        }
        let is_same = acting.follow(cluster, &self.foreign);
        let mut changed = std::mem::take(&mut acting.changed);
        // These depend on what others have, and on Nodes.
        let by_nodes =
            self.seen.iter().filter(|(_, seen)| seen.way.is_some_and(|it| it != Way::Vip));
        let mut by_nodes: Vec<&ServiceName> = by_nodes.map(|(name, _)| name).collect();
        let age = |name: &&ServiceName| cluster.services.get(*name).map(|it| it.created_s);
        by_nodes.sort_by_key(age);
        let is_still = is_same && by_nodes.iter().all(|name| !changed.contains(*name));
        changed.extend(acting.allocator.settle(now));
        let mut conclusions: BTreeMap<ServiceName, Option<Step>> = BTreeMap::new();
        if !is_still && !by_nodes.is_empty() {
            let mut listeners = Listeners::of(cluster);
            for name in by_nodes {
                let Some(seen) = self.seen.get(name) else { continue };
                let wanted = by_nodes_wanted(name, seen, cluster, &mut listeners);
                conclusions.insert(name.clone(), wanted.and_then(|it| step::next(seen, &it)));
            }
        }
        for name in changed {
            if conclusions.contains_key(&name) {
                continue;
            }
            let step = self.seen.get(&name).and_then(|seen| {
                let wanted = acting.wanted(&name, seen)?;
                step::next(seen, &wanted)
            });
            conclusions.insert(name, step);
        }
        for (name, step) in conclusions {
            match step {
                Some(step) => drop(acting.steps.insert(name, step)),
                None => drop(acting.steps.remove(&name)),
            }
        }
    }

    /// Whether a Service has an address that no pool has: it may have been given back while nobody
    /// acted, or the pool may not be known yet.
    fn awaits_pools(&self, cluster: &ServiceTable) -> bool {
        let has_pool = |address: IpAddr| {
            let mut ranges = cluster.address_pools.values().flat_map(|pool| &pool.ranges);
            ranges.any(|range| range.contains(address))
        };
        let of_pools =
            self.seen.values().filter(|seen| seen.is_active() && seen.way == Some(Way::Vip));
        of_pools.flat_map(Seen::addresses).any(|address| !has_pool(address))
    }

    /// All that is to be written now, by name.
    ///
    /// An address that another Service still says that it has is not given yet. Until then whoever
    /// waits for it gives up what it has to give up: two may change places.
    pub fn due(&self) -> impl Iterator<Item = Due<'_>> {
        let steps = self.acting.iter().flat_map(|acting| {
            let steps = acting.steps.iter();
            steps.map(move |(service, step)| (acting, service, step))
        });
        steps.filter_map(|(acting, service, step)| {
            let seen = self.seen.get(service)?;
            // Nodes' own addresses may be many Services'.
            let waits = if seen.way == Some(Way::Vip) {
                self.waits_for(acting, service, step)
            } else {
                Vec::new()
            };
            let step = match waits {
                waits if waits.is_empty() => Cow::Borrowed(step),
                waits => Cow::Owned(step::meanwhile(seen, step, &waits)?),
            };
            Some(Due { service, version: &seen.version, step })
        })
    }

    /// Which addresses that the step gives others still say that they have.
    fn waits_for(
        &self,
        acting: &Acting,
        name: &ServiceName,
        step: &Step,
    ) -> Vec<(IpAddr, &ServiceName)> {
        let Step::Status { status, .. } = step else { return Vec::new() };
        let addresses = status.ingress.iter().filter_map(|it| it.ip.as_deref()?.parse().ok());
        let others = addresses.filter_map(|address: IpAddr| {
            let shares = |other: &&ServiceName| {
                let outcome = acting.allocator.outcome(other);
                outcome.is_some_and(|it| it.addresses.iter().any(|(kept, _)| *kept == address))
            };
            let others = self.standing.get(&address).into_iter().flatten();
            let other = others.filter(|other| *other != name).find(|other| !shares(other))?;
            Some((address, other))
        });
        others.collect()
    }

    /// When `settle` has to be called again, if nothing else happens.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        self.acting.as_ref().and_then(|acting| match acting.begun {
            Begun::Awaiting(until) => Some(until),
            Begun::No | Begun::Yes => acting.allocator.next_due(),
        })
    }

    /// Who has which address, how full pools are, and what is wrong with them; absent while it does
    /// not act.
    #[must_use]
    pub fn allocator(&self) -> Option<&Allocator> {
        self.acting.as_ref().map(|acting| &acting.allocator)
    }
}

impl Acting {
    /// A Service is so, or gone. One that is being deleted has its addresses until it is gone.
    fn tell(&mut self, name: &ServiceName, seen: Option<&Seen>) {
        let request =
            seen.filter(|seen| seen.way == Some(Way::Vip)).and_then(|it| it.request.as_ref());
        match request {
            Some(request) => self.allocator.apply(model::AddressRequest::clone(request)),
            None => self.allocator.remove(name),
        }
        self.changed.insert(name.clone());
    }

    /// Takes in what differs in pools, namespaces and all that has addresses. Whether Services and Nodes
    /// are the same as before.
    fn follow(
        &mut self,
        cluster: &ServiceTable,
        foreign: &BTreeMap<ServiceName, Vec<IpAddr>>,
    ) -> bool {
        let old = std::mem::replace(&mut self.cluster, cluster.clone());
        for name in old.changed_address_pools(cluster) {
            match cluster.address_pools.get(&name) {
                Some(pool) => self.allocator.apply_pool(model::AddressPool::clone(pool)),
                None => self.allocator.remove_pool(&name),
            }
        }
        for name in old.changed_namespaces(cluster) {
            let labels = cluster.namespaces.get(&name).map(|it| it.labels.clone());
            self.allocator.set_namespace(&name, labels.unwrap_or_default());
        }
        let is_same = old.nodes == cluster.nodes && old.services == cluster.services;
        let is_around = old.nodes == cluster.nodes && old.service_cidrs == cluster.service_cidrs;
        if !std::mem::take(&mut self.is_elsewhere_changed) && is_around {
            return is_same;
        }
        let mut surroundings = Surroundings::of(cluster);
        for (name, addresses) in foreign {
            let taken =
                addresses.iter().map(|it| (AddressRange::from(*it), Whose::Service(name.clone())));
            surroundings.0.extend(taken);
        }
        self.allocator.set_surroundings(surroundings);
        is_same
    }

    fn wanted(&self, name: &ServiceName, seen: &Seen) -> Option<Wanted> {
        if !seen.is_active() {
            return Some(Wanted::released(seen));
        }
        // Without a ClusterIP nobody knows its families.
        let request = seen.request.as_ref()?;
        let outcome = self.allocator.outcome(name)?;
        Some(vip::wanted(seen, request, outcome))
    }
}

/// What a Service of another way than by pools gets.
fn by_nodes_wanted(
    name: &ServiceName,
    seen: &Seen,
    cluster: &ServiceTable,
    listeners: &mut Listeners,
) -> Option<Wanted> {
    if !seen.is_active() {
        return Some(Wanted::released(seen));
    }
    let service = cluster.services.get(name).filter(|it| !it.cluster_ips.is_empty())?;
    match seen.way? {
        Way::NodeIp => Some(node_ip::wanted(seen, service, cluster, listeners)),
        Way::NodePort => Some(node_port::wanted(seen, service)),
        Way::Vip => None,
    }
}
