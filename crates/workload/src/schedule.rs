//! On which node does a Pod run?

use std::collections::BTreeMap;

use model::NodeName;

use crate::api::{Pod, Taint};
use crate::observed::ObservedPod;

/// A node that could take Pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchedulableNode {
    pub name: NodeName,
    pub labels: BTreeMap<String, String>,
    pub taints: Vec<Taint>,
}

/// Why a Pod waits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unschedulable {
    #[error("spec.nodeName names no node: {0}")]
    NoSuchNode(String),
    #[error("no node has all labels of spec.nodeSelector: {0}")]
    NoMatch(String),
    #[error("no node is as spec.affinity.nodeAffinity requires")]
    NotAdmitted,
    #[error("no node is without a taint that spec.tolerations does not put up with: {0}")]
    NotTolerated(String),
    #[error("there is no node")]
    NoNodes,
}

/// The node with the fewest Pods of the same Deployment, then with the fewest Pods, then the first:
/// equal Pods go round the nodes.
///
/// # Errors
///
/// When no node may take the Pod. It can be tried again when the nodes change.
pub fn schedule(
    pod: &Pod,
    nodes: &[SchedulableNode],
    pods: &[ObservedPod],
) -> Result<NodeName, Unschedulable> {
    if let Some(wanted) = &pod.spec.node_name {
        let named = nodes.iter().find(|node| *node.name.0 == **wanted);
        return named
            .map(|node| node.name.clone())
            .ok_or_else(|| Unschedulable::NoSuchNode(wanted.clone()));
    }
    let load = |node: &&SchedulableNode| {
        let here = || pods.iter().filter(|it| it.node.as_ref() == Some(&node.name));
        let is_sibling = |other: &&ObservedPod| {
            pod.owner.is_some()
                && other.pod.owner == pod.owner
                && other.pod.metadata.namespace == pod.metadata.namespace
                && !other.terminating
        };
        (here().filter(is_sibling).count(), here().count())
    };
    let best = fitting(pod, nodes)?.into_iter().min_by_key(load);
    best.map(|node| node.name.clone()).ok_or(Unschedulable::NoNodes)
}

/// The nodes that may take the Pod; when there is none, what kept the last of them out.
fn fitting<'a>(
    pod: &Pod,
    nodes: &'a [SchedulableNode],
) -> Result<Vec<&'a SchedulableNode>, Unschedulable> {
    if nodes.is_empty() {
        return Err(Unschedulable::NoNodes);
    }
    let selector = &pod.spec.node_selector;
    let is_selected = |node: &&SchedulableNode| {
        selector.iter().all(|(key, value)| node.labels.get(key) == Some(value))
    };
    let selected: Vec<&SchedulableNode> = nodes.iter().filter(is_selected).collect();
    if selected.is_empty() {
        let labels: Vec<_> = selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
        return Err(Unschedulable::NoMatch(labels.join(",")));
    }
    let is_admitted =
        |node: &&SchedulableNode| pod.spec.affinity.admits(&node.name.0, &node.labels);
    let admitted: Vec<&SchedulableNode> = selected.into_iter().filter(is_admitted).collect();
    if admitted.is_empty() {
        return Err(Unschedulable::NotAdmitted);
    }
    let keeping_out = |node: &SchedulableNode| {
        node.taints.iter().find(|it| !it.lets_in(&pod.spec.tolerations)).cloned()
    };
    let open: Vec<&SchedulableNode> =
        admitted.iter().copied().filter(|node| keeping_out(node).is_none()).collect();
    match admitted.last().and_then(|node| keeping_out(node)) {
        Some(taint) if open.is_empty() => {
            Err(Unschedulable::NotTolerated(format!("{}:{}", taint.key, taint.effect)))
        }
        Some(_) | None => Ok(open),
    }
}
