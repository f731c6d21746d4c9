//! How do Pods follow their Deployment?

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use model::NodeName;
use proptest::prelude::*;

use super::{deployment, pod, ready};
use crate::api::Deployment;
use crate::deployment::{Action, DeploymentStatus, reconcile};
use crate::observed::{ObservedPod, Phase};
use crate::schedule::{SchedulableNode, Unschedulable, schedule};

fn web(replicas: u32, image: &str, more: &str) -> Deployment {
    deployment(&format!(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: shop}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: web, image: {image}}}]}}
  {more}
"
    ))
}

/// A cluster that does what it is told.
#[derive(Default)]
struct Cluster {
    pods: Vec<ObservedPod>,
    serial: u64,
    now: Duration,
}

impl Cluster {
    fn step(&mut self, deployment: &Deployment) -> (usize, usize, DeploymentStatus) {
        let found = reconcile(deployment, &self.pods, self.serial, self.now);
        let (mut created, mut deleted) = (0, 0);
        for action in found.actions {
            match action {
                Action::Create(pod) => {
                    created += 1;
                    self.serial += 1;
                    self.pods.push(ObservedPod::created(Arc::new(*pod), self.now));
                }
                Action::Delete(name) => {
                    deleted += 1;
                    let pod = self.pods.iter_mut().find(|pod| pod.pod.metadata.name == name);
                    pod.expect("only Pods that are there are deleted").terminating = true;
                }
            }
        }
        (created, deleted, found.status)
    }

    fn make_ready(&mut self, count: usize) {
        let waiting = self.pods.iter_mut().filter(|pod| !pod.ready && !pod.terminating);
        for pod in waiting.take(count) {
            (pod.phase, pod.ready, pod.ready_changed) = (Phase::Running, true, self.now);
        }
    }

    fn end_terminating(&mut self) {
        self.pods.retain(|pod| !pod.terminating);
    }

    fn live(&self) -> u32 {
        u32::try_from(self.pods.iter().filter(|pod| !pod.terminating).count()).expect("few")
    }

    fn available(&self) -> u32 {
        let ready = self.pods.iter().filter(|pod| pod.ready && !pod.terminating).count();
        u32::try_from(ready).expect("few")
    }
}

#[test]
fn makes_scales_and_replaces_pods() {
    let mut cluster = Cluster::default();
    let counts = |(created, deleted, _): (usize, usize, DeploymentStatus)| (created, deleted);
    assert_eq!(counts(cluster.step(&web(3, "a", ""))), (3, 0));
    assert_eq!(counts(cluster.step(&web(3, "a", ""))), (0, 0));
    cluster.make_ready(3);
    let all = DeploymentStatus { desired: 3, total: 3, updated: 3, ready: 3, available: 3 };
    assert_eq!(cluster.step(&web(3, "a", "")).2, all);
    assert_eq!(counts(cluster.step(&web(5, "a", ""))), (2, 0));
    // Those that are not ready go first.
    assert_eq!(counts(cluster.step(&web(3, "a", ""))), (0, 2));
    cluster.end_terminating();
    assert_eq!((cluster.live(), cluster.available()), (3, 3));

    // One more at a time, none fewer: the default for three.
    let rolls = web(3, "b", "");
    for _ in 0..3 {
        assert_eq!(counts(cluster.step(&rolls)), (1, 0));
        cluster.make_ready(1);
        assert_eq!(counts(cluster.step(&rolls)), (0, 1));
        cluster.end_terminating();
    }
    assert_eq!(cluster.step(&rolls).2, all);
}

#[test]
fn recreates_only_when_all_are_gone() {
    let mut cluster = Cluster::default();
    cluster.step(&web(2, "a", ""));
    let recreates = web(2, "b", "strategy: {type: Recreate}");
    let counts = |(created, deleted, _): (usize, usize, DeploymentStatus)| (created, deleted);
    assert_eq!(counts(cluster.step(&recreates)), (0, 2));
    assert_eq!(counts(cluster.step(&recreates)), (0, 0));
    cluster.end_terminating();
    assert_eq!(counts(cluster.step(&recreates)), (2, 0));
}

