//! Which names does the cluster have, and what stands under them?
//!
//! A zone is compiled from a `ServiceTable`, one Service at a time, and never changes: the next one
//! shares what did not change with it. There is nothing to expire and nothing to invalidate, so no
//! cache stands before it.

mod answer;
mod build;
mod endpoint_name;
mod find;
mod hosts;
mod names;
mod pointer;
mod records;
mod settings;
mod srv;
mod transfer;

use std::net::IpAddr;
use std::sync::Arc;

use imbl::{HashMap, OrdSet};
use model::{Family, PodName, ServiceName};

use crate::wire::{Lowered, Name};

pub use answer::{Elsewhere, Outcome};
pub use find::{Absent, Found, Place};
pub use names::{Host, NamedHost, ServiceNames, ServicePortNumber, Srv, Stands, ZoneNames};
pub use pointer::address_in_reverse;
pub(crate) use records::write_for_all;
pub use settings::{NamespaceFilter, PodMode, Settings, Transfer};

/// Answers for the cluster's domain, for the set of clusters, and for the addresses of both.
#[derive(Debug, Clone)]
pub struct Zone {
    settings: Arc<Settings>,
    cluster: Tree,
    clusterset: Tree,
    pointers: OrdSet<Pointer>,
    /// Each Pod's addresses, where Pods' names are verified. Those on the network of a node share its.
    pods: OrdSet<(IpAddr, PodName)>,
    /// Seconds since 1970 of the last change.
    serial: u32,
    /// Everything has been read once: what is not there is not in the cluster.
    is_synced: bool,
}

/// The names below one domain.
#[derive(Debug, Clone, Default)]
struct Tree {
    /// Those that are there and may be seen.
    namespaces: HashMap<Box<[u8]>, NamespaceNames>,
}

type NamespaceNames = HashMap<Box<[u8]>, Arc<ServiceNames>>;

/// A Service that an address leads back to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Pointer {
    address: IpAddr,
    domain: Domain,
    service: ServiceName,
}

/// Below which domain a name stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Domain {
    /// That of this cluster.
    Cluster,
    /// That of the set of clusters, for ServiceImports.
    ClusterSet,
}

/// The zone that a question is counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ZoneOf {
    /// The cluster's domain.
    Cluster,
    /// The domain of the set of clusters.
    ClusterSet,
    /// One of the zones of addresses that are ours, whichever it is.
    Addresses(Family),
    /// None of ours: the name is everybody's.
    Root,
}

impl ZoneOf {
    pub const ALL: [Self; 5] = [
        Self::Cluster,
        Self::ClusterSet,
        Self::Addresses(Family::V4),
        Self::Addresses(Family::V6),
        Self::Root,
    ];
}

impl Zone {
    /// Without any names. Until `set_synced`, what is not found is not denied.
    #[must_use]
    pub fn empty(settings: Arc<Settings>) -> Self {
        Self {
            settings,
            cluster: Tree::default(),
            clusterset: Tree::default(),
            pointers: OrdSet::new(),
            pods: OrdSet::new(),
            serial: 0,
            is_synced: false,
        }
    }

    /// From now on, what is not found does not exist.
    pub const fn set_synced(&mut self) {
        self.is_synced = true;
    }

    #[must_use]
    pub const fn is_synced(&self) -> bool {
        self.is_synced
    }

    #[must_use]
    pub const fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// Seconds since 1970 of the last change that names show.
    #[must_use]
    pub const fn serial(&self) -> u32 {
        self.serial
    }

    /// The names of the Service whose clients ask us.
    fn name_server(&self) -> Option<&ServiceNames> {
        let ServiceName { namespace, name } = &self.settings.name_server;
        let names = self.cluster.namespaces.get(namespace.as_bytes())?;
        names.get(name.as_bytes()).map(Arc::as_ref)
    }

    /// In which of our zones a name is.
    #[must_use]
    pub fn zone_of(&self, name: &Lowered) -> ZoneOf {
        let Settings { domain, clusterset, reverse, .. } = &*self.settings;
        let is_in = |zone: &Name| name.labels_before(zone.as_wire()).is_some();
        if is_in(domain) {
            return ZoneOf::Cluster;
        }
        if clusterset.as_ref().is_some_and(is_in) {
            return ZoneOf::ClusterSet;
        }
        if !reverse.iter().any(is_in) {
            return ZoneOf::Root;
        }
        let root = name.label_count().checked_sub(pointer::ROOT_LABELS);
        match root.and_then(|at| name.label(at)) {
            Some(b"ip6") => ZoneOf::Addresses(Family::V6),
            Some(_) | None => ZoneOf::Addresses(Family::V4),
        }
    }

    const fn tree(&self, domain: Domain) -> &Tree {
        match domain {
            Domain::Cluster => &self.cluster,
            Domain::ClusterSet => &self.clusterset,
        }
    }
}
