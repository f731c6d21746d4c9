//! Which objects are there now, and what table do they make?

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use ipnet::IpNet;
use model::{NodeName, PodName, Service, ServiceName, ServiceTable};

use crate::api::{EndpointSlice, Kind, Node, Object, ObjectKey, Pod, ServiceCidr};
use crate::names::Names;
use crate::pair::pair;
use crate::rejected::{Rejected, Source};
use crate::slices::{SliceName, Slices};
use crate::{node, pod, service, service_cidr, slice};

/// The objects of the cluster, as far as they matter, and the table that they make.
///
/// The table depends on the objects alone, never on the order in which they came: a restart that
/// reads everything anew ends where the running process is.
#[derive(Debug, Default)]
pub struct Objects {
    names: Names,
    slices: Slices,
    service_cidrs: BTreeMap<Arc<str>, Vec<IpNet>>,
    /// What is still to be done to the Services of `table`.
    pending: BTreeMap<ServiceName, Pending>,
    rejected: Rejected,
    table: ServiceTable,
}

#[derive(Debug)]
enum Pending {
    /// The Service itself changed; it has no endpoints yet.
    Replace(Box<Service>),
    Remove,
    /// Only its endpoints may have changed.
    Endpoints,
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

    /// Takes an object that is new or has changed.
    pub fn apply(&mut self, object: Object) -> Touched {
        match object {
            Object::Service(object) => {
                let (service, rejections) = service::read(&object, &mut self.names);
                let name = service.name.clone();
                let source = Source::Object(model::Object::Service(name.clone()));
                self.rejected.set(source, rejections);
                self.pending.insert(name.clone(), Pending::Replace(Box::new(service)));
                Touched { services: vec![name], trigger: None }
            }
            Object::EndpointSlice(object) => self.apply_slice(&object),
            Object::Node(object) => {
                self.apply_node(&object);
                Touched::default()
            }
            Object::ServiceCidr(object) => {
                self.apply_service_cidr(&object);
                Touched::default()
            }
            Object::Pod(object) => {
                self.apply_pod(&object);
                Touched::default()
            }
        }
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
                let touched = self.slices.remove(&SliceName::new(key.namespace.as_str(), name));
                return self.touch(touched, None);
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
        }
        Touched::default()
    }

    /// Says what could not be read in a file; an empty list when all could, or the file is gone.
    pub fn set_file_rejections(&mut self, path: &str, rejections: Vec<model::Rejection>) {
        self.rejected.set(Source::File(path.into()), rejections);
    }

    /// The table for the objects as they are now. Costs what changed since the last call.
    pub fn table(&mut self) -> ServiceTable {
        for (name, pending) in std::mem::take(&mut self.pending) {
            self.settle(name, pending);
        }
        if let Some(list) = self.rejected.take_changed() {
            self.table.rejections = list;
        }
        self.table.clone()
    }

    fn apply_slice(&mut self, object: &EndpointSlice) -> Touched {
        let name = SliceName {
            namespace: self.names.text(&object.metadata.namespace),
            name: object.metadata.name.as_str().into(),
        };
        let read = slice::read(object, self.slices.get(&name), &mut self.names);
        self.rejected.set(Source::Object(name.to_origin()), read.rejections);
        let touched = match read.slice {
            Some(slice) => self.slices.insert(name, slice),
            None => self.slices.remove(&name),
        };
        self.touch(touched, read.trigger)
    }

    fn touch(&mut self, services: Vec<ServiceName>, trigger: Option<SystemTime>) -> Touched {
        for name in &services {
            self.pending.entry(name.clone()).or_insert(Pending::Endpoints);
        }
        Touched { services, trigger }
    }

    fn settle(&mut self, name: ServiceName, pending: Pending) {
        let old = self.table.services.get(&name);
        let service = match (pending, old) {
            (Pending::Replace(service), _) => *service,
            (Pending::Endpoints, Some(old)) => Service::clone(old),
            (Pending::Remove, _) | (Pending::Endpoints, None) => {
                self.table.services.remove(&name);
                self.rejected.set(Source::Endpoints(name), Vec::new());
                return;
            }
        };
        let slices = self.slices.of(&name);
        let (service, rejections) = pair(service, &slices, old.map(AsRef::as_ref));
        if old.is_none_or(|old| **old != service) {
            self.table.services.insert(name.clone(), Arc::new(service));
        }
        self.rejected.set(Source::Endpoints(name), rejections);
    }

    fn apply_node(&mut self, object: &Node) {
        let (node, rejections) = node::read(object, &mut self.names);
        self.rejected.set(Source::Object(model::Object::Node(node.name.clone())), rejections);
        if self.table.nodes.get(&node.name).is_none_or(|old| **old != node) {
            self.table.nodes.insert(node.name.clone(), Arc::new(node));
        }
    }

    fn apply_pod(&mut self, object: &Pod) {
        let (pod, rejections) = pod::read(object, &mut self.names);
        let key = ObjectKey::of(Kind::Pod, &object.metadata);
        self.rejected.set(Source::Object(key.to_origin()), rejections);
        if self.table.pods.get(&pod.name).is_none_or(|old| **old != pod) {
            self.table.pods.insert(pod.name.clone(), Arc::new(pod));
        }
    }

    fn apply_service_cidr(&mut self, object: &ServiceCidr) {
        let name: Arc<str> = object.metadata.name.as_str().into();
        let (ranges, rejections) = service_cidr::read(object);
        let source = Source::Object(model::Object::ServiceCidr(Arc::clone(&name)));
        self.rejected.set(source, rejections);
        if self.service_cidrs.get(&name) != Some(&ranges) {
            self.service_cidrs.insert(name, ranges);
            self.merge_service_cidrs();
        }
    }

    fn merge_service_cidrs(&mut self) {
        let all: Vec<IpNet> = self.service_cidrs.values().flatten().copied().collect();
        let mut merged = IpNet::aggregate(&all);
        merged.sort();
        self.table.service_cidrs = merged.into();
    }
}
