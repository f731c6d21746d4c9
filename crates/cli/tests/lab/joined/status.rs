//! What do a Node, its Lease and a Pod of a joined lab say, and for how long are they believed?

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::thread::available_parallelism;

use ipnet::IpNet;
use rustix::system::{sysinfo, uname};
use serde_json::{Value, json};
use testkit::control_plane::ControlPlane;

use super::{joined, text};
use crate::control_plane::get;
use crate::rig::{Lab, ask_tcp};

const POD: &str = r#"
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: 0
  nodeSelector: {kubernetes.io/hostname: node-1}
  containers: [{name: web, image: pogu.dev/echo, args: [--tcp=80]}]
"#;

/// What nobody can foretell.
const MASKED: [&str; 8] = [
    "creationTimestamp",
    "lastHeartbeatTime",
    "lastTransitionTime",
    "renewTime",
    "resourceVersion",
    "startTime",
    "startedAt",
    "uid",
];

fn masked(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mask = |(name, value): (&String, &Value)| {
                let is_masked = value.is_string() && MASKED.contains(&name.as_str());
                (name.clone(), if is_masked { "?".into() } else { masked(value) })
            };
            fields.iter().map(mask).collect()
        }
        Value::Array(all) => all.iter().map(masked).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[test]
fn a_node_and_its_lease_say_what_a_kubelet_s_do() {
    if host::skip::without_root() {
        return;
    }
    let Some(control_plane) = ControlPlane::up() else { return };
    let lab = joined(&control_plane);
    lab.await_that("the node is tainted", |_| {
        get(&control_plane, "node node-1")["spec"]["taints"] == Value::Null
    });
    let node = get(&control_plane, "node node-1");
    let port = &node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"];
    // Whichever of the cluster's it was given.
    let ranges = &node["spec"]["podCIDRs"];
    for (range, whole, length) in
        [(&ranges[0], "10.244.0.0/16", 24), (&ranges[1], "fd00:10:244::/56", 64)]
    {
        let (range, whole): (IpNet, IpNet) = (text(range).parse().unwrap(), whole.parse().unwrap());
        assert!(whole.contains(&range) && range.prefix_len() == length, "{range}");
    }
    let expected = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": "node-1",
            "uid": "?",
            "resourceVersion": "?",
            "creationTimestamp": "?",
            "labels": {
                // By the API server, of the two below.
                "beta.kubernetes.io/arch": architecture(),
                "beta.kubernetes.io/os": "linux",
                "kubernetes.io/hostname": "node-1",
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": architecture(),
                "topology.kubernetes.io/zone": "zone-a",
                "lab.pogu.dev/lab": lab.name,
            },
        },
        "spec": {"podCIDR": ranges[0], "podCIDRs": ranges},
        "status": status(&control_plane, port),
    });
    assert_eq!(masked(&node), expected);
    // Somebody is there.
    let port = u16::try_from(port.as_u64().unwrap()).unwrap();
    drop(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap());
    is_renewed(&lab, &control_plane, &node["metadata"]["uid"]);
}

