//! Which slices has a Service, and which a ServiceImport?

use std::collections::HashMap;
use std::sync::Arc;

use model::{EndpointSlice, ServiceName};

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

    /// The Service or ServiceImport of the slice, in its namespace.
    fn owner(&self, name: &Arc<str>) -> ServiceName {
        ServiceName { namespace: Arc::clone(&self.namespace), name: Arc::clone(name) }
    }
}

/// All slices, found by their own name and by whose they are. Nobody asks for all of them in order,
/// and hashing one name is cheaper than comparing many.
#[derive(Debug, Default)]
pub(crate) struct Slices {
    by_name: HashMap<SliceName, Slice>,
    by_service: ByOwner,
    by_import: ByOwner,
}

/// The slices of each owner, in the order of their names.
type ByOwner = HashMap<ServiceName, Vec<Arc<EndpointSlice>>>;

/// Whose slices are not what they were, sorted.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    pub(crate) services: Vec<ServiceName>,
    pub(crate) imports: Vec<ServiceName>,
}

impl Slices {
    pub(crate) fn get(&self, name: &SliceName) -> Option<&Slice> {
        self.by_name.get(name)
    }

    /// The slices of a Service, in the order of their names.
    pub(crate) fn of_service(&self, name: &ServiceName) -> &[Arc<EndpointSlice>] {
        self.by_service.get(name).map_or(&[], Vec::as_slice)
    }

    /// The slices of a ServiceImport, in the order of their names.
    pub(crate) fn of_import(&self, name: &ServiceName) -> &[Arc<EndpointSlice>] {
        self.by_import.get(name).map_or(&[], Vec::as_slice)
    }

    /// Adds or replaces a slice; those whose endpoints this may change.
    pub(crate) fn insert(&mut self, name: SliceName, slice: Slice) -> Owners {
        let known = self.by_name.get(&name);
        if known == Some(&slice) {
            return Owners::default();
        }
        let is_moved = known.is_some_and(|known| {
            (&known.service, &known.import) != (&slice.service, &slice.import)
        });
        let mut owners = if is_moved { self.remove(&name) } else { Owners::default() };
        let lists = [
            (&slice.service, &mut self.by_service, &mut owners.services),
            (&slice.import, &mut self.by_import, &mut owners.imports),
        ];
        for (owner, by_owner, touched) in lists {
            let Some(owner) = owner.as_ref().map(|owner| name.owner(owner)) else { continue };
            enlist(by_owner.entry(owner.clone()).or_default(), &slice.listed);
            touched.push(owner);
            touched.sort();
            touched.dedup();
        }
        self.by_name.insert(name, slice);
        owners
    }

    /// Removes a slice; those whose endpoints this may change.
    pub(crate) fn remove(&mut self, name: &SliceName) -> Owners {
        let Some(slice) = self.by_name.remove(name) else { return Owners::default() };
        let withdraw = |owner: &Option<Arc<str>>, by_owner: &mut ByOwner| {
            let owner = name.owner(owner.as_ref()?);
            if let Some(list) = by_owner.get_mut(&owner) {
                list.retain(|other| other.name != name.name);
                if list.is_empty() {
                    by_owner.remove(&owner);
                }
            }
            Some(owner)
        };
        Owners {
            services: withdraw(&slice.service, &mut self.by_service).into_iter().collect(),
            imports: withdraw(&slice.import, &mut self.by_import).into_iter().collect(),
        }
    }
}

/// Adds the slice at its place, or puts it where an older state of it is.
fn enlist(list: &mut Vec<Arc<EndpointSlice>>, slice: &Arc<EndpointSlice>) {
    let at = list.partition_point(|other| other.name < slice.name);
    match list.get_mut(at) {
        Some(known) if known.name == slice.name => *known = Arc::clone(slice),
        _ => list.insert(at, Arc::clone(slice)),
    }
}
