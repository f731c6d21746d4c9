//! Which nodes may answer for an address of a Service, and on which interfaces?

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use imbl::OrdMap;

use crate::address_pool::{AddressPool, Announcing, PoolName, pool_of};
use crate::advertisement::{Advertisement, AdvertisementName};
use crate::name::NodeName;
use crate::node::Node;
use crate::service::{Service, TrafficPolicy};
use crate::table::ServiceTable;

/// Nodes with their scores: the higher is preferred.
pub type Candidates = BTreeMap<NodeName, u32>;

/// What pools, advertisements and Nodes say together. It stays right as long as these stay.
#[derive(Debug, Clone, Default)]
pub struct Advertising {
    pools: OrdMap<PoolName, Arc<AddressPool>>,
    advertisements: OrdMap<AdvertisementName, Arc<Advertisement>>,
    nodes: OrdMap<NodeName, Arc<Node>>,
    /// All that no Node's own state excludes.
    everybody: Arc<Candidates>,
    /// Those of `everybody` that the advertisement selects.
    selected: BTreeMap<AdvertisementName, Arc<Candidates>>,
}

/// How an address of a Service is announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    pub pool: PoolName,
    /// Those that may answer. There may be none.
    pub candidates: Arc<Candidates>,
    /// On which of its interfaces the node that was asked for may, if it is a candidate.
    pub interfaces: Interfaces,
}

/// Interfaces of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interfaces {
    All,
    Named(BTreeSet<Arc<str>>),
}

/// Why a node is no candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exclusion {
    /// There is no such Node.
    Unknown,
    /// The label `node.kubernetes.io/exclude-from-external-load-balancers`.
    Label,
    /// It is being deleted, or about to be removed.
    Leaving,
    /// Its condition NetworkUnavailable is true.
    NetworkUnavailable,
    /// No advertisement of the address selects it.
    Selectors,
    /// The external policy is Local, and it has no endpoint that serves.
    NoEndpoint,
}

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "there is no such Node",
            Self::Label => {
                "its label node.kubernetes.io/exclude-from-external-load-balancers says so"
            }
            Self::Leaving => "it is being removed",
            Self::NetworkUnavailable => "its condition NetworkUnavailable is true",
            Self::Selectors => "no advertisement of the address selects it",
            Self::NoEndpoint => "externalTrafficPolicy is Local, and it has no serving endpoint",
        })
    }
}

impl Node {
    /// What of its own state keeps it from answering for addresses.
    #[must_use]
    pub const fn exclusion(&self) -> Option<Exclusion> {
        if self.excluded {
            Some(Exclusion::Label)
        } else if self.leaving {
            Some(Exclusion::Leaving)
        } else if self.network_unavailable {
            Some(Exclusion::NetworkUnavailable)
        } else {
            None
        }
    }
}

impl Advertising {
    #[must_use]
    pub fn new(cluster: &ServiceTable) -> Self {
        let nodes = cluster.nodes.values().filter(|node| node.exclusion().is_none());
        let nodes: Vec<&Arc<Node>> = nodes.collect();
        let selected = cluster.advertisements.values().map(|it| {
            let nodes = nodes.iter().filter(|node| it.selects_node(&node.labels));
            let scores = nodes.map(|node| (node.name.clone(), it.score(&node.labels)));
            (it.name.clone(), Arc::new(scores.collect()))
        });
        Self {
            selected: selected.collect(),
            everybody: Arc::new(nodes.iter().map(|node| (node.name.clone(), 0)).collect()),
            pools: cluster.address_pools.clone(),
            advertisements: cluster.advertisements.clone(),
            nodes: cluster.nodes.clone(),
        }
    }

    /// Whether it says of this cluster what it was made for. Costs what differs.
    #[must_use]
    pub fn is_of(&self, cluster: &ServiceTable) -> bool {
        self.pools == cluster.address_pools
            && self.advertisements == cluster.advertisements
            && self.nodes == cluster.nodes
    }

