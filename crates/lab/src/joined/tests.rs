//! Does a lab at an API server do what the objects there say?

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use model::NodeName;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::status::{Epoch, Memory, of_run};
use super::subject::Subject;
use super::write::{Life, Wish, Wishes};
use super::{Heard, Joined, Orders, SeenPod};
use crate::cluster::Step;
use crate::event::PodRunId;
use crate::kubelet::{Ended, Kubelet, PodRun, State, Surroundings};
use crate::plan::Plan;
use crate::settings::{LabName, Settings};
use crate::who::PodName;

/// A lab of two nodes that has heard of its Nodes, and of no Pod.
struct Scene {
    joined: Joined,
    orders: Orders,
    kubelet: Kubelet,
    around: Arc<Surroundings>,
    _events: mpsc::Receiver<crate::event::Event>,
}

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn web() -> PodName {
    PodName::new("shop", "web")
}

fn life(name: &PodName, uid: &str) -> Life {
    (name.clone(), uid.to_owned())
}

/// A Pod of the API server, with these fields of its metadata, spec and status.
fn pod(name: &str, uid: &str, metadata: &Value, spec: &Value, phase: &str) -> Value {
    let mut pod = json!({
        "metadata": {"name": name, "namespace": "shop", "uid": uid},
        "spec": {"containers": [{"name": "c", "image": "a"}]},
        "status": {"phase": phase},
    });
    for (part, more) in [("metadata", metadata), ("spec", spec)] {
        let more = more.as_object().cloned().unwrap_or_default();
        pod[part].as_object_mut().expect("a map").extend(more);
    }
    pod
}

impl Scene {
    fn new() -> Self {
        let mut settings = Settings::new(LabName::new("test").unwrap(), PathBuf::from("pogu"));
        settings.nodes = 2;
        let plan = Plan::new(&settings);
        let (events, queue) = mpsc::channel(1);
        let around = Arc::new(Surroundings::new(settings, plan, events, mpsc::channel(1).0));
        let (joined, orders) = Joined::new(&around.plan, SystemTime::UNIX_EPOCH);
        let kubelet = Kubelet::new(Arc::clone(&around));
        let mut scene = Self { joined, orders, kubelet, around, _events: queue };
        let nodes =
            ["node-1", "node-2", "stranger"].map(|name| json!({"metadata": {"name": name}}));
        scene.joined.hear(Subject::Nodes.listed(nodes.to_vec()), at(0));
        scene.joined.hear(Subject::Pods.listed(Vec::new()), at(0));
        scene
    }

    fn hear(&mut self, pod: Value, now: Duration) {
        self.joined.hear(Subject::Pods.applied(pod).expect("a Pod"), now);
    }

    fn settle(&mut self, now: Duration) -> Vec<Step> {
        self.joined.settle(now).steps
    }

    fn wishes(&mut self, now: Duration) -> Wishes {
        self.joined.publish(&self.kubelet, now);
        Wishes::clone(&self.orders.wishes.borrow_and_update())
    }
}

fn on(node: &str) -> Value {
    json!({"nodeName": node})
}

fn deleted(grace: u64) -> Value {
    json!({"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": grace})
}

#[test]
fn a_bound_pod_begins_ends_as_it_was_deleted_and_is_told_to_be_gone() {
    let (mut scene, none) = (Scene::new(), json!({}));
    scene.hear(pod("web", "1", &none, &on("node-2"), "Pending"), at(1));
    assert_eq!(scene.settle(at(1)), [Step::Start(web())]);
    assert_eq!(scene.settle(at(2)), []);
    scene.hear(pod("web", "1", &deleted(30), &on("node-2"), "Running"), at(3));
    assert_eq!(scene.settle(at(3)), [Step::End { pod: web(), grace: at(30) }]);
    assert_eq!(scene.settle(at(4)), []);
    // Whoever has no patience deletes it again.
    scene.hear(pod("web", "1", &deleted(2), &on("node-2"), "Running"), at(5));
    assert_eq!(scene.settle(at(5)), [Step::End { pod: web(), grace: at(2) }]);
    assert_eq!(scene.wishes(at(5)), Wishes::new());
    scene.joined.remove(&web());
    assert_eq!(scene.settle(at(6)), []);
    assert_eq!(scene.wishes(at(6)), Wishes::from([(life(&web(), "1"), Wish::Over(None))]));
    scene.joined.hear(Heard::PodGone { name: web(), uid: "1".to_owned() }, at(7));
    assert_eq!((scene.settle(at(7)), scene.wishes(at(7))), (vec![], Wishes::new()));
}

