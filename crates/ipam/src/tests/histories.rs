//! Does what Services have depend on what there is, and not on how it came to be?

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use model::{
    AddressPool, AddressRequest, Family, FamilyPolicy, PoolName, Protocol, ServiceName, Sharing,
    SharingScope,
};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{for_namespace, pool, ranges, service};
use crate::{Allocator, Candidate, Outcome, Settings};

/// Something that happens to the cluster.
#[derive(Debug, Clone)]
enum Change {
    Service(Box<AddressRequest>),
    Gone(ServiceName),
    Pool(Box<AddressPool>),
    NoPool(PoolName),
}

const NAMES: [&str; 8] = ["a/1", "a/2", "a/3", "b/1", "b/2", "b/3", "b/4", "b/5"];

fn request() -> impl Strategy<Value = AddressRequest> {
    let addresses =
        prop::sample::select(vec!["", "", "", "10.0.0.1", "fd00::1", "10.0.0.2 fd00::2"]);
    let pool = prop::option::weighted(0.2, prop::sample::select(vec!["p", "q", "r"]));
    let families = prop::sample::select(vec![
        vec![Family::V4],
        vec![Family::V6],
        vec![Family::V4, Family::V6],
        vec![Family::V6, Family::V4],
    ]);
    let policy =
        prop::sample::select(vec![FamilyPolicy::PreferDualStack, FamilyPolicy::RequireDualStack]);
    let sharing = prop::option::of(prop::sample::select(vec!["k", "m"]));
    let held = prop::sample::select(vec!["", "", "", "10.0.0.1", "10.0.0.3 fd00::3"]);
    let rest = (sharing, 80u16..83, any::<bool>(), 0i64..3, held);
    (prop::sample::select(NAMES.to_vec()), addresses, pool, families, policy, rest).prop_map(
        |(
            name,
            addresses,
            pool,
            families,
            family_policy,
            (sharing, port, is_local, created_s, held),
        )| {
            AddressRequest {
                created_s,
                families,
                family_policy,
                addresses: super::addresses(addresses),
                pool: pool.map(PoolName::new),
                sharing: sharing
                    .map(|key| Sharing { key: key.into(), with: SharingScope::AnyNamespace }),
                ports: [(Protocol::Tcp, port.try_into().expect("not zero"))].into(),
                local_selector: is_local.then(|| "app=x".into()),
                held: super::addresses(held),
                ..service(name)
            }
        },
    )
}