    /// How an address of a Service is announced, as `own` sees it; absent where it is not: no pool has
    /// it, or the pool is not announced.
    #[must_use]
    pub fn announced(
        &self,
        service: &Service,
        address: IpAddr,
        own: &NodeName,
    ) -> Option<Announced> {
        let pool = pool_of(&self.pools, address)?;
        let advertisements = self.advertisements_of(pool, service)?;
        let candidates = self.candidates(&advertisements);
        let candidates = match service.external_policy {
            TrafficPolicy::Cluster => candidates,
            TrafficPolicy::Local => {
                let serving = service.serving_nodes();
                let here = candidates.iter().filter(|(node, _)| serving.contains(*node));
                Arc::new(here.map(|(node, score)| (node.clone(), *score)).collect())
            }
        };
        let interfaces = self.interfaces(&advertisements, own);
        Some(Announced { pool: pool.name.clone(), candidates, interfaces })
    }

    /// Why a node is no candidate for an address that is announced; absent where it is one.
    #[must_use]
    pub fn exclusion(
        &self,
        service: &Service,
        announced: &Announced,
        node: &NodeName,
    ) -> Option<Exclusion> {
        if announced.candidates.contains_key(node) {
            return None;
        }
        let Some(known) = self.nodes.get(node) else { return Some(Exclusion::Unknown) };
        let is_local = service.external_policy == TrafficPolicy::Local;
        let has_none = || is_local && !service.serving_nodes().contains(node);
        let others = || if has_none() { Exclusion::NoEndpoint } else { Exclusion::Selectors };
        Some(known.exclusion().unwrap_or_else(others))
    }

    /// Those that speak of the Service's addresses of a pool; none of them is about nodes or
    /// interfaces where there is none. Absent where the addresses are not announced.
    fn advertisements_of(
        &self,
        pool: &AddressPool,
        service: &Service,
    ) -> Option<Vec<&Arc<Advertisement>>> {
        if pool.announcing == Announcing::Never {
            return None;
        }
        let of_pool = self.advertisements.values().filter(|it| it.selects_pool(pool));
        let of_pool: Vec<&Arc<Advertisement>> = of_pool.collect();
        if of_pool.is_empty() {
            let is_always = pool.announcing == Announcing::Always;
            return (is_always || self.advertisements.is_empty()).then(Vec::new);
        }
        let asked = service.load_balancer()?;
        let of_service = of_pool.into_iter().filter(|it| it.selects_service(&asked.labels));
        let of_service: Vec<&Arc<Advertisement>> = of_service.collect();
        // Who shares an address could be announced by other nodes than the others that share it.
        let differs =
            asked.is_sharing && of_service.iter().any(|it| !it.service_selectors.is_empty());
        (!of_service.is_empty() && !differs).then_some(of_service)
    }

    fn candidates(&self, advertisements: &[&Arc<Advertisement>]) -> Arc<Candidates> {
        let mut all = advertisements.iter().filter_map(|it| self.selected.get(&it.name));
        let Some(first) = all.next() else { return Arc::clone(&self.everybody) };
        let mut sum = Arc::clone(first);
        for others in all {
            let sum = Arc::make_mut(&mut sum);
            for (node, score) in others.iter() {
                let of_node = sum.entry(node.clone()).or_default();
                *of_node = of_node.saturating_add(*score);
            }
        }
        sum
    }

    /// By those advertisements that select the node.
    fn interfaces(&self, advertisements: &[&Arc<Advertisement>], own: &NodeName) -> Interfaces {
        let is_here = |it: &&&Arc<Advertisement>| {
            self.selected.get(&it.name).is_some_and(|nodes| nodes.contains_key(own))
        };
        let mut named = BTreeSet::new();
        let here: Vec<_> = advertisements.iter().filter(is_here).collect();
        for advertisement in &here {
            if advertisement.interfaces.is_empty() {
                return Interfaces::All;
            }
            named.extend(advertisement.interfaces.iter().cloned());
        }
        if here.is_empty() { Interfaces::All } else { Interfaces::Named(named) }
    }
}
