//! Which slices has a Service?

use std::collections::HashMap;
use std::sync::Arc;

use model::ServiceName;

use crate::pair::NamedSlice;
use crate::slice::Slice;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SliceName {
    pub(crate) namespace: Arc<str>,
    pub(crate) name: Arc<str>,
}

impl SliceName {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    pub(crate) fn to_origin(&self) -> model::Object {
        model::Object::EndpointSlice {
            namespace: Arc::clone(&self.namespace),
            name: Arc::clone(&self.name),
        }
    }
}

/// All slices, found by their own name and by that of their Service. Nobody asks for all of them in
/// order, and hashing one name is cheaper than comparing many.
#[derive(Debug, Default)]
pub(crate) struct Slices {
    by_name: HashMap<SliceName, Slice>,
    /// The names of a Service's slices, sorted.
    by_service: HashMap<ServiceName, Vec<Arc<str>>>,
}

impl Slices {
    pub(crate) fn get(&self, name: &SliceName) -> Option<&Slice> {
        self.by_name.get(name)
    }

    /// The slices of a Service, in the order of their names.
    pub(crate) fn of(&self, service: &ServiceName) -> Vec<NamedSlice<'_>> {
        let names = self.by_service.get(service).into_iter().flatten();
        let named = names.filter_map(|name| {
            let namespace = Arc::clone(&service.namespace);
            self.by_name.get_key_value(&SliceName { namespace, name: Arc::clone(name) })
        });
        named.map(|(key, slice)| (&key.name, slice)).collect()
    }

    /// Adds or replaces a slice; the Services whose endpoints this may change, sorted.
    pub(crate) fn insert(&mut self, name: SliceName, slice: Slice) -> Vec<ServiceName> {
        if let Some(known) = self.by_name.get_mut(&name)
            && known.service == slice.service
        {
            if *known == slice {
                return Vec::new();
            }
            let touched = slice.service.clone().into_iter().collect();
            *known = slice;
            return touched;
        }
        let mut touched = self.remove(&name);
        if let Some(service) = &slice.service {
            let names = self.by_service.entry(service.clone()).or_default();
            if let Err(at) = names.binary_search(&name.name) {
                names.insert(at, Arc::clone(&name.name));
            }
            touched.push(service.clone());
        }
        self.by_name.insert(name, slice);
        touched.sort();
        touched.dedup();
        touched
    }

    /// Removes a slice; the Service whose endpoints this may change.
    pub(crate) fn remove(&mut self, name: &SliceName) -> Vec<ServiceName> {
        let Some(service) = self.by_name.remove(name).and_then(|slice| slice.service) else {
            return Vec::new();
        };
        if let Some(names) = self.by_service.get_mut(&service) {
            names.retain(|other| *other != name.name);
            if names.is_empty() {
                self.by_service.remove(&service);
            }
        }
        vec![service]
    }
}
