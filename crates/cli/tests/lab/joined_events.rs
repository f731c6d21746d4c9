//! Do people hear of pods of a joined lab what they hear of a cluster's?

use std::collections::BTreeSet;

use serde_json::Value;
use testkit::control_plane::ControlPlane;

use crate::control_plane::get;
use crate::joined::joined;

const OBJECTS: &str = r#"
apiVersion: v1
kind: Pod
metadata: {name: sound}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: c, image: x, command: [sleep, "1000"]}
---
apiVersion: v1
kind: Pod
metadata: {name: sick}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: x
    command: [sleep, "1000"]
    livenessProbe: {exec: {command: ["false"]}, periodSeconds: 1, failureThreshold: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: bare}
spec:
  volumes: [{name: v, secret: {secretName: nowhere}}]
  containers:
  - {name: c, image: x, command: [sleep, "1000"], volumeMounts: [{name: v, mountPath: /v}]}
"#;

/// Reason, type and message of all that is told of a pod.
fn told(control_plane: &ControlPlane, pod: &str) -> BTreeSet<[String; 3]> {
    let all = get(control_plane, &format!("events --field-selector involvedObject.name={pod}"));
    let text = |event: &Value, field: &str| event[field].as_str().unwrap_or_default().to_owned();
    let all = all["items"].as_array().unwrap();
    all.iter().map(|it| ["reason", "type", "message"].map(|field| text(it, field))).collect()
}

fn set(all: &[[&str; 3]]) -> BTreeSet<[String; 3]> {
    all.iter().map(|it| it.map(str::to_owned)).collect()
}

#[test]
fn people_hear_what_becomes_of_pods() {
    if host::skip::without_root() {
        return;
    }
    let Some(control_plane) = ControlPlane::up() else { return };
    let lab = joined(&control_plane);
    control_plane.apply(OBJECTS);
    control_plane.kubectl("wait --for=condition=Ready pod/sound --timeout=30s");
    let node = get(&control_plane, "pod sound")["spec"]["nodeName"].as_str().unwrap().to_owned();
    let assigned = format!("Successfully assigned default/sound to {node}");
    let begun = [
        ["Scheduled", "Normal", assigned.as_str()],
        ["Pulled", "Normal", "Container image \"x\" already present on machine"],
        ["Created", "Normal", "Created container: c"],
        ["Started", "Normal", "Started container c"],
    ];
    lab.await_that("its begin is not told", |_| told(&control_plane, "sound") == set(&begun));
    let killed = ["Killing", "Normal", "Container c failed liveness probe, will be restarted"];
    lab.await_that("its trouble is not told", |_| {
        let all = told(&control_plane, "sick");
        let reasons: BTreeSet<&str> = all.iter().map(|it| it[0].as_str()).collect();
        let expected =
            ["BackOff", "Created", "Killing", "Pulled", "Scheduled", "Started", "Unhealthy"];
        all.is_superset(&set(&[killed])) && reasons == BTreeSet::from(expected)
    });
    let absent = "MountVolume.SetUp failed for volume \"v\" : secret \"nowhere\" not found";
    lab.await_that("what is absent is not told", |_| {
        told(&control_plane, "bare").is_superset(&set(&[["FailedMount", "Warning", absent]]))
    });
    control_plane.kubectl("delete pod sound --wait=false");
    let stopped = set(&[["Killing", "Normal", "Stopping container c"]]);
    lab.await_that("its end is not told", |_| told(&control_plane, "sound").is_superset(&stopped));
    let by = get(&control_plane, "events --field-selector source=kubelet,reason=Started");
    assert_ne!(by["items"].as_array().unwrap().len(), 0);
}
