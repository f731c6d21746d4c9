//! What does an object that is new or has changed say?

use std::sync::Arc;

use ipnet::IpNet;
use model::Rejection;

use super::{Objects, Pending, Touched};
use crate::address_pools::PoolAndRejections;
use crate::api::{
    ConfigMap, EndpointSlice, Kind, L2Advertisement, Metadata, Namespace, Node, Object, ObjectKey,
    Pod, Service, ServiceCidr, ServiceImport,
};
use crate::rejected::Source;
use crate::slices::SliceName;
use crate::{
    address_pool, config_map, l2_advertisement, namespace, node, pod, service, service_cidr,
    service_import, slice,
};

impl Objects {
    /// Takes an object that is new or has changed.
    pub fn apply(&mut self, object: Object) -> Touched {
        match object {
            Object::Service(object) => return self.apply_service(&object),
            Object::EndpointSlice(object) => return self.apply_slice(&object),
            Object::Node(object) => self.apply_node(&object),
            Object::ServiceCidr(object) => self.apply_service_cidr(&object),
            Object::Pod(object) => self.apply_pod(&object),
            Object::Namespace(object) => self.apply_namespace(&object),
            Object::ServiceImport(object) => self.apply_import(&object),
            Object::ConfigMap(object) => self.apply_config_map(&object),
            Object::AddressPool(object) => {
                let key = ObjectKey::of(Kind::AddressPool, &object.metadata);
                self.set_pool(&key, Some(address_pool::read(&object)));
            }
            Object::IpAddressPool(object) => {
                let key = ObjectKey::of(Kind::IpAddressPool, &object.metadata);
                self.set_pool(&key, Some(address_pool::read_metallb(&object)));
            }
            Object::L2Advertisement(object) => self.apply_advertisement(&object),
        }
        Touched::default()
    }

    fn apply_service(&mut self, object: &Service) -> Touched {
        let (mut service, mut rejections) = service::read(object, &mut self.names);
        let name = service.name.clone();
        if let Some(ranges) = &self.external_ips {
            rejections.extend(service::keep_external_ips_within(&mut service, object, ranges));
        }
        self.rejected.set(Source::Object(model::Object::Service(name.clone())), rejections);
        self.pending.insert(name.clone(), Pending::Replace(Box::new(service)));
        Touched { services: vec![name], trigger: None }
    }

    fn apply_slice(&mut self, object: &EndpointSlice) -> Touched {
        let name = SliceName {
            namespace: self.names.text(&object.metadata.namespace),
            name: object.metadata.name.as_str().into(),
        };
        let read = slice::read(object, &name.name, self.slices.get(&name), &mut self.names);
        self.rejected.set(Source::Object(name.to_origin()), read.rejections);
        let owners = match read.slice {
            Some(slice) => self.slices.insert(name, slice),
            None => self.slices.remove(&name),
        };
        self.touch(owners, read.trigger)
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
        self.set_rejections(Kind::Pod, &object.metadata, rejections);
        if self.table.pods.get(&pod.name).is_none_or(|old| **old != pod) {
            self.table.pods.insert(pod.name.clone(), Arc::new(pod));
        }
    }

    fn apply_namespace(&mut self, object: &Namespace) {
        let namespace = namespace::read(object, &mut self.names);
        if self.table.namespaces.get(&namespace.name).is_none_or(|old| **old != namespace) {
            self.table.namespaces.insert(Arc::clone(&namespace.name), Arc::new(namespace));
        }
    }

    fn apply_import(&mut self, object: &ServiceImport) {
        let (import, rejections) = service_import::read(object, &mut self.names);
        self.set_rejections(Kind::ServiceImport, &object.metadata, rejections);
        self.pending_imports.insert(import.name.clone(), Pending::Replace(Box::new(import)));
    }

    fn apply_config_map(&mut self, object: &ConfigMap) {
        if !config_map::configures_dns(&object.metadata.namespace, &object.metadata.name) {
            return;
        }
        let (config_map, rejections) = config_map::read(object, &mut self.names);
        self.set_rejections(Kind::ConfigMap, &object.metadata, rejections);
        if self.table.config_maps.get(&config_map.name).is_none_or(|old| **old != config_map) {
            self.table.config_maps.insert(config_map.name.clone(), Arc::new(config_map));
        }
    }

    fn apply_advertisement(&mut self, object: &L2Advertisement) {
        let (read, rejections) = l2_advertisement::read(object, &mut self.names);
        self.set_rejections(Kind::L2Advertisement, &object.metadata, rejections);
        if self.table.advertisements.get(&read.name).is_none_or(|old| **old != read) {
            self.table.advertisements.insert(read.name.clone(), Arc::new(read));
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

    pub(super) fn merge_service_cidrs(&mut self) {
        let all: Vec<IpNet> = self.service_cidrs.values().flatten().copied().collect();
        let mut merged = IpNet::aggregate(&all);
        merged.sort();
        self.table.service_cidrs = merged.into();
    }

    /// A pool is so, or gone. Of several objects with its name one is the pool.
    pub(super) fn set_pool(&mut self, key: &ObjectKey, read: Option<PoolAndRejections>) {
        if read.is_none() {
            self.rejected.set(Source::Object(key.to_origin()), Vec::new());
        }
        let (pool, rejections) = self.pools.set(key, read);
        for (object, rejections) in rejections {
            self.rejected.set(Source::Object(object), rejections);
        }
        let name = model::PoolName::new(key.name.as_str());
        match pool {
            Some(pool) if self.table.address_pools.get(&name) == Some(&pool) => {}
            Some(pool) => drop(self.table.address_pools.insert(name, pool)),
            None => drop(self.table.address_pools.remove(&name)),
        }
    }

    fn set_rejections(&mut self, kind: Kind, metadata: &Metadata, rejections: Vec<Rejection>) {
        let key = ObjectKey::of(kind, metadata);
        self.rejected.set(Source::Object(key.to_origin()), rejections);
    }
}
