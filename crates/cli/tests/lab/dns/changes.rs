//! Do answers follow what changes, and how soon?

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use super::client::ask;
use super::{CLIENTS, names_lab, says, server};
use crate::rig::Lab;

const CHANGES: usize = 100;

const HEADLESS: &str = r"
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  replicas: 1
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: a, image: pogu.dev/echo, args: [--http=8080]}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec:
  clusterIP: None
  ipFamilyPolicy: RequireDualStack
  selector: {app: cart}
  ports: [{name: http, port: 8080}]
";

fn answered(lab: &Lab, client: &str) -> BTreeSet<String> {
    let name = "cart.shop.svc.cluster.local";
    let said = says(lab, client, &["dig", "+short", name, "A", name, "AAAA"]);
    said.lines().map(str::to_owned).collect()
}

/// Of all that are ready.
fn addresses(lab: &Lab) -> BTreeSet<String> {
    let pods = lab.pods();
    let of = pods.iter().filter(|pod| pod["owner"] == "cart" && pod["ready"] == true);
    let of = of.filter(|pod| pod["state"] == "Running");
    of.flat_map(|pod| pod["addresses"].as_array().unwrap())
        .map(|address| address.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn answers_follow_the_number_of_a_deployments_pods() {
    if host::skip::without_root() {
        return;
    }
    let lab = names_lab();
    // Not a file that the lab follows: it would be scaled back.
    lab.write("cart", HEADLESS);
    let path = lab.path("cart").display().to_string();
    lab.says(&["lab", "apply", "-f", &path]);
    for replicas in [1, 4, 2, 0] {
        lab.says(&["lab", "scale", "shop/cart", "--replicas", &replicas.to_string()]);
        lab.await_that("answers do not follow", |lab| {
            let expected = addresses(lab);
            expected.len() == replicas * 2
                && CLIENTS.iter().all(|client| answered(lab, client) == expected)
        });
    }
}

const CHANGED: &str = "
apiVersion: v1
kind: Service
metadata: {name: far, namespace: shop}
spec: {clusterIP: None, ports: [{name: http, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: far, namespace: shop, labels: {kubernetes.io/service-name: far}}
addressType: IPv4
endpoints: [{addresses: [ADDRESS]}]
ports: [{name: http, port: 80, protocol: TCP}]
";

#[test]
#[expect(clippy::disallowed_methods, reason = "the time that passes is what is judged")]
#[expect(clippy::print_stdout, reason = "what was measured, with --nocapture")]
fn a_changed_object_is_answered_soon_after_it_is_written() {
    if host::skip::without_root() {
        return;
    }
    let lab = names_lab();
    let pod = lab.netns("pod.shop.one");
    let written = format!("/run/pogu/lab/{}/objects/endpointslice.shop.far.json", lab.name);
    let mut times: Vec<Duration> = Vec::new();
    for number in 1..=CHANGES {
        let address = format!("203.0.113.{number}");
        lab.write("far", &CHANGED.replace("ADDRESS", &address));
        let path = lab.path("far").display().to_string();
        lab.says(&["lab", "apply", "-f", &path]);
        let expected = ("NOERROR".to_owned(), BTreeSet::from([address]));
        lab.await_that("the change is not answered", |_| {
            let name = "far.shop.svc.cluster.local";
            let deadline = std::time::Instant::now() + Duration::from_millis(200);
            // Asks without a pause: it is measured.
            while std::time::Instant::now() < deadline {
                if ask(&pod, server(0), name, "A").unwrap() == expected {
                    return true;
                }
            }
            false
        });
        let now = SystemTime::now();
        let changed = std::fs::metadata(&written).unwrap().modified().unwrap();
        times.push(now.duration_since(changed).unwrap_or_default());
    }
    times.sort();
    let (middle, late) = (times[CHANGES / 2], times[CHANGES * 99 / 100]);
    println!("from the object's change to the first right answer: p50 {middle:?}, p99 {late:?}");
    assert!(late < Duration::from_secs(5), "{times:?}");
}
