//! What does the cluster say?

use std::sync::Arc;

use imbl::OrdMap;
use imbl::ordmap::DiffItem;
use ipnet::IpNet;

use crate::name::{NodeName, ServiceName};
use crate::node::Node;
use crate::pod::{Pod, PodName};
use crate::rejection::Rejection;
use crate::service::Service;

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
    /// Merged and sorted.
    pub service_cidrs: Arc<[IpNet]>,
    pub rejections: Arc<[Rejection]>,
}

impl ServiceTable {
    /// The names of Services that differ between `self` (old) and `new`, in order.
    #[must_use]
    pub fn changed_services(&self, new: &Self) -> Vec<ServiceName> {
        self.services
            .diff(&new.services)
            .filter_map(|item| match item {
                DiffItem::Add(name, _) | DiffItem::Remove(name, _) => Some(name.clone()),
                DiffItem::Update { old: (_, old), new: (name, new) } => {
                    (!Arc::ptr_eq(old, new)).then(|| name.clone())
                }
            })
            .collect()
    }
}
