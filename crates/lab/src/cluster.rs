//! What does the cluster hold, and which pods must be made and ended? The lab's control plane: it
//! decides and keeps, and touches nothing of the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ingest::api::{self, ObjectKey};
use ipnet::IpNet;
use model::{NodeName, Rejection, ServiceName};
use workload::api::{Deployment, Pod, Service};
use workload::manifest::Object;
use workload::{
    Action, Allocator, DeploymentStatus, NODE_PORTS_DEFAULT, NodeTopology, ObservedPod,
    PodAddresses, SchedulableNode,
};

use crate::plan::Plan;
use crate::who::PodName;

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

/// What must happen to a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Start(PodName),
    Stop(PodName),
}

/// What follows from the present.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    pub(crate) steps: Vec<Step>,
    /// When to ask again, though nothing else happened.
    pub(crate) again_at: Option<Duration>,
}

#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<SchedulableNode>,
    topology: BTreeMap<NodeName, NodeTopology>,
    node_objects: BTreeMap<NodeName, api::Node>,
    node_addresses: BTreeMap<NodeName, Vec<IpAddr>>,
    pod_addresses: BTreeMap<NodeName, PodAddresses>,
    allocator: Allocator,
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
            deployments: BTreeMap::new(),
            statuses: BTreeMap::new(),
            services: BTreeMap::new(),
            others: BTreeMap::new(),
            wanted: BTreeMap::new(),
            pods: Vec::new(),
            waiting: BTreeMap::new(),
            cordoned: BTreeSet::new(),
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
        self.nodes.push(SchedulableNode { name: name.clone(), labels });
        self.nodes.sort_by_key(|node| number(&node.name));
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
                let admitted = self.allocator.admit(*service)?;
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
            other @ api::Object::EndpointSlice(_) => {
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
                self.services.remove(name).is_some()
            }
            Key::Other(key) => self.others.remove(key).is_some(),
        }
    }

    /// Sets the number of a Deployment's pods; whether there is such a one.
    pub(crate) fn scale(&mut self, name: &PodName, replicas: u32) -> bool {
        let deployment = self.deployments.get_mut(name);
        deployment.map(|it| it.spec.replicas = Some(replicas)).is_some()
    }

    /// Brings pods nearer to what is wanted, as far as it can be decided now.
    pub(crate) fn settle(&mut self, now: Duration) -> Settled {
        let mut settled = Settled::default();
        self.settle_deployments(now, &mut settled);
        self.settle_wanted(now, &mut settled);
        self.place(&mut settled);
        settled
    }

    fn settle_deployments(&mut self, now: Duration, settled: &mut Settled) {
        let names: Vec<PodName> = self.deployments.keys().cloned().collect();
        for name in names {
            let Some(deployment) = self.deployments.get(&name) else { continue };
            let reconciled = workload::reconcile(deployment, &self.pods, self.serial, now);
            self.statuses.insert(name.clone(), reconciled.status);
            let earlier = settled.again_at.into_iter().chain(reconciled.again_at).min();
            settled.again_at = earlier;
            for action in reconciled.actions {
                match action {
                    Action::Create(pod) => {
                        self.serial += 1;
                        self.create(*pod, now);
                    }
                    Action::Delete(pod) => {
                        let pod = PodName::new(name.namespace.as_str(), pod);
                        self.stop(&pod, settled);
                    }
                }
            }
        }
        let orphans: Vec<PodName> = self
            .pods
            .iter()
            .filter(|observed| {
                let owner = observed.pod.owner.as_ref().map(|owner| {
                    PodName::new(observed.pod.metadata.namespace.as_str(), owner.as_str())
                });
                owner.is_some_and(|owner| !self.deployments.contains_key(&owner))
            })
            .map(name_of)
            .collect();
        for orphan in orphans {
            self.stop(&orphan, settled);
        }
    }

    /// A changed pod is made anew: the old one ends first, as the name is the same.
    fn settle_wanted(&mut self, now: Duration, settled: &mut Settled) {
        let wanted: Vec<(PodName, Arc<Pod>)> =
            self.wanted.iter().map(|(name, pod)| (name.clone(), Arc::clone(pod))).collect();
        for (name, pod) in wanted {
            match self.pod(&name) {
                None => {
                    self.serial += 1;
                    self.create((*pod).clone(), now);
                }
                Some(observed) if is_same(&observed.pod, &pod) => {}
                Some(_) => self.stop(&name, settled),
            }
        }
        let unwanted = |observed: &&ObservedPod| {
            observed.pod.owner.is_none() && !self.wanted.contains_key(&name_of(observed))
        };
        let unwanted: Vec<PodName> = self.pods.iter().filter(unwanted).map(name_of).collect();
        for name in unwanted {
            self.stop(&name, settled);
        }
    }

    fn create(&mut self, mut pod: Pod, now: Duration) {
        pod.metadata.uid = Some(format!("00000000-0000-4000-8000-{:012x}", self.serial));
        self.pods.push(ObservedPod::created(Arc::new(pod), now));
    }

    fn stop(&mut self, name: &PodName, settled: &mut Settled) {
        let Some(observed) = self.pod_mut(name).filter(|observed| !observed.terminating) else {
            return;
        };
        observed.terminating = true;
        if observed.addresses.is_empty() {
            self.remove(name);
        } else {
            settled.steps.push(Step::Stop(name.clone()));
        }
    }

    /// Gives each pod that has none a node and addresses.
    fn place(&mut self, settled: &mut Settled) {
        self.waiting.clear();
        for index in 0..self.pods.len() {
            let Some(observed) = self.pods.get(index) else { break };
            if !observed.addresses.is_empty() {
                continue;
            }
            let (name, pod) = (name_of(observed), Arc::clone(&observed.pod));
            match self.addresses_for(&pod) {
                Ok((node, addresses)) => {
                    if let Some(observed) = self.pods.get_mut(index) {
                        (observed.node, observed.addresses) = (Some(node), addresses);
                    }
                    settled.steps.push(Step::Start(name));
                }
                Err(why) => {
                    self.waiting.insert(name, why);
                }
            }
        }
    }

    fn addresses_for(&mut self, pod: &Pod) -> Result<(NodeName, Vec<IpAddr>), String> {
        let is_open = |node: &&SchedulableNode| !self.cordoned.contains(&node.name);
        let open: Vec<SchedulableNode> = self.nodes.iter().filter(is_open).cloned().collect();
        let node = workload::schedule(pod, &open, &self.pods).map_err(|error| error.to_string())?;
        if pod.spec.host_network {
            return Ok((node.clone(), self.node_addresses.get(&node).cloned().unwrap_or_default()));
        }
        let addresses = self.pod_addresses.get_mut(&node).and_then(PodAddresses::allocate);
        let addresses = addresses.ok_or_else(|| format!("node {node} has no free pod address"))?;
        Ok((node, addresses))
    }

    /// Ends a pod that somebody deleted; whether its programs must be ended.
    pub(crate) fn end_pod(&mut self, name: &PodName) -> bool {
        let mut settled = Settled::default();
        self.stop(name, &mut settled);
        !settled.steps.is_empty()
    }

    /// Forgets all pods of a node that came back empty: those of a manifest are made anew.
    pub(crate) fn lose(&mut self, node: &NodeName) {
        let is_there = |observed: &&ObservedPod| observed.node.as_ref() == Some(node);
        let lost: Vec<PodName> = self.pods.iter().filter(is_there).map(name_of).collect();
        for name in lost {
            self.remove(&name);
        }
    }

    /// Forgets a pod that has ended.
    pub(crate) fn remove(&mut self, name: &PodName) {
        let Some(at) = self.pods.iter().position(|observed| name_of(observed) == *name) else {
            return;
        };
        let gone = self.pods.remove(at);
        let addresses = gone.node.as_ref().and_then(|node| self.pod_addresses.get_mut(node));
        if let Some(addresses) = addresses.filter(|_| !gone.pod.spec.host_network) {
            addresses.release(&gone.addresses);
        }
    }

    pub(crate) fn pod(&self, name: &PodName) -> Option<&ObservedPod> {
        self.pods.iter().find(|observed| name_of(observed) == *name)
    }

    pub(crate) fn pod_mut(&mut self, name: &PodName) -> Option<&mut ObservedPod> {
        self.pods.iter_mut().find(|observed| name_of(observed) == *name)
    }

    /// The slices of each Service whose endpoints are pods.
    pub(crate) fn slices(&self) -> impl Iterator<Item = (&ServiceName, Vec<api::EndpointSlice>)> {
        let selecting = self.services.iter().filter(|(_, service)| !service.selector.is_empty());
        selecting.map(|(name, service)| {
            (name, workload::endpoint_slices(service, &self.pods, &self.topology))
        })
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

    /// Addresses that clients outside use and no node has: the fabric must lead them to a node.
    pub(crate) fn external_addresses(&self) -> Vec<IpAddr> {
        let specs = self.services.values().map(|service| &service.object);
        let texts = specs.flat_map(|object| {
            let ingress = object.status.load_balancer.ingress.iter();
            let ingress = ingress.filter(|it| it.ip_mode.as_deref() != Some("Proxy"));
            let ingress = ingress.filter_map(|it| it.ip.as_ref());
            object.spec.external_ips.iter().chain(ingress)
        });
        let own: Vec<&IpAddr> = self.node_addresses.values().flatten().collect();
        let mut found: Vec<IpAddr> = texts
            .filter_map(|text| text.parse().ok())
            .filter(|address| !own.contains(&address))
            .collect();
        found.sort_unstable();
        found.dedup();
        found
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
        status: api::NodeStatus { addresses: node.ips().into_iter().map(address).collect() },
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

/// Whether a pod is the one of the manifest, which has no identity yet.
fn is_same(made: &Pod, written: &Pod) -> bool {
    made.spec == written.spec
        && made.metadata.labels == written.metadata.labels
        && made.metadata.annotations == written.metadata.annotations
}
