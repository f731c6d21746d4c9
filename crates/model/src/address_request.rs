//! What does a Service ask of whoever allocates load balancer addresses?

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

use crate::address::{Family, Protocol};
use crate::address_pool::PoolName;
use crate::label_selector::Labels;
use crate::name::ServiceName;

/// A Service of type LoadBalancer, as far as its addresses depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressRequest {
    pub service: ServiceName,
    /// Seconds since 1970; of two Services that cannot both keep an address the older does.
    pub created_s: i64,
    /// `spec.loadBalancerClass`: who is to allocate. Absent for whoever is the default.
    pub class: Option<Arc<str>>,
    pub labels: Labels,
    /// One or two, the preferred one first.
    pub families: Vec<Family>,
    pub family_policy: FamilyPolicy,
    /// At most one of each family.
    pub addresses: Vec<IpAddr>,
    pub pool: Option<PoolName>,
    /// Why it cannot be made out which address or pool it asks for; then it gets none.
    pub unclear: Option<Arc<str>>,
    pub sharing: Option<Sharing>,
    pub ports: BTreeSet<(Protocol, NonZeroU16)>,
    /// Which pods get its packets where only those of the same node may (external policy Local): the
    /// selector, as a text to compare. Absent where any node can deliver.
    pub local_selector: Option<Arc<str>>,
    /// What its status says that it has.
    pub held: Vec<IpAddr>,
}

/// How many families a Service needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum FamilyPolicy {
    #[default]
    SingleStack,
    PreferDualStack,
    RequireDualStack,
}

/// Consent to share an address with others of the same key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sharing {
    pub key: Arc<str>,
    pub with: SharingScope,
}

/// With whose Services.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SharingScope {
    AnyNamespace,
    /// Its own namespace, and these.
    Namespaces(BTreeSet<Arc<str>>),
}

impl SharingScope {
    /// Whether a Service of the namespace `own` that says so consents to one of `other`.
    #[must_use]
    pub fn admits(&self, own: &str, other: &str) -> bool {
        match self {
            Self::AnyNamespace => true,
            Self::Namespaces(namespaces) => own == other || namespaces.contains(other),
        }
    }
}
