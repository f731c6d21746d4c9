//! Which objects are there now, and what table do they make?

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use ipnet::IpNet;
use model::{AdvertisementName, ConfigMapName, NodeName, PodName, ServiceName, ServiceTable};

use crate::address_pools::AddressPools;
use crate::api::{Kind, ObjectKey};
use crate::names::Names;
use crate::rejected::{Rejected, Source};
use crate::slices::{SliceName, Slices};

mod apply;
mod settle;

use settle::Pending;

/// The objects of the cluster, as far as they matter, and the table that they make.
///
/// The table depends on the objects alone, never on the order in which they came: a restart that
/// reads everything anew ends where the running process is.
#[derive(Debug, Default)]
pub struct Objects {
    names: Names,
    slices: Slices,
    pools: AddressPools,
    service_cidrs: BTreeMap<Arc<str>, Vec<IpNet>>,
    /// What is still to be done to the Services of `table`.
    pending: BTreeMap<ServiceName, Pending<model::Service>>,
    /// The same for its ServiceImports.
    pending_imports: BTreeMap<ServiceName, Pending<model::ServiceImport>>,
    rejected: Rejected,
    /// The only ones that Services may name as their external IPs; absent means any.
    external_ips: Option<Vec<IpNet>>,
    table: ServiceTable,
}

/// What a change of an object leads to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Touched {
    /// The Services that may now differ, sorted.
    pub services: Vec<ServiceName>,
    /// When what an EndpointSlice shows happened, by its annotation: latency counts from there.
    pub trigger: Option<SystemTime>,
}

impl Objects {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Of the external IPs that Services name only those in these ranges are taken: whoever may write a
    /// Service could otherwise lead away packets to any address (CVE-2020-8554).
    #[must_use]
    pub fn with_external_ips(ranges: Vec<IpNet>) -> Self {
        Self { external_ips: Some(ranges), ..Self::default() }
    }

    /// Forgets an object, and all that was wrong with it.
    pub fn delete(&mut self, key: &ObjectKey) -> Touched {
        self.rejected.set(Source::Object(key.to_origin()), Vec::new());
        let name = key.name.as_str();
        match key.kind {
            Kind::Service => {
                let name = ServiceName::new(key.namespace.as_str(), name);
                self.pending.insert(name.clone(), Pending::Remove);
                return Touched { services: vec![name], trigger: None };
            }
            Kind::EndpointSlice => {
                let owners = self.slices.remove(&SliceName::new(key.namespace.as_str(), name));
                return self.touch(owners, None);
            }
            Kind::Node => {
                self.table.nodes.remove(&NodeName::new(name));
            }
            Kind::ServiceCidr => {
                if self.service_cidrs.remove(name).is_some() {
                    self.merge_service_cidrs();
                }
            }
            Kind::Pod => {
                self.table.pods.remove(&PodName::new(key.namespace.as_str(), name));
            }
            Kind::Namespace => {
                self.table.namespaces.remove(name);
            }
            Kind::ServiceImport => {
                let name = ServiceName::new(key.namespace.as_str(), name);
                self.pending_imports.insert(name, Pending::Remove);
            }
            Kind::ConfigMap => {
                self.table.config_maps.remove(&ConfigMapName::new(key.namespace.as_str(), name));
            }
            Kind::AddressPool | Kind::IpAddressPool => self.set_pool(key, None),
            Kind::L2Advertisement => {
                let name = AdvertisementName::new(key.namespace.as_str(), name);
                self.table.advertisements.remove(&name);
            }
        }
        Touched::default()
    }

    /// Says what could not be read in a file; an empty list when all could, or the file is gone.
    pub fn set_file_rejections(&mut self, path: &str, rejections: Vec<model::Rejection>) {
        self.rejected.set(Source::File(path.into()), rejections);
    }

    /// The table for the objects as they are now. Costs what changed since the last call.
    pub fn table(&mut self) -> ServiceTable {
        self.settle();
        if let Some(list) = self.rejected.take_changed() {
            self.table.rejections = list;
        }
        self.table.clone()
    }
}
