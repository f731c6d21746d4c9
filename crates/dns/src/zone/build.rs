//! How does the zone follow the cluster?

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use model::{PodName, ServiceName, ServiceTable};

use crate::zone::names::ServiceNames;
use crate::zone::settings::{NamespaceFilter, PodMode, Settings};
use crate::zone::{Domain, Pointer, Tree, Zone};

impl Zone {
    /// The zone for `new`, where this one is for `old`. Costs what differs between the two.
    /// `serial` is the time of the change in seconds since 1970.
    #[must_use]
    pub fn advance(&self, old: &ServiceTable, new: &ServiceTable, serial: u32) -> Self {
        let services = old.changed_services(new);
        let imports =
            if self.settings.clusterset.is_some() { old.changed_imports(new) } else { Vec::new() };
        let pods = old.changed_pods(new);
        let mut zone = self.clone();
        let touched = touched(old, new, (&services, &imports, &pods));
        let shown = zone.follow_namespaces(new, touched);
        let is_known = |name: &&ServiceName| !shown.contains(&name.namespace);
        for name in services.iter().filter(is_known) {
            let names = new.services.get(name);
            let names = names.map(|it| ServiceNames::of_service(it, &self.settings));
            zone.set(Domain::Cluster, name, names);
        }
        for name in imports.iter().filter(is_known) {
            let names = new.imports.get(name);
            let names = names.map(|it| ServiceNames::of_import(it, &self.settings));
            zone.set(Domain::ClusterSet, name, names);
        }
        if self.settings.pods == PodMode::Verified {
            zone.follow_pods(old, new, &pods);
        }
        // A serial never goes back, whatever the clock does.
        let is_same = services.is_empty() && imports.is_empty() && pods.is_empty();
        if !is_same {
            zone.serial = self.serial.max(serial);
        }
        zone
    }

    /// The zone for the same cluster with other settings.
    #[must_use]
    pub fn with_settings(&self, settings: Arc<Settings>, table: &ServiceTable) -> Self {
        let mut zone = Self::empty(settings).advance(&ServiceTable::default(), table, self.serial);
        zone.serial = self.serial;
        zone.is_synced = self.is_synced;
        zone
    }

    /// Namespaces that came into sight bring their Services; those that went out of it take them along.
    /// Gives those that came.
    fn follow_namespaces(
        &mut self,
        new: &ServiceTable,
        touched: BTreeSet<Arc<str>>,
    ) -> BTreeSet<Arc<str>> {
        let mut shown = BTreeSet::new();
        for namespace in touched {
            let is_visible =
                new.has_namespace(&namespace) && is_visible(&self.settings, new, &namespace);
            let was_visible = self.cluster.namespaces.contains_key(namespace.as_bytes());
            match (was_visible, is_visible) {
                (false, true) => {
                    self.show(new, &namespace);
                    shown.insert(namespace);
                }
                (true, false) => self.hide(&namespace),
                (true, true) | (false, false) => {}
            }
        }
        shown
    }

    fn show(&mut self, table: &ServiceTable, namespace: &Arc<str>) {
        for tree in [&mut self.cluster, &mut self.clusterset] {
            tree.namespaces.entry(namespace.as_bytes().into()).or_default();
        }
        let first = ServiceName { namespace: Arc::clone(namespace), name: Arc::default() };
        let services = table.services.range(first.clone()..);
        for (name, service) in services.take_while(|(name, _)| name.namespace == *namespace) {
            let names = ServiceNames::of_service(service, &self.settings);
            self.set(Domain::Cluster, name, Some(names));
        }
        if self.settings.clusterset.is_none() {
            return;
        }
        let imports = table.imports.range(first..);
        for (name, import) in imports.take_while(|(name, _)| name.namespace == *namespace) {
            let names = ServiceNames::of_import(import, &self.settings);
            self.set(Domain::ClusterSet, name, Some(names));
        }
    }

    fn hide(&mut self, namespace: &str) {
        for domain in [Domain::Cluster, Domain::ClusterSet] {
            let gone = self.tree_mut(domain).namespaces.remove(namespace.as_bytes());
            for (_, names) in gone.into_iter().flatten() {
                self.forget_pointers(domain, &names);
            }
        }
    }

    /// Sets or removes the names of a Service. One in a namespace out of sight has none.
    fn set(&mut self, domain: Domain, name: &ServiceName, names: Option<ServiceNames>) {
        let ServiceName { namespace, name: label } = name;
        let in_namespace = self.tree(domain).namespaces.get(namespace.as_bytes());
        let Some(in_namespace) = in_namespace else { return };
        let old = in_namespace.get(label.as_bytes()).map(Arc::clone);
        if old.as_deref() == names.as_ref() {
            return;
        }
        if let Some(old) = old {
            self.forget_pointers(domain, &old);
        }
        for address in names.iter().flat_map(ServiceNames::addresses) {
            self.pointers.insert(Pointer { address, domain, service: name.clone() });
        }
        let services = self.tree_mut(domain).namespaces.entry(namespace.as_bytes().into());
        let services = services.or_default();
        match names {
            Some(names) => drop(services.insert(label.as_bytes().into(), Arc::new(names))),
            None => drop(services.remove(label.as_bytes())),
        }
    }

    fn forget_pointers(&mut self, domain: Domain, names: &ServiceNames) {
        for address in names.addresses() {
            self.pointers.remove(&Pointer { address, domain, service: names.name.clone() });
        }
    }

    fn follow_pods(&mut self, old: &ServiceTable, new: &ServiceTable, changed: &[PodName]) {
        let addresses = |table: &ServiceTable, name: &PodName| -> Vec<IpAddr> {
            table.pods.get(name).map(|pod| pod.addresses.clone()).unwrap_or_default()
        };
        for name in changed {
            for address in addresses(old, name) {
                self.pods.remove(&(address, name.clone()));
            }
            for address in addresses(new, name) {
                self.pods.insert((address, name.clone()));
            }
        }
    }

    const fn tree_mut(&mut self, domain: Domain) -> &mut Tree {
        match domain {
            Domain::Cluster => &mut self.cluster,
            Domain::ClusterSet => &mut self.clusterset,
        }
    }
}

/// Namespaces that may have come or gone, or whose labels may differ.
fn touched(
    old: &ServiceTable,
    new: &ServiceTable,
    (services, imports, pods): (&[ServiceName], &[ServiceName], &[PodName]),
) -> BTreeSet<Arc<str>> {
    let services = services.iter().chain(imports).map(|name| &name.namespace);
    let all = services.chain(pods.iter().map(|name| &name.namespace)).map(Arc::clone);
    all.chain(old.changed_namespaces(new)).collect()
}

fn is_visible(settings: &Settings, table: &ServiceTable, namespace: &str) -> bool {
    match &settings.namespaces {
        NamespaceFilter::All => true,
        NamespaceFilter::Named(names) => names.contains(namespace),
        NamespaceFilter::Labelled(wanted) => {
            let object = table.namespaces.get(namespace);
            object.is_some_and(|object| {
                wanted.matches(|key| object.labels.get(key).map(|value| &**value))
            })
        }
    }
}
