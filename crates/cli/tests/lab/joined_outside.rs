//! Who else reaches Services of a joined lab, and who else may be at its API server?

use std::net::SocketAddr;

use testkit::control_plane::ControlPlane;

use crate::control_plane::names;
use crate::joined::joined;
use crate::rig::{Lab, ask_tcp, fresh_name};

const OBJECTS: &str = r#"
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: web, image: pogu.dev/echo, args: [--tcp=80]}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, externalIPs: [203.0.113.7], ports: [{port: 80}]}
"#;

#[test]
fn clients_outside_reach_external_addresses_and_another_lab_is_refused() {
    if host::skip::without_root() {
        return;
    }
    let Some(control_plane) = ControlPlane::up() else { return };
    let lab = joined(&control_plane);
    control_plane.apply(OBJECTS);
    control_plane.kubectl("wait --for=condition=Ready pod/web --timeout=30s");
    let target: SocketAddr = "203.0.113.7:80".parse().unwrap();
    let outside = lab.netns("outside");
    lab.await_that("the external IP does not lead to the pod", |_| {
        ask_tcp(&outside, target).is_ok_and(|answer| answer.pod == "web")
    });
    let other = Lab::named(fresh_name());
    let kubeconfig = control_plane.admin().display().to_string();
    let output = other.pogu(&["lab", "up", "--nodes", "1", "--kubeconfig", &kubeconfig]);
    let name = &lab.name;
    let expected = format!(
        "pogu: the API server has a Node node-1 of another lab: {name}\n\
         hint: `pogu lab down --name {name}` ends it where it runs; if it runs no longer: \
         `kubectl delete node -l lab.pogu.dev/lab={name}`\n"
    );
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said), (Some(1), expected));
    assert_eq!(names(&control_plane, "nodes"), ["node/node-1", "node/node-2"]);
}
