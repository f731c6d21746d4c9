//! What does the API server say of Pods and Nodes?

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ingest::api::Service;
use model::NodeName;
use serde::Deserialize;
use serde_json::Value;
use workload::api::{Pod, Taint};
use workload::{Reference, SchedulableNode};

use crate::kubelet::{Found, Services};
use crate::who::PodName;

/// News from the API server.
#[derive(Debug)]
pub(crate) enum Heard {
    /// All Pods that there are.
    Pods(Vec<SeenPod>),
    Pod(Box<SeenPod>),
    PodGone {
        name: PodName,
        uid: String,
    },
    /// All Nodes that there are.
    Nodes(Vec<SeenNode>),
    Node(Box<SeenNode>),
    NodeGone(NodeName),
    /// All Services that there are.
    Services(Services),
    Service(Box<Service>),
    ServiceGone(Box<Service>),
    /// What an object that pods need holds; none when nobody looks at it any longer.
    Found(Reference, Option<Found>),
}

/// A Pod as the API server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeenPod {
    pub(crate) pod: Arc<Pod>,
    /// The grace period of its end, once it was deleted.
    pub(crate) deleted: Option<Duration>,
    /// No container of it will run again.
    pub(crate) is_final: bool,
    /// Nobody but a scheduler that is called otherwise, or whoever gates it, may give it a node.
    pub(crate) is_for_others: bool,
    /// Conditions beside ours that it waits for, and whether they hold.
    pub(crate) gates: BTreeMap<String, bool>,
    /// Whether it is told to be ready, whoever said that last.
    pub(crate) is_ready: bool,
}

/// A Node as the API server has it; whether it takes new Pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeenNode(pub(crate) SchedulableNode, pub(crate) bool);

/// The condition by which Services choose.
const READY: &str = "Ready";

/// Whether a status says that the Pod is ready; none says nothing of that.
pub(crate) fn says_ready(status: &Value) -> Option<bool> {
    let conditions = status.get("conditions")?.as_array()?;
    let ready = conditions.iter().find(|it| it.get("type").is_some_and(|kind| kind == READY))?;
    Some(ready.get("status").is_some_and(|status| status == "True"))
}

impl SeenPod {
    /// Nothing when it is not understood, which is told.
    pub(crate) fn read(object: Value) -> Option<Self> {
        let beyond = Beyond::deserialize(&object);
        let pod = Pod::deserialize(object);
        match (pod, beyond) {
            (Ok(pod), Ok(beyond)) => Some(Self::new(pod, beyond)),
            (Err(error), _) | (_, Err(error)) => {
                tracing::warn!("a Pod of the API server is not understood: {error}");
                None
            }
        }
    }

    fn new(mut pod: Pod, beyond: Beyond) -> Self {
        pod.owner = owner(&pod, &beyond.metadata.owner_references);
        let holds = |kind: &String| {
            let all = &beyond.status.conditions;
            all.iter().any(|it| it.kind == *kind && it.status == "True")
        };
        let gates = beyond
            .spec
            .readiness_gates
            .iter()
            .map(|gate| (gate.condition_type.clone(), holds(&gate.condition_type)));
        let is_ready = holds(&READY.to_owned());
        let grace = beyond.metadata.deletion_grace_period_seconds.unwrap_or_default();
        Self {
            deleted: beyond.metadata.deletion_timestamp.map(|_at| Duration::from_secs(grace)),
            is_final: matches!(beyond.status.phase.as_str(), "Succeeded" | "Failed"),
            is_for_others: !matches!(beyond.spec.scheduler_name.as_str(), "" | "default-scheduler")
                || !beyond.spec.scheduling_gates.is_empty(),
            gates: gates.collect(),
            is_ready,
            pod: Arc::new(pod),
        }
    }

    pub(crate) fn name(&self) -> PodName {
        let metadata = &self.pod.metadata;
        PodName::new(metadata.namespace.as_str(), metadata.name.as_str())
    }

    pub(crate) fn uid(&self) -> &str {
        self.pod.metadata.uid.as_deref().unwrap_or_default()
    }

    pub(crate) fn node(&self) -> Option<NodeName> {
        let name = self.pod.spec.node_name.as_deref().filter(|name| !name.is_empty());
        name.map(NodeName::new)
    }
}

impl SeenNode {
    pub(crate) fn read(object: Value) -> Option<Self> {
        match LeanNode::deserialize(object) {
            Ok(LeanNode { metadata, spec }) => {
                let name = NodeName::new(metadata.name.as_str());
                let node = SchedulableNode { name, labels: metadata.labels, taints: spec.taints };
                Some(Self(node, !spec.unschedulable))
            }
            Err(error) => {
                tracing::warn!("a Node of the API server is not understood: {error}");
                None
            }
        }
    }
}

/// A Deployment's Pods are made by a ReplicaSet that is called after it and the hash of its template.
fn owner(pod: &Pod, owners: &[OwnerReference]) -> Option<String> {
    let owner = owners.first()?;
    let hash = pod.metadata.labels.get("pod-template-hash");
    let of_deployment = hash.and_then(|hash| owner.name.strip_suffix(hash)?.strip_suffix('-'));
    Some(of_deployment.unwrap_or(&owner.name).to_owned())
}

/// What only a kubelet and a scheduler read.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Beyond {
    metadata: BeyondMetadata,
    spec: BeyondSpec,
    status: BeyondStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct BeyondMetadata {
    deletion_timestamp: Option<String>,
    deletion_grace_period_seconds: Option<u64>,
    owner_references: Vec<OwnerReference>,
}

#[derive(Debug, Default, Deserialize)]
struct OwnerReference {
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct BeyondSpec {
    scheduler_name: String,
    scheduling_gates: Vec<Value>,
    readiness_gates: Vec<ReadinessGate>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ReadinessGate {
    condition_type: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BeyondStatus {
    phase: String,
    conditions: Vec<Condition>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LeanNode {
    metadata: ingest::api::Metadata,
    spec: LeanNodeSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LeanNodeSpec {
    taints: Vec<Taint>,
    unschedulable: bool,
}
