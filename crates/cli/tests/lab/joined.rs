//! Does a lab at a real API server do what the objects there say, and leave nothing there?

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;

use host::netns::Netns;
use serde_json::{Value, json};
use testkit::control_plane::ControlPlane;

use crate::control_plane::{Forward, first_attached_line, get, names};
use crate::rig::{Answer, Lab, ask_tcp, fresh_name, many};

mod replace;

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

fn joined(control_plane: &ControlPlane) -> Lab {
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

#[test]
fn what_runs_goes_on_while_the_api_server_is_away() {
    if host::skip::without_root() {
        return;
    }
    let Some(control_plane) = ControlPlane::up() else { return };
    let lab = joined(&control_plane);
    control_plane.apply(SHOP);
    control_plane.kubectl("wait --for=condition=Ready pod/client --timeout=30s");
    control_plane.kubectl("rollout status deployment/web --timeout=30s");
    await_service(&lab, &control_plane);
    let (targets, before) = (cluster_ips(&control_plane), pods(&control_plane));
    control_plane.order("kill", &["kube-apiserver"]);
    // One of them crashes meanwhile, and is restarted without anybody's being asked.
    let pod = before.iter().find_map(|it| it.clone().ok()).unwrap();
    lab.netns(&format!("pod.default.{pod}")).kill_all().unwrap();
    lab.await_that("it was not restarted", |lab| {
        let all = lab.pods();
        let found = all.iter().find(|it| it["name"] == json!(pod)).unwrap();
        found["restarts"] != json!(0) && found["ready"] == json!(true)
    });
    for target in targets {
        assert_eq!(answering(&lab, target), before);
    }
    control_plane.order("start", &["kube-apiserver"]);
    lab.await_that("the API server was not told", |lab| {
        let status = get(&control_plane, &format!("pod {pod}"))["status"].clone();
        let restarts = &status["containerStatuses"][0]["restartCount"];
        lab.pods().iter().any(|it| it["name"] == json!(pod) && it["restarts"] == *restarts)
            && *restarts != json!(0)
    });
    // Whoever watches over nodes says that pods of a silent one are unready, and leaves the rest to
    // the kubelet.
    let unready = r#"{"status":{"conditions":[{"type":"Ready","status":"False"}]}}"#;
    control_plane.kubectl(&format!("patch pod {pod} --subresource=status -p {unready}"));
    let ready = "--for=condition=Ready";
    control_plane.kubectl(&format!("wait {ready} pod/{pod} --timeout=30s"));
    control_plane.kubectl("delete deployment/web --wait=false");
    control_plane.kubectl("wait --for=delete pod -l app=web --timeout=30s");
}

#[test]
fn nodes_of_somebody_else_are_left_alone() {
    if host::skip::without_root() {
        return;
    }
    let Some(control_plane) = ControlPlane::up() else { return };
    control_plane.apply("{apiVersion: v1, kind: Node, metadata: {name: node-2}}");
    let lab = Lab::named(fresh_name());
    let kubeconfig = control_plane.admin().display().to_string();
    let output = lab.pogu(&["lab", "up", "--nodes", "2", "--kubeconfig", &kubeconfig]);
    let said = String::from_utf8(output.stderr).unwrap();
    let expected = "\
pogu: the API server has a Node node-2 that is not of this lab
hint: if it is left of another lab: `kubectl delete node node-2`
";
    assert_eq!((output.status.code(), said.as_str()), (Some(1), expected));
    assert_eq!(names(&control_plane, "nodes"), ["node/node-2"]);
    assert_eq!(names(&control_plane, "leases -n kube-node-lease"), [""; 0]);
}

#[test]
fn a_kubeconfig_that_cannot_be_used_says_so() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::named(fresh_name());
    let refused = |args: &[&str]| {
        let output = lab.pogu(&[&["lab", "up"], args].concat());
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    lab.write("empty", "apiVersion: v1\nkind: Config\n");
    let file = |name: &str| Path::new(&lab.path(name)).display().to_string();
    let (none, empty) = (file("none"), file("empty"));
    let hint = "hint: `kubectl version --kubeconfig FILE` shows whether others can use it\n";
    let (code, text) = refused(&["--kubeconfig", &none]);
    let missing = "No such file or directory (os error 2)";
    assert_eq!(
        (code, text),
        (
            Some(1),
            format!(
                "pogu: cannot use the kubeconfig {none}: failed to read kubeconfig from \
                 '\"{none}\"': {missing}\n{hint}"
            )
        )
    );
    let (code, text) = refused(&["--kubeconfig", &empty]);
    let what = format!(
        "pogu: cannot use the kubeconfig {empty}: failed to determine current context\n{hint}"
    );
    assert_eq!((code, text), (Some(1), what));
}
