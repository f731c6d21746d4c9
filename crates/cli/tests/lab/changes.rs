//! Does traffic follow what changes?

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::rig::{Answer, Lab, ask_tcp, http, many};

const SHOP: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: pogu.dev/echo
        args: [--http=8080, --tcp=9000, --linger=2s]
        readinessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 1, failureThreshold: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  type: NodePort
  selector: {app: web}
  ports:
  - {name: http, port: 80, targetPort: 8080, nodePort: 30080}
  - {name: tcp, port: 90, targetPort: 9000, nodePort: 30090}
"#;

const HTTP: &str = "172.30.0.11:30080";
const TCP: &str = "172.30.0.11:30090";

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn answering(lab: &Lab) -> BTreeSet<String> {
    let outside = lab.netns("outside");
    let answers = many(|| ask_tcp(&outside, at(TCP)));
    answers
        .into_iter()
        .map(|answer| answer.map_or_else(|error| error, |it: Answer| it.pod))
        .collect()
}

fn names(lab: &Lab) -> BTreeSet<String> {
    lab.pods().iter().map(|pod| pod["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn readiness_moves_traffic_soon_after_the_probes_verdict() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::up(SHOP, &["--nodes", "2"]);
    let all = names(&lab);
    assert_eq!(answering(&lab), all);
    let pods = lab.pods();
    let first = pods[0]["name"].as_str().unwrap().to_owned();
    let address: SocketAddr =
        format!("{}:8080", pods[0]["addresses"][0].as_str().unwrap()).parse().unwrap();
    let node = lab.netns("node.node-1");

    assert_eq!(http(&node, "POST", address, "/unready").unwrap().0, 200);
    await_verdict(&lab, &first, false);
    let others: BTreeSet<String> = all.iter().filter(|name| **name != first).cloned().collect();
    soon(|| answering(&lab) == others);
    let why = lab.pods().iter().find(|pod| pod["name"] == *first).unwrap()["why"].clone();
    let expected = "readinessProbe failed (GET /ready: HTTP 503) of container web";
    assert_eq!(why.as_str(), Some(expected));

    assert_eq!(http(&node, "POST", address, "/ready").unwrap().0, 200);
    await_verdict(&lab, &first, true);
    soon(|| answering(&lab) == all);
}

fn await_verdict(lab: &Lab, pod: &str, ready: bool) {
    lab.await_that("the probe says nothing", |lab| {
        lab.pods().iter().any(|it| it["name"] == *pod && it["ready"] == ready)
    });
}

/// The machine may be busy, so the limit is generous: it takes some 70 ms.
#[expect(clippy::disallowed_methods, reason = "the time that passes is what is judged")]
fn soon(mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(5), "traffic has not followed");
    }
}

#[test]
fn a_rolling_update_under_continuous_requests_loses_none() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::up(SHOP, &["--nodes", "2"]);
    let before = names(&lab);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let clients: Vec<_> = ["outside", "node.node-2"]
            .into_iter()
            .map(|from| {
                let (netns, is_over) = (lab.netns(from), &is_over);
                scope.spawn(move || {
                    let mut outcomes = Vec::new();
                    while !is_over.load(Ordering::Relaxed) {
                        outcomes.push(http(&netns, "GET", at(HTTP), "/").map(|(status, _)| status));
                    }
                    outcomes
                })
            })
            .collect();
        lab.write("app.yaml", &SHOP.replace("--linger=2s", "--linger=2100ms"));
        lab.await_that("the Deployment is not rolled over", |lab| {
            let status = lab.status();
            let deployment = &status["deployments"][0];
            names(lab).is_disjoint(&before) && deployment["available"] == 2
        });
        is_over.store(true, Ordering::Relaxed);
        for client in clients {
            let outcomes = client.join().unwrap();
            assert!(outcomes.len() > 100, "{} requests in all", outcomes.len());
            let lost: Vec<_> = outcomes.into_iter().filter(|outcome| *outcome != Ok(200)).collect();
            assert_eq!(lost, Vec::new());
        }
    });
}