#[test]
fn a_pod_of_the_same_name_waits_for_the_one_before() {
    let (mut scene, none) = (Scene::new(), json!({}));
    scene.hear(pod("web", "1", &none, &on("node-1"), "Pending"), at(1));
    assert_eq!(scene.settle(at(1)), [Step::Start(web())]);
    scene.joined.hear(Heard::PodGone { name: web(), uid: "1".to_owned() }, at(2));
    scene.hear(pod("web", "2", &none, &on("node-2"), "Pending"), at(2));
    assert_eq!(scene.settle(at(2)), [Step::End { pod: web(), grace: at(1) }]);
    scene.joined.remove(&web());
    assert_eq!(scene.settle(at(3)), [Step::Start(web())]);
    let found: Vec<_> = scene.joined.pods.iter().map(|it| it.node.clone()).collect();
    assert_eq!(found, [Some(NodeName::new("node-2"))]);
}

#[test]
fn other_nodes_pods_and_completed_ones_are_left_alone() {
    let (mut scene, none) = (Scene::new(), json!({}));
    scene.hear(pod("a", "1", &none, &on("stranger"), "Pending"), at(1));
    scene.hear(pod("b", "2", &none, &on("node-1"), "Succeeded"), at(1));
    assert_eq!((scene.settle(at(9)), scene.wishes(at(9))), (vec![], Wishes::new()));
    // It was deleted, and nothing of it runs.
    scene.hear(pod("b", "2", &deleted(30), &on("node-1"), "Succeeded"), at(10));
    assert_eq!(scene.settle(at(10)), []);
    let expected = Wishes::from([(life(&PodName::new("shop", "b"), "2"), Wish::Over(None))]);
    assert_eq!(scene.wishes(at(10)), expected);
}

#[test]
fn pods_get_a_node_when_no_scheduler_gives_them_one() {
    let (mut scene, none) = (Scene::new(), json!({}));
    for (name, spec) in [
        ("a", none.clone()),
        ("b", none.clone()),
        ("c", json!({"schedulerName": "mine"})),
        ("d", json!({"schedulingGates": [{"name": "later"}]})),
        ("e", json!({"nodeSelector": {"disk": "tape"}})),
    ] {
        scene.hear(pod(name, name, &none, &spec, "Pending"), at(5));
    }
    let settled = scene.joined.settle(at(5));
    assert_eq!((settled.steps, settled.again_at), (vec![], Some(at(6))));
    assert_eq!(scene.wishes(at(5)), Wishes::new());
    scene.settle(at(6));
    let of = |name: &str| life(&PodName::new("shop", name), name);
    let condition = json!({"conditions": [{
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "no node has all labels of spec.nodeSelector: disk=tape",
    }]});
    let expected = Wishes::from([
        (of("a"), Wish::Bind("node-1".to_owned())),
        (of("b"), Wish::Bind("node-2".to_owned())),
        (of("e"), Wish::Status(Arc::new(condition), 0)),
    ]);
    assert_eq!(scene.wishes(at(6)), expected);
    // A cordoned node takes none.
    let cordoned = json!({"metadata": {"name": "node-1"}, "spec": {"unschedulable": true}});
    scene.joined.hear(Subject::Nodes.applied(cordoned).expect("a Node"), at(7));
    scene.hear(pod("f", "f", &none, &none, "Pending"), at(7));
    scene.settle(at(8));
    assert_eq!(scene.wishes(at(8)).get(&of("f")), Some(&Wish::Bind("node-2".to_owned())));
}

