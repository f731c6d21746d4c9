//! What are the Services and ServiceImports whose objects or slices changed?

use std::sync::Arc;
use std::time::SystemTime;

use model::{Service, ServiceImport, ServiceName};

use super::{Objects, Touched};
use crate::pair::{keep, pair};
use crate::rejected::Source;
use crate::slices::Owners;

/// What is still to be done to an entry of the table.
#[derive(Debug)]
pub(super) enum Pending<T> {
    /// The object itself changed; it has no slices yet.
    Replace(Box<T>),
    Remove,
    /// Only its slices may have changed.
    Slices,
}

impl Objects {
    pub(super) fn touch(&mut self, owners: Owners, trigger: Option<SystemTime>) -> Touched {
        for name in &owners.services {
            self.pending.entry(name.clone()).or_insert(Pending::Slices);
        }
        for name in owners.imports {
            self.pending_imports.entry(name).or_insert(Pending::Slices);
        }
        Touched { services: owners.services, trigger }
    }

    /// Does all that is pending.
    pub(super) fn settle(&mut self) {
        for (name, pending) in std::mem::take(&mut self.pending) {
            self.settle_service(name, pending);
        }
        for (name, pending) in std::mem::take(&mut self.pending_imports) {
            self.settle_import(name, pending);
        }
    }

    fn settle_service(&mut self, name: ServiceName, pending: Pending<Service>) {
        let old = self.table.services.get(&name);
        let service = match (pending, old) {
            (Pending::Replace(service), _) => *service,
            (Pending::Slices, Some(old)) => Service::clone(old),
            (Pending::Remove, _) | (Pending::Slices, None) => {
                self.table.services.remove(&name);
                self.rejected.set(Source::Endpoints(name), Vec::new());
                return;
            }
        };
        let slices = self.slices.of_service(&name);
        let (service, rejections) = pair(service, slices, old.map(AsRef::as_ref));
        if old.is_none_or(|old| **old != service) {
            self.table.services.insert(name.clone(), Arc::new(service));
        }
        self.rejected.set(Source::Endpoints(name), rejections);
    }

    fn settle_import(&mut self, name: ServiceName, pending: Pending<ServiceImport>) {
        let old = self.table.imports.get(&name);
        let mut import = match (pending, old) {
            (Pending::Replace(import), _) => *import,
            (Pending::Slices, Some(old)) => ServiceImport::clone(old),
            (Pending::Remove, _) | (Pending::Slices, None) => {
                self.table.imports.remove(&name);
                return;
            }
        };
        import.slices = keep(self.slices.of_import(&name), old.map(|old| &old.slices));
        if old.is_none_or(|old| **old != import) {
            self.table.imports.insert(name, Arc::new(import));
        }
    }
}
