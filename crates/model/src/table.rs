//! What does the cluster say?

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use imbl::OrdMap;
use imbl::ordmap::DiffItem;
use ipnet::IpNet;

use crate::address_pool::{AddressPool, PoolName, pool_of};
use crate::advertisement::{Advertisement, AdvertisementName};
use crate::config_map::{ConfigMap, ConfigMapName};
use crate::name::{NodeName, ServiceName};
use crate::namespace::Namespace;
use crate::node::Node;
use crate::pod::{Pod, PodName};
use crate::rejection::Rejection;
use crate::service::Service;
use crate::service_import::ServiceImport;

/// Everything that the objects of the cluster say, as one value that never changes.
///
/// The maps are persistent: a clone is one pointer, a change copies a path, and what did not change
/// is shared. So the difference of two tables costs what differs.
#[derive(Debug, Clone, Default)]
pub struct ServiceTable {
    pub services: OrdMap<ServiceName, Arc<Service>>,
    pub nodes: OrdMap<NodeName, Arc<Node>>,
    /// Those that were given an address; empty where nobody tells of Pods. No decision depends on them.
    pub pods: OrdMap<PodName, Arc<Pod>>,
    /// Those that somebody tells of; `has_namespace` knows the others too.
    pub namespaces: OrdMap<Arc<str>, Arc<Namespace>>,
    /// Services of other clusters. Only names depend on them.
    pub imports: OrdMap<ServiceName, Arc<ServiceImport>>,
    /// Those that say how the cluster DNS works, and no others.
    pub config_maps: OrdMap<ConfigMapName, Arc<ConfigMap>>,
    /// Those that addresses of load balancers are allocated from. No decision depends on them.
    pub address_pools: OrdMap<PoolName, Arc<AddressPool>>,
    /// Those that say how addresses of pools are announced. No packet is decided by them.
    pub advertisements: OrdMap<AdvertisementName, Arc<Advertisement>>,
    /// Merged and sorted.
    pub service_cidrs: Arc<[IpNet]>,
    pub rejections: Arc<[Rejection]>,
}

impl ServiceTable {
    /// The pool that an address is of: where several name it, the older one.
    #[must_use]
    pub fn pool_of(&self, address: IpAddr) -> Option<&Arc<AddressPool>> {
        pool_of(&self.address_pools, address)
    }

    /// Who has which load balancer address: several Services where they share it, by name.
    #[must_use]
    pub fn load_balancer_addresses(&self) -> BTreeMap<IpAddr, Vec<&Arc<Service>>> {
        let mut all: BTreeMap<IpAddr, Vec<&Arc<Service>>> = BTreeMap::new();
        for service in self.services.values() {
            for external in service.external.iter().filter(|external| external.load_balancer) {
                all.entry(external.address).or_default().push(service);
            }
        }
        all
    }

    /// The names of Services that differ between `self` (old) and `new`, in order.
    #[must_use]
    pub fn changed_services(&self, new: &Self) -> Vec<ServiceName> {
        changed(&self.services, &new.services)
    }

    /// The names of ServiceImports that differ between `self` (old) and `new`, in order.
    #[must_use]
    pub fn changed_imports(&self, new: &Self) -> Vec<ServiceName> {
        changed(&self.imports, &new.imports)
    }

    /// The names of Pods that differ between `self` (old) and `new`, in order.
    #[must_use]
    pub fn changed_pods(&self, new: &Self) -> Vec<PodName> {
        changed(&self.pods, &new.pods)
    }

    /// The names of Namespaces whose objects differ between `self` (old) and `new`, in order. What
    /// `has_namespace` says may differ for others too, where their first or last object changed.
    #[must_use]
    pub fn changed_namespaces(&self, new: &Self) -> Vec<Arc<str>> {
        changed(&self.namespaces, &new.namespaces)
    }

    /// The names of pools that differ between `self` (old) and `new`, in order.
    #[must_use]
    pub fn changed_address_pools(&self, new: &Self) -> Vec<PoolName> {
        changed(&self.address_pools, &new.address_pools)
    }

