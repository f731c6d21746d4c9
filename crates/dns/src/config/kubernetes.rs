//! What is served from the cluster's objects, and in which form?

use std::sync::Arc;

use super::notice::{Origin, Setting};
use super::selector::Selector;
use super::zone_name::{is_reverse, is_within};

/// Seconds: the longest TTL of our own records, as in CoreDNS.
pub const TTL_MAX: u32 = 3600;

/// The zones that are answered from the cluster's objects, and how. One for the whole server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kubernetes {
    /// Domains (`cluster.local`), then reverse zones (`10.in-addr.arpa`, or `in-addr.arpa` for all
    /// addresses); in each the order in which they were given.
    pub zones: Setting<Vec<Arc<str>>>,
    /// Whether `1-2-3-4.NAMESPACE.pod` is answered.
    pub pods: Setting<PodRecords>,
    /// Seconds, 0 to [`TTL_MAX`].
    pub ttl: Setting<u32>,
    /// Whether an endpoint without a host name is called by its pod's name, not by its address.
    pub endpoint_pod_names: Setting<bool>,
    /// The only namespaces that exist for clients; `None`: all.
    pub namespaces: Setting<Option<Vec<Arc<str>>>>,
    /// The labels of the only namespaces that exist for clients; `None`: all.
    pub namespace_labels: Setting<Option<Selector>>,
    /// Whether a ClusterIP Service without a ready endpoint does not exist for clients.
    pub ignores_empty_services: Setting<bool>,
    /// Whether endpoints have names and headless Services have addresses.
    pub serves_endpoints: Setting<bool>,
    /// What becomes of a name of the zones that does not exist.
    pub fallthrough: Setting<Fallthrough>,
}

/// Whether names made of a pod's address are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodRecords {
    /// They do not exist.
    Disabled,
    /// With the address in the name, if the namespace exists.
    Insecure,
    /// With that address, if a pod of the namespace has it.
    Verified,
}

impl PodRecords {
    /// Reads `disabled`, `insecure` or `verified`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "disabled" => Some(Self::Disabled),
            "insecure" => Some(Self::Insecure),
            "verified" => Some(Self::Verified),
            _ => None,
        }
    }
}

/// What becomes of a name that does not exist where it was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fallthrough {
    /// It does not exist.
    Never,
    /// Whoever comes next is asked: forward rules, in the end.
    Always,
    /// Whoever comes next is asked for names of these zones.
    Zones(Vec<Arc<str>>),
}

impl Fallthrough {
    /// Whether somebody else is asked for the name (lower case, no final dot).
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::Zones(zones) => zones.iter().any(|zone| is_within(name, zone)),
        }
    }
}

impl Kubernetes {
    /// What the plugin `kubernetes` does when nothing is said.
    #[must_use]
    pub fn new(zones: Setting<Vec<Arc<str>>>, origin: &Origin) -> Self {
        fn setting<T>(value: T, origin: &Origin) -> Setting<T> {
            Setting::new(value, origin.clone())
        }
        Self {
            zones,
            pods: setting(PodRecords::Disabled, origin),
            ttl: setting(5, origin),
            endpoint_pod_names: setting(false, origin),
            namespaces: setting(None, origin),
            namespace_labels: setting(None, origin),
            ignores_empty_services: setting(false, origin),
            serves_endpoints: setting(true, origin),
            fallthrough: setting(Fallthrough::Never, origin),
        }
    }

    /// The zones of Services: those without the reverse ones.
    pub fn domains(&self) -> impl Iterator<Item = &Arc<str>> {
        self.zones.value.iter().filter(|zone| !is_reverse(zone))
    }

    /// The zones of addresses.
    pub fn reverse_zones(&self) -> impl Iterator<Item = &Arc<str>> {
        self.zones.value.iter().filter(|zone| is_reverse(zone))
    }
}
