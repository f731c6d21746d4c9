//! Does kubectl do with a lab what it does with a cluster?

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpStream};

use host::netns::Netns;
use serde_json::{Value, json};
use testkit::control_plane::ControlPlane;

use super::{SHOP, await_service, joined, pods, text};
use crate::control_plane::{Forward, first_attached_line, get, names};

#[test]
fn kubectl_drives_a_lab_and_nothing_stays_of_it() {
    if host::skip::without_root() {
        return;
    }
    let Some(control_plane) = ControlPlane::up() else { return };
    let lab = joined(&control_plane);
    control_plane.apply(SHOP);
    control_plane.kubectl("wait --for=condition=Ready pod/client --timeout=30s");
    control_plane.kubectl("rollout status deployment/web --timeout=30s");
    let nodes = |selector: &str| -> Vec<String> {
        let list = get(&control_plane, &format!("pods -l {selector}"));
        let all = list["items"].as_array().unwrap().clone();
        let mut all: Vec<String> = all.iter().map(|it| text(&it["spec"]["nodeName"])).collect();
        all.sort();
        all
    };
    assert_eq!(nodes("app=web"), ["node-1", "node-2"]);
    await_service(&lab, &control_plane);
    control_plane.kubectl("scale deployment/web --replicas=3");
    control_plane.kubectl("rollout status deployment/web --timeout=30s");
    assert_eq!(pods(&control_plane).len(), 3);
    await_service(&lab, &control_plane);
    // Another template: all pods are others afterwards.
    let before = pods(&control_plane);
    control_plane.kubectl("set env deployment/web COLOUR=blue");
    control_plane.kubectl("rollout status deployment/web --timeout=60s");
    lab.await_that("an old pod is there", |_| pods(&control_plane).is_disjoint(&before));
    await_service(&lab, &control_plane);
    control_plane.kubectl("delete deployment/web --wait=false");
    control_plane.kubectl("wait --for=delete pod -l app=web --timeout=30s");
    lab.says(&["lab", "down"]);
    assert_eq!(names(&control_plane, "nodes"), [""; 0]);
    assert_eq!(names(&control_plane, "leases -n kube-node-lease"), [""; 0]);
    assert_eq!(names(&control_plane, "pods -A"), [""; 0]);
    assert_eq!(names(&control_plane, "services -n kube-system"), [""; 0]);
    assert_eq!(Netns::names(&format!("pogu.{}.", lab.name)).unwrap(), [""; 0]);
}

#[test]
fn kubectl_reads_runs_and_forwards() {
    if host::skip::without_root() {
        return;
    }
    let Some(control_plane) = ControlPlane::up() else { return };
    let _lab = joined(&control_plane);
    control_plane.apply(
        r#"
apiVersion: v1
kind: Pod
metadata: {name: talker}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: c, image: x, command: [sh, -c, 'echo out; echo err >&2; exec sleep 1000']}
  - {name: brief, image: x, command: [sh, -c, 'echo no luck; exit 3']}
  - {name: ticker, image: x, command: [sh, -c, 'while sleep 0.1; do echo tick; done']}
  - {name: web, image: pogu.dev/echo, args: [--tcp=80]}
"#,
    );
    let running = "--for=jsonpath={.status.phase}=Running";
    control_plane.kubectl(&format!("wait {running} pod/talker --timeout=30s"));
    let again = "--for=jsonpath={.status.containerStatuses[1].restartCount}=1";
    control_plane.kubectl(&format!("wait {again} pod/talker --timeout=30s"));
    let mut words: Vec<String> =
        control_plane.kubectl("logs talker -c c").lines().map(str::to_owned).collect();
    words.sort();
    assert_eq!(words, ["err", "out"]);
    assert_eq!(control_plane.kubectl("logs talker -c brief --previous"), "no luck\n");
    assert_eq!(control_plane.kubectl("exec talker -c c -- hostname"), "talker\n");
    assert_eq!(first_attached_line(&control_plane, "talker -c ticker"), "tick\n");
    let forward = Forward::to(&control_plane, "pod/talker", 80);
    let mut line = String::new();
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, forward.port)).unwrap();
    BufReader::new(stream).read_line(&mut line).unwrap();
    let answer: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(answer["pod"], "talker");
}

#[test]
fn each_kind_of_workload_does_what_it_does_in_a_cluster() {
    if host::skip::without_root() {
        return;
    }
    let Some(control_plane) = ControlPlane::up() else { return };
    let lab = joined(&control_plane);
    control_plane.apply(
        r#"
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: each}
spec:
  selector: {matchLabels: {app: each}}
  template:
    metadata: {labels: {app: each}}
    spec: {containers: [{name: c, image: x, command: [sleep, "1000"]}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: kept}
spec:
  replicas: 2
  serviceName: kept
  selector: {matchLabels: {app: kept}}
  template:
    metadata: {labels: {app: kept}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: c, image: x, command: [sleep, "1000"]}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: c, image: x, command: ["true"]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: broken}
spec: {containers: [{name: c, image: x, command: [sh, -c, "echo no luck; exit 3"]}]}
"#,
    );
    control_plane.kubectl("rollout status daemonset/each --timeout=30s");
    control_plane.kubectl("rollout status statefulset/kept --timeout=30s");
    control_plane.kubectl("wait --for=condition=Complete job/once --timeout=30s");
    let each = get(&control_plane, "daemonset each");
    assert_eq!(each["status"]["numberReady"], json!(2));
    let uid = text(&get(&control_plane, "pod kept-0")["metadata"]["uid"]);
    control_plane.kubectl("delete pod kept-0");
    control_plane.kubectl("rollout status statefulset/kept --timeout=30s");
    assert_ne!(text(&get(&control_plane, "pod kept-0")["metadata"]["uid"]), uid);
    let state = || get(&control_plane, "pod broken")["status"]["containerStatuses"][0].clone();
    lab.await_that("the broken pod has not been restarted", |_| {
        state()["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    });
    let last = &state()["lastState"]["terminated"];
    assert_eq!(
        json!([last["exitCode"], last["reason"], last["message"]]),
        json!([3, "Error", "exit status: 3: no luck"])
    );
}
