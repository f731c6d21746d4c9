//! On which node does a Pod run?

use std::collections::BTreeMap;

use model::NodeName;

use crate::api::Pod;
use crate::observed::ObservedPod;

/// A node that could take Pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchedulableNode {
    pub name: NodeName,
    pub labels: BTreeMap<String, String>,
}

/// Why a Pod waits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unschedulable {
    #[error("spec.nodeName names no node: {0}")]
    NoSuchNode(String),
    #[error("no node has all labels of spec.nodeSelector: {0}")]
    NoMatch(String),
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
    let selector = &pod.spec.node_selector;
    let fits = |node: &&SchedulableNode| {
        selector.iter().all(|(key, value)| node.labels.get(key) == Some(value))
    };
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
    let best = nodes.iter().filter(fits).min_by_key(load);
    best.map(|node| node.name.clone()).ok_or_else(|| {
        if nodes.is_empty() {
            return Unschedulable::NoNodes;
        }
        let labels: Vec<_> = selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
        Unschedulable::NoMatch(labels.join(","))
    })
}
