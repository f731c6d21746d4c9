//! Of which pools are addresses announced, by which nodes, and on which interfaces?

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::address_pool::{AddressPool, PoolName};
use crate::label_selector::{LabelSelector, Labels};

/// An advertisement's namespace and name. Sorted by namespace, then by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdvertisementName {
    pub namespace: Arc<str>,
    pub name: Arc<str>,
}

impl AdvertisementName {
    pub fn new(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for AdvertisementName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// How addresses of pools are announced on the segments that nodes are on. In each list of selectors
/// one that is right is enough, and a list that asks nothing means all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advertisement {
    pub name: AdvertisementName,
    /// Pools by name. Together with `pool_selectors`: none of both means all pools.
    pub pools: BTreeSet<PoolName>,
    pub pool_selectors: Vec<LabelSelector>,
    pub node_selectors: Vec<LabelSelector>,
    pub service_selectors: Vec<LabelSelector>,
    /// Interfaces by name; none means every one that can reach the address's network.
    pub interfaces: BTreeSet<Arc<str>>,
    pub preferred_nodes: Vec<PreferredNodes>,
}

/// Nodes that should rather answer than others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreferredNodes {
    /// 1 to 100; a node's score is the sum of those that mean it.
    pub weight: u32,
    pub selector: LabelSelector,
}

impl Advertisement {
    #[must_use]
    pub fn selects_pool(&self, pool: &AddressPool) -> bool {
        (self.pools.is_empty() && self.pool_selectors.is_empty())
            || self.pools.contains(&pool.name)
            || self.pool_selectors.iter().any(|selector| selector.matches(&pool.labels))
    }

    #[must_use]
    pub fn selects_node(&self, labels: &Labels) -> bool {
        is_selected(&self.node_selectors, labels)
    }

    #[must_use]
    pub fn selects_service(&self, labels: &Labels) -> bool {
        is_selected(&self.service_selectors, labels)
    }

    /// How much a node with these labels is preferred.
    #[must_use]
    pub fn score(&self, labels: &Labels) -> u32 {
        let meant = self.preferred_nodes.iter().filter(|it| it.selector.matches(labels));
        meant.map(|it| it.weight).fold(0, u32::saturating_add)
    }
}

fn is_selected(selectors: &[LabelSelector], labels: &Labels) -> bool {
    selectors.is_empty() || selectors.iter().any(|selector| selector.matches(labels))
}