#[test]
fn waits_until_pods_stay_ready() {
    let mut cluster = Cluster::default();
    let patient = web(1, "a", "minReadySeconds: 5");
    cluster.step(&patient);
    cluster.now = Duration::from_secs(10);
    cluster.make_ready(1);
    let found = reconcile(&patient, &cluster.pods, cluster.serial, cluster.now);
    assert_eq!((found.status.available, found.again_at), (0, Some(Duration::from_secs(15))));
    let found = reconcile(&patient, &cluster.pods, cluster.serial, Duration::from_secs(15));
    assert_eq!((found.status.available, found.again_at), (1, None));
}

#[test]
fn takes_only_its_own_pods() {
    let text = "{apiVersion: v1, kind: Pod, metadata: {name: web-x, namespace: shop, \
                labels: {app: web}}, spec: {containers: [{name: c, image: a}]}}";
    let stranger = ready(pod(text), &[]);
    let found = reconcile(&web(1, "a", ""), &[stranger], 0, Duration::ZERO);
    assert_eq!((found.status.total, found.actions.len()), (0, 1));
}

#[test]
fn goes_round_the_nodes() {
    let node = |name: &str, disk: &str| SchedulableNode {
        name: NodeName::new(name),
        labels: BTreeMap::from([("disk".to_owned(), disk.to_owned())]),
        taints: Vec::new(),
    };
    let nodes = [node("a", "hdd"), node("b", "ssd"), node("c", "hdd")];
    let mut cluster = Cluster::default();
    cluster.step(&web(4, "a", ""));
    for index in 0..4 {
        let node = schedule(&cluster.pods[index].pod, &nodes, &cluster.pods);
        cluster.pods[index].node = Some(node.expect("there are nodes"));
    }
    let places: Vec<_> =
        cluster.pods.iter().map(|pod| pod.node.as_ref().map(|node| node.to_string())).collect();
    assert_eq!(places, ["a", "b", "c", "a"].map(|name| Some(name.to_owned())));
    let one = |spec: &str| {
        let text = format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: one}}, \
             spec: {{containers: [{{name: c, image: a}}], {spec}}}}}"
        );
        schedule(&pod(&text), &nodes, &cluster.pods)
    };
    assert_eq!(one("nodeName: c"), Ok(NodeName::new("c")));
    assert_eq!(one("nodeName: z"), Err(Unschedulable::NoSuchNode("z".to_owned())));
    assert_eq!(one("nodeSelector: {disk: hdd}"), Ok(NodeName::new("c")));
    let none = Err(Unschedulable::NoMatch("disk=tape".to_owned()));
    assert_eq!(one("nodeSelector: {disk: tape}"), none);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A rolling update keeps its bounds at each step, whatever becomes ready or ends when, and it
    /// comes to its end.
    #[test]
    fn keeps_its_bounds(
        replicas in 1..8_u32,
        surge in 0..4_u32,
        unavailable in 0..4_u32,
        steps in prop::collection::vec((0..4_usize, any::<bool>()), 1..40),
    ) {
        prop_assume!(surge + unavailable > 0);
        let bounds = format!(
            "strategy: {{rollingUpdate: {{maxSurge: {surge}, maxUnavailable: {unavailable}}}}}"
        );
        let mut cluster = Cluster::default();
        cluster.step(&web(replicas, "a", &bounds));
        cluster.make_ready(usize::MAX);
        let rolls = web(replicas, "b", &bounds);
        let settle = (0..40).map(|_| (8, true));
        for (become_ready, ends) in steps.into_iter().chain(settle) {
            cluster.step(&rolls);
            prop_assert!(cluster.live() <= replicas + surge);
            prop_assert!(cluster.available() + unavailable >= replicas);
            cluster.make_ready(become_ready);
            if ends {
                cluster.end_terminating();
            }
        }
        let (created, deleted, status) = cluster.step(&rolls);
        prop_assert_eq!((created, deleted, status.is_complete()), (0, 0, true));
    }
}
