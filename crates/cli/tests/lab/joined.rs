//! Does a lab at a real API server do what the objects there say, and leave nothing there?

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use serde_json::Value;
use testkit::control_plane::ControlPlane;

use crate::control_plane::get;
use crate::rig::{Answer, Lab, ask_tcp, fresh_name, many};

mod away;
mod checks;
mod kubectl;
mod replace;
mod status;
mod wrong;

/// A Service, a client, and a server that tells who answered.
const SHOP: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 2
      containers:
      - name: web
        image: pogu.dev/echo
        args: [--tcp=80, --udp=80]
        readinessProbe: {tcpSocket: {port: 80}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  ipFamilyPolicy: RequireDualStack
  selector: {app: web}
  ports: [{port: 80}]
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: client, image: x, command: [sleep, "1000"]}]
"#;

pub(crate) fn joined(control_plane: &ControlPlane) -> Lab {
    let lab = Lab::named(fresh_name());
    let kubeconfig = control_plane.admin().display().to_string();
    lab.says(&["lab", "up", "--detach", "--nodes", "2", "--kubeconfig", &kubeconfig]);
    lab
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The addresses of the Service, of both families.
fn cluster_ips(control_plane: &ControlPlane) -> Vec<SocketAddr> {
    let service = get(control_plane, "service web");
    let ips = service["spec"]["clusterIPs"].as_array().unwrap().clone();
    ips.iter().map(|ip| SocketAddr::new(text(ip).parse::<IpAddr>().unwrap(), 80)).collect()
}

/// The pods that the client's connections reach; an error is one of them.
fn answering(lab: &Lab, target: SocketAddr) -> BTreeSet<Result<String, String>> {
    let client = lab.netns("pod.default.client");
    let found = many(|| ask_tcp(&client, target));
    found.into_iter().map(|it| it.map(|Answer { pod, .. }| pod)).collect()
}

/// Those of the Deployment, by name.
fn pods(control_plane: &ControlPlane) -> BTreeSet<Result<String, String>> {
    let list = get(control_plane, "pods -l app=web");
    let all = list["items"].as_array().unwrap().clone();
    all.iter().map(|pod| Ok(text(&pod["metadata"]["name"]))).collect()
}

fn await_service(lab: &Lab, control_plane: &ControlPlane) {
    for target in cluster_ips(control_plane) {
        lab.await_that("the Service does not reach its pods", |lab| {
            answering(lab, target) == pods(control_plane)
        });
    }
}