#[test]
fn a_crashed_node_is_silent_and_begins_anew() {
    let (mut scene, none) = (Scene::new(), json!({}));
    scene.hear(pod("web", "1", &none, &on("node-1"), "Pending"), at(1));
    assert_eq!(scene.settle(at(1)), [Step::Start(web())]);
    let node = NodeName::new("node-1");
    scene.joined.lose(&node);
    let alive = |scene: &Scene| scene.orders.alive.borrow().iter().cloned().collect::<Vec<_>>();
    assert_eq!(alive(&scene), [NodeName::new("node-2")]);
    assert_eq!((scene.settle(at(2)), scene.wishes(at(2))), (vec![], Wishes::new()));
    scene.joined.come_back(&node);
    assert_eq!(alive(&scene), [node, NodeName::new("node-2")]);
    assert_eq!(scene.settle(at(3)), [Step::Start(web())]);
}

#[test]
fn a_status_tells_how_a_container_ended_and_since_when_the_pod_is_not_ready() {
    let scene = Scene::new();
    let seen = pod("web", "1", &json!({}), &on("node-1"), "Pending");
    let seen = SeenPod::read(seen).expect("a Pod");
    let id = PodRunId { pod: web(), uid: "1".to_owned() };
    let (node, address) = (NodeName::new("node-1"), "10.244.1.2".parse().expect("an address"));
    let known = Arc::new(workload::Known::nothing());
    let mut run = PodRun::new(id, seen.pod, node, vec![address], &scene.around, known);
    let container = run.containers.first_mut().expect("there is one");
    container.number = 2;
    let why = "exit status: 3: oh".to_owned();
    container.ended = Some(Ended { exit_code: 3, began: at(60), at: at(70), why: why.clone() });
    container.state = State::Restarting { at: at(80), why };
    let mut memory = Memory::new(Epoch(SystemTime::UNIX_EPOCH), at(50));
    let host: Vec<std::net::IpAddr> = vec!["172.30.0.11".parse().expect("an address")];
    let status = |memory: &mut Memory, now| of_run(&run, &host, &BTreeMap::new(), memory, now);
    let first = status(&mut memory, at(71));
    let message = "container c does not run: exit status: 3: oh";
    let condition = |kind: &str, reason: Option<&str>, message: Option<&str>| {
        json!({
            "type": kind,
            "status": if reason.is_some() { "False" } else { "True" },
            "reason": reason,
            "message": message,
            "lastProbeTime": null,
            "lastTransitionTime": "1970-01-01T00:01:11Z",
        })
    };
    let expected = json!({
        "phase": "Running",
        "hostIP": "172.30.0.11",
        "hostIPs": [{"$patch": "replace"}, {"ip": "172.30.0.11"}],
        "startTime": "1970-01-01T00:00:50Z",
        "conditions": [
            condition("PodReadyToStartContainers", Some("NetworkNotReady"), None),
            condition("Initialized", None, None),
            condition("ContainersReady", Some("ContainersNotReady"), Some(message)),
            condition("Ready", Some("ContainersNotReady"), Some(message)),
        ],
        "initContainerStatuses": [],
        "containerStatuses": [{
            "name": "c",
            "image": "a",
            "imageID": "a",
            "containerID": "pogu://1-c-2",
            "ready": false,
            "started": false,
            "restartCount": 1,
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "exit status: 3: oh"}},
            "lastState": {"terminated": {
                "exitCode": 3,
                "reason": "Error",
                "message": "exit status: 3: oh",
                "startedAt": "1970-01-01T00:01:00Z",
                "finishedAt": "1970-01-01T00:01:10Z",
                "containerID": "pogu://1-c-2",
            }},
        }],
    });
    assert_eq!(first, expected);
    // Time alone is no news.
    assert_eq!(status(&mut memory, at(75)), expected);
}
