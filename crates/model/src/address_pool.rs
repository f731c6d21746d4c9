//! Which addresses may Services be given, and which Services?

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use imbl::OrdMap;

use crate::address_range::AddressRange;
use crate::label_selector::{LabelSelector, Labels};
use crate::origin::Object;

/// A pool's name. There is one pool of a name, whichever kind of object it is written as.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolName(pub Arc<str>);

impl PoolName {
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }
}

impl Borrow<str> for PoolName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PoolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A pool of load balancer addresses, after validation of what it says by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressPool {
    pub name: PoolName,
    /// The object that it is written as.
    pub object: Object,
    /// Seconds since 1970; of two pools with the same addresses the older has them.
    pub created_s: i64,
    /// The labels of the object: advertisements select by them.
    pub labels: Labels,
    /// Of both families, in the order in which they are written.
    pub ranges: Vec<AddressRange>,
    /// Addresses that are in `ranges` and yet somebody else's: a router's, say.
    pub reserved: Vec<AddressRange>,
    /// IPv4 addresses that end in 0 or 255 are left out: some routers take them for broadcasts.
    pub avoid_edges: bool,
    /// Whether Services get an address of it that did not ask for it.
    pub auto_assign: bool,
    /// No new address is given; those that have one keep it.
    pub disabled: bool,
    /// Lower goes first; absent comes last.
    pub priority: Option<u32>,
    pub admits: PoolSelectors,
    pub announcing: Announcing,
}

/// The pool that an address is of: where several name it, the older one.
pub(crate) fn pool_of(
    pools: &OrdMap<PoolName, Arc<AddressPool>>,
    address: IpAddr,
) -> Option<&Arc<AddressPool>> {
    let has = |pool: &&Arc<AddressPool>| pool.ranges.iter().any(|it| it.contains(address));
    pools.values().filter(has).min_by(|a, b| (a.created_s, &a.name).cmp(&(b.created_s, &b.name)))
}

/// Whether a pool is announced where no advertisement selects it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Announcing {
    /// By all nodes.
    #[default]
    Always,
    /// By all nodes as long as there is no advertisement at all: pools of MetalLB.
    Unsaid,
    /// By nobody, whatever advertisements say: others lead to it, such as routes.
    Never,
}

/// Whom a pool is for. Where both a namespace and a Service are asked, both must be right.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PoolSelectors {
    /// Namespaces by name. Together with `namespace_selectors`: one must be right; none asks nothing.
    pub namespaces: BTreeSet<Arc<str>>,
    pub namespace_selectors: Vec<LabelSelector>,
    /// By the labels of the Service: one must be right; none asks nothing.
    pub service_selectors: Vec<LabelSelector>,
}

impl PoolSelectors {
    /// Whether the pool is there for some Services only.
    #[must_use]
    pub fn are_empty(&self) -> bool {
        self.namespaces.is_empty()
            && self.namespace_selectors.is_empty()
            && self.service_selectors.is_empty()
    }

    /// Whether Services of a namespace may use the pool.
    #[must_use]
    pub fn admit_namespace(&self, name: &str, labels: &Labels) -> bool {
        (self.namespaces.is_empty() && self.namespace_selectors.is_empty())
            || self.namespaces.contains(name)
            || self.namespace_selectors.iter().any(|selector| selector.matches(labels))
    }

    /// Whether a Service with these labels may use the pool, if its namespace may.
    #[must_use]
    pub fn admit_service(&self, labels: &Labels) -> bool {
        self.service_selectors.is_empty()
            || self.service_selectors.iter().any(|selector| selector.matches(labels))
    }
}