fn any_pool() -> impl Strategy<Value = AddressPool> {
    let addresses = prop::sample::select(vec![
        "10.0.0.0/31",
        "10.0.0.0/30 fd00::/127",
        "10.0.0.2-10.0.0.4 fd00::/126",
        "fd00::2-fd00::3",
        "10.0.0.254-10.0.1.1",
    ]);
    let name = prop::sample::select(vec!["p", "q", "r"]);
    let flags = (any::<bool>(), prop::bool::weighted(0.8), prop::bool::weighted(0.2));
    let rest = (prop::option::of(1u32..3), any::<bool>(), any::<bool>(), 0i64..3);
    (name, addresses, flags, rest).prop_map(
        |(
            name,
            addresses,
            (avoid_edges, auto_assign, disabled),
            (priority, is_pinned, reserves, created_s),
        )| {
            AddressPool {
                avoid_edges,
                auto_assign,
                disabled,
                priority,
                created_s,
                admits: if is_pinned { for_namespace("a") } else { Default::default() },
                reserved: if reserves { ranges("10.0.0.1") } else { Vec::new() },
                ..pool(name, addresses)
            }
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => request().prop_map(|it| Change::Service(Box::new(it))),
        2 => prop::sample::select(NAMES.to_vec()).prop_map(|it| Change::Gone(super::name(it))),
        2 => any_pool().prop_map(|it| Change::Pool(Box::new(it))),
        1 => prop::sample::select(vec!["p", "q", "r"]).prop_map(|it| Change::NoPool(PoolName::new(it))),
    ]
}

/// What the API server would have.
#[derive(Debug, Clone, Default)]
struct Cluster {
    services: BTreeMap<ServiceName, AddressRequest>,
    pools: BTreeMap<PoolName, AddressPool>,
}

impl Cluster {
    fn change(&mut self, change: Change) {
        match change {
            Change::Service(request) => {
                drop(self.services.insert(request.service.clone(), *request))
            }
            Change::Gone(name) => drop(self.services.remove(&name)),
            Change::Pool(pool) => drop(self.pools.insert(pool.name.clone(), *pool)),
            Change::NoPool(name) => drop(self.pools.remove(&name)),
        }
    }

    /// The outcomes go into the status.
    fn write(&mut self, allocator: &Allocator) {
        for (name, request) in &mut self.services {
            let outcome = allocator.outcome(name).expect("it was told");
            request.held = outcome.addresses.iter().map(|(address, _)| *address).collect();
        }
    }

    /// What each has, and whether that is all. Of several reasons against a Service the one that it was
    /// told need not be the one that a successor would find first.
    fn gained(&self, allocator: &Allocator) -> BTreeMap<ServiceName, (Vec<IpAddr>, bool)> {
        let gained = |outcome: Outcome| {
            let addresses = outcome.addresses.into_iter().map(|(address, _)| address);
            (addresses.collect(), outcome.refusal.is_none())
        };
        self.outcomes(allocator).into_iter().map(|(name, it)| (name, gained(it))).collect()
    }

    fn outcomes(&self, allocator: &Allocator) -> BTreeMap<ServiceName, Outcome> {
        let outcome = |name: &ServiceName| allocator.outcome(name).cloned().expect("it was told");
        self.services.keys().map(|name| (name.clone(), outcome(name))).collect()
    }
}

fn tell(allocator: &mut Allocator, change: Change) {
    match change {
        Change::Service(request) => allocator.apply(*request),
        Change::Gone(name) => allocator.remove(&name),
        Change::Pool(pool) => allocator.apply_pool(*pool),
        Change::NoPool(name) => allocator.remove_pool(&name),
    }
}

/// One that begins with the cluster as it is, and with what its predecessor remembers.
fn fresh(
    cluster: &Cluster,
    settings: Settings,
    before: &Allocator,
    is_reversed: bool,
) -> Allocator {
    let mut changes: Vec<Change> = Vec::new();
    changes.extend(cluster.services.values().map(|it| Change::Service(Box::new(it.clone()))));
    changes.extend(cluster.pools.values().map(|it| Change::Pool(Box::new(it.clone()))));
    if is_reversed {
        changes.reverse();
    }
    let mut allocator = Allocator::new(settings);
    for (address, remembered) in before.remembered() {
        allocator.remember(address, remembered.clone());
    }
    changes.into_iter().for_each(|change| tell(&mut allocator, change));
    allocator
}

/// An address is one Service's, or all of its Services may share it; it is of a pool that admits them.
fn check_rules(cluster: &Cluster, allocator: &Allocator) -> Result<(), TestCaseError> {
    let mut holders: BTreeMap<IpAddr, Vec<&AddressRequest>> = BTreeMap::new();
    for (name, request) in &cluster.services {
        let outcome = allocator.outcome(name).expect("it was told");
        let families: Vec<Family> =
            outcome.addresses.iter().map(|(it, _)| Family::of(*it)).collect();
        prop_assert!(families.iter().all(|it| request.families.contains(it)), "{outcome:?}");
        prop_assert!(families.len() < 2 || families.first() != families.get(1));
        if outcome.refusal.is_none() {
            prop_assert_eq!(&families, &request.families);
        }
        for (address, pool) in &outcome.addresses {
            holders.entry(*address).or_default().push(request);
            let pool = &cluster.pools[pool];
            prop_assert!(pool.ranges.iter().any(|range| range.contains(*address)));
            prop_assert!(pool.admits.admit_namespace(&name.namespace, &[].into()));
            prop_assert!(request.pool.as_ref().is_none_or(|asked| *asked == pool.name));
            prop_assert!(allocator.judge(*address, name).is_some_and(|it| it.is_ok()));
        }
        let asked = |it: &IpAddr| outcome.addresses.iter().any(|(address, _)| address == it);
        if outcome.refusal.is_none() {
            prop_assert!(request.addresses.iter().all(asked), "{outcome:?}");
        }
    }
    for (address, requests) in holders {
        for (index, one) in requests.iter().enumerate() {
            for other in requests.iter().skip(index + 1) {
                prop_assert!(one.sharing.is_some() && one.sharing == other.sharing, "{address}");
                prop_assert!(one.ports.is_disjoint(&other.ports), "{address}");
                prop_assert_eq!(&one.local_selector, &other.local_selector, "{}", address);
            }
        }
    }
    Ok(())
}

/// What a Service waits for is really not to be had: no address of an open pool is free for it.
fn check_nothing_is_withheld(
    cluster: &Cluster,
    allocator: &Allocator,
) -> Result<(), TestCaseError> {
    for (name, request) in &cluster.services {
        let outcome = allocator.outcome(name).expect("it was told");
        let asks_nothing = request.addresses.is_empty() && request.pool.is_none();
        if !asks_nothing || !outcome.addresses.is_empty() {
            continue;
        }
        let free = |pool: &AddressPool, family: Family| {
            let range = pool.ranges.iter().find(|range| range.family() == family);
            let numbered = (0u8..=255).flat_map(|last| -> [IpAddr; 3] {
                [
                    [10, 0, 0, last].into(),
                    [10, 0, 1, last].into(),
                    [0xfd00, 0, 0, 0, 0, 0, 0, last.into()].into(),
                ]
            });
            range.is_some()
                && numbered.filter(|it| Family::of(*it) == family).any(|address| {
                    pool.ranges.iter().any(|range| range.contains(address))
                        && allocator.judge(address, name).as_ref().is_some_and(Candidate::is_ok)
                        && allocator
                            .territories
                            .owner(address)
                            .is_some_and(|owner| owner.pool.name == pool.name)
                })
        };
        let is_open = |pool: &&AddressPool| {
            pool.auto_assign
                && !pool.disabled
                && pool.admits.admit_namespace(&name.namespace, &[].into())
        };
        for pool in cluster.pools.values().filter(is_open) {
            let has: Vec<bool> = request.families.iter().map(|it| free(pool, *it)).collect();
            let is_enough = match (request.families.len(), request.family_policy) {
                (2, FamilyPolicy::PreferDualStack) => has.contains(&true),
                _ => !has.contains(&false),
            };
            prop_assert!(!is_enough, "{name} could have one of {}", pool.name);
        }
    }
    Ok(())
}

fn check(history: Vec<Vec<Change>>, settings: Settings) -> Result<(), TestCaseError> {
    let mut cluster = Cluster::default();
    let mut allocator = Allocator::new(settings);
    for (step, batch) in (1u32..).zip(history) {
        let now = super::HOUR * step;
        let before = cluster.outcomes(&allocator);
        for change in batch {
            cluster.change(change.clone());
            tell(&mut allocator, change);
        }
        let changed = allocator.settle(now);
        check_rules(&cluster, &allocator)?;
        if settings.quarantine.is_zero() {
            check_nothing_is_withheld(&cluster, &allocator)?;
        }
        let after = cluster.outcomes(&allocator);
        for (name, outcome) in &after {
            let is_same = before.get(name).cloned().unwrap_or_default() == *outcome;
            prop_assert_eq!(!is_same, changed.contains(name), "{}", name);
        }
        cluster.write(&allocator);
        for is_reversed in [false, true] {
            let mut other = fresh(&cluster, settings, &allocator, is_reversed);
            other.settle(now);
            prop_assert_eq!(cluster.gained(&other), cluster.gained(&allocator), "after a restart");
            prop_assert!(other.fills().eq(allocator.fills()), "after a restart");
        }
        for request in cluster.services.values() {
            allocator.apply(request.clone());
        }
        let gained = cluster.gained(&allocator);
        allocator.settle(now);
        prop_assert_eq!(cluster.gained(&allocator), gained, "the status comes back");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_has_what_is_anothers_and_a_restart_changes_nothing(history in vec(vec(change(), 1..6), 1..8)) {
        check(history, Settings::default())?;
    }

    #[test]
    fn the_same_holds_without_memory_and_in_quarantine(history in vec(vec(change(), 1..6), 1..8), has_quarantine: bool) {
        let quarantine = if has_quarantine { 2 * super::HOUR } else { Duration::ZERO };
        check(history, Settings { hold_down: Duration::ZERO, quarantine })?;
    }

    #[test]
    fn within_one_step_the_order_does_not_matter(
        first in vec(change(), 1..12),
        then in vec(change(), 1..12).prop_flat_map(|changes| (Just(changes.clone()), Just(changes).prop_shuffle())),
    ) {
        // Of several changes of one thing the last counts, so each thing changes once.
        let (one, other) = then;
        let mut cluster = Cluster::default();
        one.iter().for_each(|change| cluster.change(change.clone()));
        let key = |change: &Change| match change {
            Change::Service(it) => (Some(it.service.clone()), None),
            Change::Gone(name) => (Some(name.clone()), None),
            Change::Pool(it) => (None, Some(it.name.clone())),
            Change::NoPool(name) => (None, Some(name.clone())),
        };
        let once = |changes: Vec<Change>| {
            let mut seen = Vec::new();
            let wanted: BTreeMap<_, _> = one.iter().map(|it| (key(it), format!("{it:?}"))).collect();
            let mut kept = Vec::new();
            for change in changes {
                let key = key(&change);
                if wanted.get(&key) == Some(&format!("{change:?}")) && !seen.contains(&key) {
                    seen.push(key);
                    kept.push(change);
                }
            }
            kept
        };
        let mut outcomes = Vec::new();
        for changes in [once(one.clone()), once(other)] {
            let mut cluster = Cluster::default();
            let mut allocator = Allocator::new(Settings::default());
            for batch in [first.clone(), changes] {
                for change in batch {
                    cluster.change(change.clone());
                    tell(&mut allocator, change);
                }
                allocator.settle(super::HOUR);
            }
            outcomes.push(cluster.outcomes(&allocator));
        }
        prop_assert_eq!(&outcomes[0], &outcomes[1]);
    }
}