    /// Whether there is such a namespace: there is the object, or anything is in it. Whoever keeps a
    /// folder of manifests seldom writes a Namespace.
    #[must_use]
    pub fn has_namespace(&self, name: &str) -> bool {
        if self.namespaces.contains_key(name) {
            return true;
        }
        let name: Arc<str> = name.into();
        let service = ServiceName { namespace: Arc::clone(&name), name: Arc::default() };
        let pod = PodName { namespace: Arc::clone(&name), name: Arc::default() };
        let has_service =
            self.services.get_next(&service).is_some_and(|(it, _)| it.namespace == name);
        has_service
            || self.imports.get_next(&service).is_some_and(|(it, _)| it.namespace == name)
            || self.pods.get_next(&pod).is_some_and(|(it, _)| it.namespace == name)
    }
}

/// The keys whose values are not the same allocation.
fn changed<K: Ord + Clone, V: PartialEq>(
    old: &OrdMap<K, Arc<V>>,
    new: &OrdMap<K, Arc<V>>,
) -> Vec<K> {
    old.diff(new)
        .filter_map(|item| match item {
            DiffItem::Add(key, _) | DiffItem::Remove(key, _) => Some(key.clone()),
            DiffItem::Update { old: (_, old), new: (key, new) } => {
                (!Arc::ptr_eq(old, new)).then(|| key.clone())
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::service_import::ImportKind;

    fn pod(namespace: &str) -> Arc<Pod> {
        Arc::new(Pod {
            name: PodName::new(namespace, "a"),
            node: None,
            host_network: false,
            addresses: Vec::new(),
            ready: None,
        })
    }

    fn import(namespace: &str) -> Arc<ServiceImport> {
        Arc::new(ServiceImport {
            name: ServiceName::new(namespace, "a"),
            kind: ImportKind::Headless,
            ips: Vec::new(),
            ports: Vec::new(),
            slices: Arc::default(),
        })
    }

    fn namespace(name: &str) -> Arc<Namespace> {
        Arc::new(Namespace { name: name.into(), labels: BTreeMap::new() })
    }

    #[test]
    fn a_namespace_is_there_by_its_object_or_by_what_is_in_it() {
        let mut table = ServiceTable::default();
        for pod in ["b-pods", "d"].map(pod) {
            table.pods.insert(pod.name.clone(), pod);
        }
        for import in ["c-imports", "d"].map(import) {
            table.imports.insert(import.name.clone(), import);
        }
        table.namespaces.insert("a-object".into(), namespace("a-object"));
        let names = ["", "a", "a-object", "b", "b-pods", "c-imports", "c-importsx", "d", "e"];
        let found: Vec<&str> = names.into_iter().filter(|name| table.has_namespace(name)).collect();
        assert_eq!(found, ["a-object", "b-pods", "c-imports", "d"]);
    }

    #[test]
    fn only_what_is_not_the_same_has_changed() {
        let mut old = ServiceTable::default();
        for pod in ["gone", "same", "other"].map(pod) {
            old.pods.insert(pod.name.clone(), pod);
        }
        let mut new = old.clone();
        new.pods.remove(&PodName::new("gone", "a"));
        let moved = Pod { host_network: true, ..Pod::clone(&pod("other")) };
        new.pods.insert(moved.name.clone(), Arc::new(moved));
        new.pods.insert(PodName::new("added", "a"), pod("added"));
        new.imports.insert(ServiceName::new("x", "a"), import("x"));
        new.namespaces.insert("x".into(), namespace("x"));
        let names = ["added", "gone", "other"].map(|namespace| PodName::new(namespace, "a"));
        assert_eq!(old.changed_pods(&new), names);
        assert_eq!(old.changed_imports(&new), [ServiceName::new("x", "a")]);
        assert_eq!(old.changed_namespaces(&new), [Arc::from("x")]);
        assert_eq!(new.changed_pods(&new.clone()), []);
    }
}
