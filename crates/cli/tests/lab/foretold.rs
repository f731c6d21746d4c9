//! Does what is foretold happen, and is it told when it does not?

use serde_json::Value;

use crate::rig::{Lab, PATIENCE};

const APP: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: pogu.dev/echo, args: [--http=8080, --udp=53]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  type: NodePort
  ipFamilyPolicy: RequireDualStack
  selector: {app: web}
  ports:
  - {name: http, port: 80, targetPort: 8080, nodePort: 30080}
  - {name: dns, port: 53, protocol: UDP, nodePort: 30053}
---
apiVersion: v1
kind: Service
metadata: {name: nobody, namespace: shop}
spec: {selector: {app: nobody}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: search, namespace: shop}
spec: {type: ExternalName, externalName: www.naver.com}
";

/// Exit code and trace of a question that is tried.
fn tried(lab: &Lab, args: &[&str]) -> (Option<i32>, Value) {
    let output = lab.pogu(&[&["explain", "--probe", "-o", "json"], args].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    (output.status.code(), serde_json::from_str(&text).unwrap_or_else(|_| panic!("{errors}")))
}

#[test]
fn what_was_foretold_is_observed() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::up(APP, &["--nodes", "2"]);
    let web = ["--from", "deployment/shop/web"];
    for (args, outcome, n) in [
        (&[web[0], web[1], "http://web"][..], "forward", 8),
        (&[web[0], web[1], "-6", "http://web.shop"], "forward", 8),
        (&[web[0], web[1], "web:53/udp"], "forward", 8),
        (&[web[0], web[1], "http://nobody"], "reject", 1),
        (&[web[0], web[1], "http://search"], "unknown", 1),
        (&[web[0], web[1], "http://www.naver.com"], "unknown", 1),
        (&["--from", "node/node-2", "svc/shop/web:http"], "forward", 8),
        (&["http://172.30.0.11:30080"], "forward", 8),
        (&["--from", "outside", "http://[fd00:30::12]:30080"], "forward", 8),
        (&["--from", "outside", "172.30.0.12:30053/udp"], "forward", 8),
    ] {
        let (code, trace) = tried(&lab, args);
        assert_eq!(code, Some(0), "{args:?}: {trace:#}");
        assert_eq!(trace["verdict"]["outcome"], outcome, "{args:?}");
        assert_eq!(trace["observations"].as_array().unwrap().len(), n, "{args:?}: {trace:#}");
        assert_eq!(trace["differences"], Value::Null, "{args:?}");
    }
}

#[test]
fn the_flags_of_the_agents_count() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::up(APP, &["--nodes", "2", "--agent-flag=--masquerade-all"]);
    let (code, trace) = tried(&lab, &["--from", "deployment/shop/web", "http://web"]);
    assert_eq!(code, Some(0), "{trace:#}");
    let endpoints = trace["verdict"]["endpoints"].as_array().unwrap();
    let whys: Vec<&str> = endpoints.iter().filter_map(|it| it["source"]["why"].as_str()).collect();
    assert_eq!(whys, ["masquerade-all"; 2]);
}

#[test]
fn a_flag_that_agents_do_not_take_is_told() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::named(crate::rig::fresh_name());
    let args = ["lab", "up", "--detach", "--nodes", "1", "--agent-flag=--no-such-flag"];
    let output = lab.pogu(&args);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    let first = text.lines().next().unwrap_or_default();
    assert_eq!(first, "pogu: --agent-flag is none of the agent's: --no-such-flag");
}

#[test]
fn what_happens_otherwise_is_an_error_of_its_own() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::up(APP, &["--nodes", "1"]);
    // Somebody else's rules, of which no agent knows.
    let rules = "table inet other { chain forward { type filter hook forward priority -1; \
                 tcp dport 8080 reject with tcp reset; udp dport 53 drop; }; }";
    let load = || host::process::stdout_of("nft", &["-f", "-"], rules, PATIENCE);
    lab.netns("node.node-1").run(load).unwrap().unwrap();
    for (target, observed) in
        [("http://172.30.0.11:30080", "refused"), ("172.30.0.11:30053/udp", "silence")]
    {
        let (code, trace) = tried(&lab, &[target]);
        assert_eq!(code, Some(3));
        let expected = serde_json::json!(
            [{"stage": "policy", "foretold": "answered", "observed": observed}]
        );
        assert_eq!(trace["differences"], expected);
    }
    let output = lab.pogu(&["explain", "--probe", "http://172.30.0.11:30080"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let third = text.lines().nth(2).unwrap_or_default();
    assert_eq!(third, "WRONG: policy: foretold was answered, but observed refused");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn an_unready_pod_is_named_with_what_its_probe_said() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::up("", &["--nodes", "1"]);
    lab.write(
        "app.yaml",
        "
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
  - name: web
    image: pogu.dev/echo
    args: [--http=8080, --unready]
    readinessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.0.99, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
",
    );
    let said = "readinessProbe failed (GET /ready: HTTP 503) of container web";
    lab.await_that("the reason is not told", |lab| {
        let output =
            lab.pogu(&["explain", "--from", "node/node-1", "-o", "json", "svc/default/web"]);
        let trace: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let warnings = trace["warnings"].as_array().cloned().unwrap_or_default();
        let text = warnings.iter().filter_map(|it| it["says"].as_str()).collect::<String>();
        text.contains("default/web") && text.contains(said)
    });
}

#[test]
fn a_question_without_a_lab_says_how_to_get_one() {
    let lab = Lab::named(crate::rig::fresh_name());
    let output = lab.pogu(&["explain", "--probe", "http://web"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    let first = text.lines().next().unwrap_or_default();
    assert_eq!(first, format!("pogu: lab {} is not up", lab.name));
}
