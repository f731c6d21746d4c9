//! What does the cluster hold, and which pods must be made and ended? The lab's control plane: it
//! decides and keeps, and touches nothing of the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use ingest::api::{self, ObjectKey};
use ipnet::IpNet;
use model::{NodeName, Rejection, ServiceName};
use workload::api::{Deployment, Pod, Service};
use workload::manifest::Object;
use workload::{
    Allocator, DeploymentStatus, NODE_PORTS_DEFAULT, NodeTopology, ObservedPod, PodAddresses,
    SchedulableNode,
};

use crate::plan::Plan;
use crate::who::PodName;

mod balancing;
mod dns;
mod settle;
#[cfg(test)]
mod tests;

use balancing::Balancing;
pub(crate) use dns::dns_service;
pub(crate) use settle::{Settled, Step};

/// Which object of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Pod(PodName),
    Deployment(PodName),
    Service(ServiceName),
    Other(ObjectKey),
}

impl Key {
    pub(crate) fn of(object: &Object) -> Self {
        let named = |metadata: &api::Metadata| {
            PodName::new(metadata.namespace.as_str(), metadata.name.as_str())
        };
        match object {
            Object::Pod(pod) => Self::Pod(named(&pod.metadata)),
            Object::Deployment(deployment) => Self::Deployment(named(&deployment.metadata)),
            Object::Service(service) => Self::Service(service.name()),
            Object::Other(other) => Self::Other(other.key()),
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pod(name) => write!(f, "Pod {name}"),
            Self::Deployment(name) => write!(f, "Deployment {name}"),
            Self::Service(name) => write!(f, "Service {name}"),
            Self::Other(key) => key.fmt(f),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<SchedulableNode>,
    topology: BTreeMap<NodeName, NodeTopology>,
    node_objects: BTreeMap<NodeName, api::Node>,
    node_addresses: BTreeMap<NodeName, Vec<IpAddr>>,
    pod_addresses: BTreeMap<NodeName, PodAddresses>,
    allocator: Allocator,
    balancing: Balancing,
    pub(crate) deployments: BTreeMap<PodName, Deployment>,
    pub(crate) statuses: BTreeMap<PodName, DeploymentStatus>,
    pub(crate) services: BTreeMap<ServiceName, Service>,
    others: BTreeMap<ObjectKey, api::Object>,
    /// Pods that a manifest asks for by name.
    wanted: BTreeMap<PodName, Arc<Pod>>,
    pub(crate) pods: Vec<ObservedPod>,
    /// Why a pod has no node or no address yet.
    pub(crate) waiting: BTreeMap<PodName, String>,
    /// Nodes that get no new pods.
    pub(crate) cordoned: BTreeSet<NodeName>,
    /// Nodes whose agent answers the cluster DNS.
    answering: BTreeSet<NodeName>,
    serial: u64,
}

impl Cluster {
    pub(crate) fn new(plan: &Plan, service_cidrs: &[IpNet]) -> Self {
        let mut cluster = Self {
            nodes: Vec::new(),
            topology: BTreeMap::new(),
            node_objects: BTreeMap::new(),
            node_addresses: BTreeMap::new(),
            pod_addresses: BTreeMap::new(),
            allocator: Allocator::new(service_cidrs, NODE_PORTS_DEFAULT),
            balancing: Balancing::new(service_cidrs),
            deployments: BTreeMap::new(),
            statuses: BTreeMap::new(),
            services: BTreeMap::new(),
            others: BTreeMap::new(),
            wanted: BTreeMap::new(),
            pods: Vec::new(),
            waiting: BTreeMap::new(),
            cordoned: BTreeSet::new(),
            answering: BTreeSet::new(),
            serial: 0,
        };
        for node in &plan.nodes {
            let object = node_object(node);
            cluster.node_addresses.insert(node.name.clone(), node.ips());
            cluster.pod_addresses.insert(node.name.clone(), PodAddresses::new(&node.pod_ranges));
            cluster.put_node(&node.name, object);
        }
        cluster
    }

    fn put_node(&mut self, name: &NodeName, object: api::Node) {
        let labels = object.metadata.labels.clone();
        let zone = labels.get(ZONE).cloned();
        self.topology.insert(name.clone(), NodeTopology { zone });
        self.nodes.retain(|node| node.name != *name);
        self.nodes.push(SchedulableNode { name: name.clone(), labels, taints: Vec::new() });
        self.nodes.sort_by_key(|node| number(&node.name));
        self.balancing.apply(&api::Object::Node(object.clone()));
        self.node_objects.insert(name.clone(), object);
    }

    /// Takes an object in, new or changed; `created` is when, in RFC 3339.
    pub(crate) fn apply(&mut self, object: Object, created: &str) -> Result<(), Vec<Rejection>> {
        let key = Key::of(&object);
        match (object, key) {
            (Object::Pod(pod), Key::Pod(name)) => {
                let is_same = self.wanted.get(&name).is_some_and(|known| **known == *pod);
                if !is_same {
                    self.wanted.insert(name, Arc::from(pod));
                }
            }
            (Object::Deployment(deployment), Key::Deployment(name)) => {
                self.deployments.insert(name, *deployment);
            }
            (Object::Service(mut service), Key::Service(name)) => {
                let known = self.services.get(&name);
                let since = known.and_then(|it| it.object.metadata.creation_timestamp.clone());
                let metadata = &mut service.object.metadata;
                metadata
                    .creation_timestamp
                    .get_or_insert_with(|| since.unwrap_or_else(|| created.to_owned()));
                let mut admitted = self.allocator.admit(*service)?;
                let known = self.services.get(&name).map(|it| &it.object);
                self.balancing.admit(&name, &mut admitted.object, known);
                self.services.insert(name, admitted);
            }
            (Object::Other(other), Key::Other(key)) => return self.apply_other(key, *other),
            (Object::Pod(_) | Object::Deployment(_) | Object::Service(_) | Object::Other(_), _) => {
            }
        }
        Ok(())
    }

    /// Nodes are the lab's: a manifest adds labels and annotations to them, and no more.
    fn apply_other(&mut self, key: ObjectKey, other: api::Object) -> Result<(), Vec<Rejection>> {
        let refuse = |field: &str, reason: String| {
            Err(vec![Rejection::new(key.to_origin(), field.to_owned(), reason)])
        };
        match other {
            api::Object::Node(node) => {
                let name = NodeName::new(key.name.as_str());
                let Some(mut object) = self.node_objects.get(&name).cloned() else {
                    let known: Vec<String> =
                        self.nodes.iter().map(|node| node.name.to_string()).collect();
                    let reason = format!("the lab has no such node; it has {}", known.join(", "));
                    return refuse("metadata.name", reason);
                };
                object.metadata.labels.extend(node.metadata.labels);
                object.metadata.annotations.extend(node.metadata.annotations);
                self.put_node(&name, object);
                Ok(())
            }
            api::Object::ServiceCidr(_) => refuse(
                "kind",
                "the lab's own flag, --service-cidr, says where ClusterIPs come from".to_owned(),
            ),
            other @ (api::Object::EndpointSlice(_)
            | api::Object::Namespace(_)
            | api::Object::ServiceImport(_)
            | api::Object::ConfigMap(_)
            | api::Object::AddressPool(_)
            | api::Object::IpAddressPool(_)
            | api::Object::L2Advertisement(_)) => {
                self.balancing.apply(&other);
                self.others.insert(key, other);
                Ok(())
            }
            // The lab makes these itself of what manifests say.
            api::Object::Service(_) | api::Object::Pod(_) => Ok(()),
        }
    }

    /// Whether there was one.
    pub(crate) fn delete(&mut self, key: &Key) -> bool {
        match key {
            Key::Pod(name) => self.wanted.remove(name).is_some(),
            Key::Deployment(name) => {
                self.statuses.remove(name);
                self.deployments.remove(name).is_some()
            }
            Key::Service(name) => {
                self.allocator.release(name);
                self.balancing.forget(name);
                self.services.remove(name).is_some()
            }
            Key::Other(key) => {
                self.balancing.delete(key);
                self.others.remove(key).is_some()
            }
        }
    }

    /// Sets the number of a Deployment's pods; whether there is such a one.
    pub(crate) fn scale(&mut self, name: &PodName, replicas: u32) -> bool {
        let deployment = self.deployments.get_mut(name);
        deployment.map(|it| it.spec.replicas = Some(replicas)).is_some()
    }

    pub(crate) fn pod(&self, name: &PodName) -> Option<&ObservedPod> {
        self.pods.iter().find(|observed| name_of(observed) == *name)
    }

    pub(crate) fn pod_mut(&mut self, name: &PodName) -> Option<&mut ObservedPod> {
        self.pods.iter_mut().find(|observed| name_of(observed) == *name)
    }

    /// The slices of each Service whose endpoints are pods, and of the cluster DNS.
    pub(crate) fn slices(&self) -> impl Iterator<Item = (&ServiceName, Vec<api::EndpointSlice>)> {
        let selecting = self.services.iter().filter(|(_, service)| !service.selector.is_empty());
        let of_pods = selecting.map(|(name, service)| {
            (name, workload::endpoint_slices(service, &self.pods, &self.topology))
        });
        of_pods.chain(self.dns_slices())
    }

    /// What the agents are to read.
    pub(crate) fn objects(&self) -> Vec<api::Object> {
        let nodes = self.node_objects.values().cloned().map(api::Object::Node);
        let services = self.services.values();
        let services = services.map(|it| api::Object::Service(Box::new(it.object.clone())));
        let slices = self.slices().flat_map(|(_, slices)| slices);
        let others = self.others.values().cloned();
        nodes.chain(services).chain(slices.map(api::Object::EndpointSlice)).chain(others).collect()
    }
}

/// The label that says where a node is.
const ZONE: &str = "topology.kubernetes.io/zone";

fn node_object(node: &crate::plan::NodePlan) -> api::Node {
    let labels = [("kubernetes.io/hostname", node.name.to_string()), (ZONE, node.zone.clone())];
    let address = |address: IpAddr| api::NodeAddress {
        kind: "InternalIP".to_owned(),
        address: address.to_string(),
    };
    api::Node {
        metadata: api::Metadata {
            name: node.name.to_string(),
            labels: labels.map(|(name, value)| (name.to_owned(), value)).into(),
            ..api::Metadata::default()
        },
        spec: api::NodeSpec {
            pod_cidr: node.pod_ranges.first().map(IpNet::to_string),
            pod_cidrs: node.pod_ranges.iter().map(IpNet::to_string).collect(),
            ..api::NodeSpec::default()
        },
        status: api::NodeStatus {
            addresses: node.ips().into_iter().map(address).collect(),
            ..api::NodeStatus::default()
        },
    }
}

/// `node-10` comes after `node-9`.
fn number(name: &NodeName) -> u32 {
    name.0.rsplit('-').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

pub(crate) fn name_of(observed: &ObservedPod) -> PodName {
    let metadata = &observed.pod.metadata;
    PodName::new(metadata.namespace.as_str(), metadata.name.as_str())
}
