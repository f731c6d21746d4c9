//! Is a pod what its manifest says?

use std::fs;

use serde_json::Value;

use crate::rig::{Lab, http};

fn pod(lab: &Lab, name: &str) -> Value {
    let pods = lab.pods();
    pods.iter().find(|pod| pod["name"] == name).unwrap().clone()
}

#[test]
fn a_pod_has_its_own_name_files_and_variables() {
    if host::skip::without_root() {
        return;
    }
    let manifest = r#"
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {tier: front}}
spec:
  hostname: door
  subdomain: yard
  hostAliases: [{ip: 192.0.2.9, hostnames: [harbour]}]
  dnsConfig: {options: [{name: ndots, value: "2"}], searches: [example.com]}
  containers:
  - name: web
    image: whatever
    command: [sh, -c, 'hostname; cat /etc/resolv.conf; tail -n 5 /etc/hosts; echo "$WHO on $WHERE: $TIER"; exec sleep 1000']
    env:
    - {name: WHERE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
    - {name: TIER, valueFrom: {fieldRef: {fieldPath: "metadata.labels['tier']"}}}
    - {name: WHO, value: "the $(TIER) pod"}
---
apiVersion: v1
kind: Pod
metadata: {name: of-node, namespace: shop}
spec:
  hostNetwork: true
  dnsPolicy: ClusterFirstWithHostNet
  containers:
  - {name: web, image: x, command: [sh, -c, 'hostname; cat /etc/resolv.conf; exec sleep 1000']}
"#;
    let lab = Lab::up(manifest, &["--nodes", "1"]);
    lab.await_that("the pod says nothing", |lab| {
        lab.says(&["lab", "logs", "pod/shop/web"]).contains(" on ")
    });
    let expected = "\
door
search shop.svc.cluster.local svc.cluster.local cluster.local example.com
nameserver 10.96.0.10
nameserver fd00:10:96::a
options ndots:2
10.244.1.2\tdoor.yard.shop.svc.cluster.local\tdoor
fd00:10:244:1::2\tdoor.yard.shop.svc.cluster.local\tdoor

# Entries added by HostAliases.
192.0.2.9\tharbour
the front pod on node-1: front
";
    assert_eq!(lab.says(&["lab", "logs", "pod/shop/web"]), expected);
    let expected = "\
node-1
search shop.svc.cluster.local svc.cluster.local cluster.local
nameserver 10.96.0.10
nameserver fd00:10:96::a
options ndots:5
";
    assert_eq!(lab.says(&["lab", "logs", "pod/shop/of-node"]), expected);
    assert_eq!(pod(&lab, "of-node")["addresses"][0], "172.30.0.11");
    let said = lab.says(&[
        "lab",
        "exec",
        "pod/shop/web",
        "--",
        "sh",
        "-c",
        "tail -n 1 /etc/hosts; hostname",
    ]);
    assert_eq!(said, "192.0.2.9\tharbour\nweb\n");
}

const PROBED: &str = r#"
apiVersion: v1
kind: Pod
metadata: {name: well}
spec:
  containers:
  - name: http
    image: pogu.dev/echo
    args: [--http=8080]
    startupProbe: {httpGet: {path: /healthz, port: web, httpHeaders: [{name: X-Probe, value: "1"}]}, periodSeconds: 1}
    readinessProbe: {grpc: {port: 8080}, periodSeconds: 1}
    livenessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
    ports: [{name: web, containerPort: 8080}]
  - name: exec
    image: pogu.dev/echo
    args: [--http=8081]
    readinessProbe: {exec: {command: [sh, -c, 'test "$POD_NAME" = well']}, periodSeconds: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: ill}
spec:
  containers:
  - name: exec
    image: pogu.dev/echo
    readinessProbe: {exec: {command: [sh, -c, 'exit 3']}, periodSeconds: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: slow}
spec:
  containers:
  - name: exec
    image: pogu.dev/echo
    readinessProbe: {exec: {command: [sleep, '1000']}, periodSeconds: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: silent}