/// What it says of its node and of this machine.
fn status(control_plane: &ControlPlane, port: &Value) -> Value {
    json!({
        "capacity": resources(),
        "allocatable": resources(),
        "addresses": [
            {"type": "InternalDNS", "address": "127.0.0.1"},
            {"type": "InternalIP", "address": "172.30.0.11"},
            {"type": "InternalIP", "address": "fd00:30::11"},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        "conditions": [
            condition("MemoryPressure", "False", "KubeletHasSufficientMemory", UNSEEN),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure", UNSEEN),
            condition("PIDPressure", "False", "KubeletHasSufficientPID", UNSEEN),
            condition("Ready", "True", "KubeletReady", "the lab runs this node"),
        ],
        "nodeInfo": {
            "machineID": "node-1",
            "systemUUID": "node-1",
            "bootID": "node-1",
            "kernelVersion": uname().release().to_str().unwrap(),
            "osImage": "pogu lab",
            "containerRuntimeVersion": concat!("pogu://", env!("CARGO_PKG_VERSION")),
            "kubeletVersion": version(control_plane),
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": architecture(),
        },
    })
}

/// The Lease of that Node.
fn is_renewed(lab: &Lab, control_plane: &ControlPlane, uid: &Value) {
    let lease = || get(control_plane, "lease node-1 -n kube-node-lease");
    let first = lease();
    let owner = json!({"apiVersion": "v1", "kind": "Node", "name": "node-1", "uid": uid});
    assert_eq!(first["metadata"]["ownerReferences"], json!([owner]));
    lab.await_that("the Lease is not renewed", |_| {
        lease()["spec"]["renewTime"] != first["spec"]["renewTime"]
    });
    let expected =
        json!({"holderIdentity": "node-1", "leaseDurationSeconds": 40, "renewTime": "?"});
    assert_eq!(masked(&lease()["spec"]), expected);
}

#[test]
fn a_pod_says_what_a_kubelet_says_of_it() {
    if host::skip::without_root() {
        return;
    }
    let Some(control_plane) = ControlPlane::up() else { return };
    let _lab = joined(&control_plane);
    control_plane.apply(POD);
    control_plane.kubectl("wait --for=condition=Ready pod/web --timeout=30s");
    let pod = get(&control_plane, "pod web");
    let ips = &pod["status"]["podIPs"];
    let ranges = get(&control_plane, "node node-1")["spec"]["podCIDRs"].clone();
    for family in [0, 1] {
        let range: IpNet = text(&ranges[family]).parse().unwrap();
        let ip: IpAddr = text(&ips[family]["ip"]).parse().unwrap();
        assert!(range.contains(&ip), "{ip} is not of {range}");
    }
    let holds = |kind: &str| {
        json!({
            "type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": "?",
        })
    };
    let expected = json!({
        "phase": "Running",
        "qosClass": "BestEffort",
        "hostIP": "172.30.0.11",
        "hostIPs": [{"ip": "172.30.0.11"}, {"ip": "fd00:30::11"}],
        "podIP": ips[0]["ip"],
        "podIPs": [ips[0], ips[1]],
        "startTime": "?",
        "conditions": [
            holds("PodReadyToStartContainers"),
            holds("Initialized"),
            holds("ContainersReady"),
            holds("Ready"),
            holds("PodScheduled"),
        ],
        "containerStatuses": [{
            "name": "web",
            "image": "pogu.dev/echo",
            "imageID": "pogu.dev/echo",
            "containerID": format!("pogu://{}-web-1", text(&pod["metadata"]["uid"])),
            "ready": true,
            "started": true,
            "restartCount": 0,
            "state": {"running": {"startedAt": "?"}},
            "lastState": {},
        }],
    });
    assert_eq!(masked(&pod["status"]), expected);
}

#[test]
fn a_node_that_crashes_counts_as_lost_until_it_is_back() {
    if host::skip::without_root() {
        return;
    }
    let Some(control_plane) = ControlPlane::up() else { return };
    let lab = joined(&control_plane);
    control_plane.apply(POD);
    control_plane.kubectl("wait --for=condition=Ready pod/web --timeout=30s");
    let ready = |node: &str| {
        let conditions =
            get(&control_plane, &format!("node {node}"))["status"]["conditions"].clone();
        let conditions = conditions.as_array().unwrap().clone();
        masked(conditions.iter().find(|it| it["type"] == "Ready").unwrap())
    };
    let well = condition("Ready", "True", "KubeletReady", "the lab runs this node");
    assert_eq!(lab.says(&["lab", "crash", "node-1"]), "node node-1 crashed\n");
    control_plane.kubectl("wait --for=condition=Ready=Unknown node/node-1 --timeout=90s");
    let silent = "Kubelet stopped posting node status.";
    assert_eq!(ready("node-1"), condition("Ready", "Unknown", "NodeStatusUnknown", silent));
    assert_eq!(ready("node-2"), well);
    control_plane.kubectl("wait --for=condition=Ready=False pod/web --timeout=30s");
    assert_eq!(lab.says(&["lab", "boot", "node-1"]), "node node-1 comes back\n");
    control_plane.kubectl("wait --for=condition=Ready node/node-1 --timeout=30s");
    assert_eq!(ready("node-1"), well);
    control_plane.kubectl("wait --for=condition=Ready pod/web --timeout=30s");
    let ip = text(&get(&control_plane, "pod web")["status"]["podIP"]);
    let target = SocketAddr::new(ip.parse().unwrap(), 80);
    let answer = ask_tcp(&lab.netns("node.node-2"), target).unwrap();
    assert_eq!(answer.pod, "web");
}

const UNSEEN: &str = "the lab does not look";

/// Of a Node.
fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastHeartbeatTime": "?",
        "lastTransitionTime": "?",
    })
}

/// What the kernel says of this machine.
fn resources() -> Value {
    let memory = sysinfo();
    let bytes = memory.totalram * u64::from(memory.mem_unit);
    json!({
        "cpu": available_parallelism().unwrap().to_string(),
        "memory": format!("{}Ki", bytes / 1024),
        "ephemeral-storage": "10Gi",
        "pods": "110",
    })
}

fn architecture() -> &'static str {
    match uname().machine().to_str().unwrap() {
        "aarch64" => "arm64",
        _ => "amd64",
    }
}

/// A node is as old as its API server.
fn version(control_plane: &ControlPlane) -> Value {
    let said: Value = serde_json::from_str(&control_plane.kubectl("get --raw /version")).unwrap();
    said["gitVersion"].clone()
}