#[test]
fn a_crashed_node_is_left_out_and_comes_back() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::up(SHOP, &["--nodes", "2", "--node-grace", "1"]);
    let on = |lab: &Lab, node: &str| -> BTreeSet<String> {
        let pods = lab.pods();
        let there = pods.iter().filter(|pod| pod["node"] == node);
        there.map(|pod| pod["name"].as_str().unwrap().to_owned()).collect()
    };
    let (first, second) = (on(&lab, "node-1"), on(&lab, "node-2"));
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_eq!(lab.says(&["lab", "crash", "node-2"]), "node node-2 crashed\n");
    lab.await_that("the lost pod is still used", |lab| answering(lab) == first);
    assert_eq!(lab.says(&["lab", "boot", "node/node-2"]), "node node-2 comes back\n");
    lab.await_that("node-2 has no pod again", |lab| {
        let back = on(lab, "node-2");
        back.len() == 1 && back != second && answering(lab) == names(lab)
    });
    // Its own agent works again: what arrives there is balanced.
    let outside = lab.netns("outside");
    let answers = many(|| ask_tcp(&outside, at("172.30.0.12:30090")));
    assert_eq!(answers.len(), 2);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

#[test]
fn an_agent_that_dies_is_started_again_and_its_rules_stay() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::up(SHOP, &["--nodes", "1"]);
    let pid = i32::try_from(lab.status()["nodes"][0]["agentPid"].as_u64().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let all = names(&lab);
    assert_eq!(answering(&lab), all);
    lab.await_that("the agent is not back", |lab| {
        let node = lab.status()["nodes"][0].clone();
        node["agentRestarts"] == 1 && node["state"] == "Ready"
    });
    lab.says(&["lab", "scale", "shop/web", "--replicas", "1"]);
    lab.await_that("the agent does nothing", |lab| answering(lab).len() == 1);
}

#[test]
fn objects_come_and_go_by_edits_and_by_commands() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::up(SHOP, &["--nodes", "2"]);
    let said = lab.says(&["lab", "scale", "deployment/shop/web", "--replicas", "3"]);
    assert_eq!(said, "Deployment shop/web scaled to 3\n");
    lab.await_that("there are no three pods", |lab| answering(lab).len() == 3);

    let extra = SHOP.split("---").nth(1).unwrap();
    let extra =
        extra.replace("name: web, namespace", "name: extra, namespace").replace("300", "310");
    lab.write("extra.yaml", &extra);
    let outside = lab.netns("outside");
    let reaches = |port: u16| {
        let target = SocketAddr::new("172.30.0.12".parse().unwrap(), port);
        ask_tcp(&outside, target).is_ok()
    };
    lab.await_that("a new file is not taken in", |_| reaches(31090));
    std::fs::remove_file(lab.path("extra.yaml")).unwrap();
    lab.await_that("a file that is gone still counts", |_| !reaches(31090));

    lab.write("applied", &extra);
    let path = lab.path("applied").display().to_string();
    assert_eq!(lab.says(&["lab", "apply", "-f", &path]), "Service shop/extra applied\n");
    lab.await_that("what was applied is not there", |_| reaches(31090));
    assert_eq!(lab.says(&["lab", "delete", "service/shop/extra"]), "Service shop/extra deleted\n");
    lab.await_that("what was deleted is there", |_| !reaches(31090));

    let pod = lab.pods()[0]["name"].as_str().unwrap().to_owned();
    let said = lab.says(&["lab", "delete", &format!("pod/shop/{pod}")]);
    assert_eq!(said, format!("Pod shop/{pod} deleted\n"));
    lab.await_that("the pod is not replaced", |lab| {
        let names = names(lab);
        names.len() == 3 && !names.contains(&pod) && answering(lab) == names
    });
}