spec:
  containers:
  - name: grpc
    image: pogu.dev/echo
    args: [--http=8080, --unready]
    readinessProbe: {grpc: {port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: closed}
spec:
  containers:
  - name: tcp
    image: pogu.dev/echo
    readinessProbe: {tcpSocket: {port: 9}, periodSeconds: 1}
"#;

#[test]
fn probes_of_every_kind_decide() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::up("", &["--nodes", "1"]);
    lab.write("app.yaml", PROBED);
    let why = |lab: &Lab, name: &str| {
        let pods = lab.pods();
        let pod = pods.iter().find(|pod| pod["name"] == name);
        pod.map_or_else(
            || "absent".to_owned(),
            |pod| pod["why"].as_str().unwrap_or("ready").to_owned(),
        )
    };
    let expected = [
        ("well", "ready"),
        ("ill", "readinessProbe failed (sh: exit status: 3) of container exec"),
        ("slow", "readinessProbe failed (no answer within 1 s) of container exec"),
        ("silent", "readinessProbe failed (gRPC health check: not SERVING) of container grpc"),
        (
            "closed",
            "readinessProbe failed (cannot connect to 10.244.1.6:9: connection refused) of container tcp",
        ),
    ];
    lab.await_that("the probes have not decided", |lab| {
        expected.iter().all(|(name, _)| {
            let why = why(lab, name);
            why == "ready" || why.contains("failed (") && !why.contains("8080: connection refused")
        })
    });
    let found = expected.map(|(name, _)| (name, why(&lab, name)));
    // Which address the last one has depends on the order of their names.
    let address = pod(&lab, "closed")["addresses"][0].as_str().unwrap().to_owned();
    let expected = expected.map(|(name, text)| (name, text.replace("10.244.1.6", &address)));
    assert_eq!(found, expected);
}

#[test]
fn a_server_that_speaks_tls_is_probed_whatever_its_certificate() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::up("", &["--nodes", "1"]);
    let manifest = r"
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: x
    command:
    - sh
    - -c
    - >-
      openssl req -x509 -newkey rsa:2048 -nodes -keyout KEY -out CERT -subj /CN=nobody -days 1 &&
      exec openssl s_server -www -accept 8443 -key KEY -cert CERT
    readinessProbe: {httpGet: {scheme: HTTPS, port: 8443}, periodSeconds: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: plain}
spec:
  containers:
  - name: web
    image: pogu.dev/echo
    readinessProbe: {httpGet: {scheme: HTTPS, port: 8080}, periodSeconds: 1}
";
    let path = |name: &str| lab.path(name).display().to_string();
    lab.write("app.yaml", &manifest.replace("KEY", &path("key")).replace("CERT", &path("cert")));
    lab.await_that("the TLS server is not ready", |lab| {
        lab.pods().iter().any(|pod| pod["name"] == "web" && pod["ready"] == true)
    });
    lab.await_that("the other is not refused", |lab| {
        let why = pod(lab, "plain")["why"].as_str().unwrap_or_default().to_owned();
        why.starts_with("readinessProbe failed (TLS: ")
    });
}

#[test]
fn a_liveness_probe_restarts_and_an_init_container_goes_first() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::up("", &["--nodes", "1"]);
    let trace = lab.path("trace").display().to_string();
    let manifest = r"
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: 5
  initContainers:
  - {name: first, image: x, command: [sh, -c, 'echo first >> TRACE']}
  - {name: second, image: x, command: [sh, -c, 'echo second >> TRACE']}
  containers:
  - name: web
    image: x
    command: [sh, -c, 'echo start >> TRACE; trap ''echo term >> TRACE; exit 0'' TERM; while :; do sleep 0.05; done']
    livenessProbe: {exec: {command: [sh, -c, 'test $(grep -c start TRACE) -gt 1']}, periodSeconds: 1, failureThreshold: 1}
    lifecycle: {preStop: {exec: {command: [sh, -c, 'echo stop >> TRACE']}}}
";
    lab.write("app.yaml", &manifest.replace("TRACE", &trace));
    lab.await_that("it is not restarted", |lab| {
        lab.pods().first().is_some_and(|pod| pod["restarts"] == 1 && pod["ready"] == true)
    });
    lab.await_that("it is not alive", |_| {
        fs::read_to_string(&trace).unwrap().matches("start").count() == 2
    });
    lab.write("app.yaml", "");
    lab.await_that("it is not gone", |lab| lab.pods().is_empty());
    let expected = "first\nsecond\nstart\nstop\nterm\nstart\nstop\nterm\n";
    assert_eq!(fs::read_to_string(&trace).unwrap(), expected);
}

#[test]
fn images_are_mapped_or_stood_in_for() {
    if host::skip::without_root() {
        return;
    }
    let manifest = r#"
apiVersion: v1
kind: Pod
metadata: {name: mapped}
spec: {containers: [{name: web, image: "example.com/greeter:1", args: [there]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: other}
spec: {containers: [{name: web, image: "nginx:1.27", ports: [{containerPort: 80}]}]}
"#;
    let flags = ["--nodes", "1", "--image", "greeter=sh -c 'echo hello $0; exec sleep 1000'"];
    let lab = Lab::up(manifest, &flags);
    lab.await_that("it says nothing", |lab| {
        lab.says(&["lab", "logs", "pod/mapped"]) == "hello there\n"
    });
    let address = pod(&lab, "other")["addresses"][0].as_str().unwrap().to_owned();
    let target = format!("{address}:80").parse().unwrap();
    lab.await_that("nobody answers", |lab| http(&lab.netns("outside"), "GET", target, "/").is_ok());
    let (status, body) = http(&lab.netns("outside"), "GET", target, "/").unwrap();
    assert_eq!((status, body.lines().next()), (200, Some("pod: other")));
}
