//! Do Services of a lab get addresses of pools, and do these lead to them?

use std::time::Duration;

use host::clock::{monotonic, pause};
use serde_json::Value;

use crate::rig::{Lab, PATIENCE, ask_tcp};

const SERVED: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: pogu.dev/echo, args: [--tcp=9000]}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  ipFamilyPolicy: PreferDualStack
  selector: {app: web}
  ports: [{port: 90, targetPort: 9000}]
"#;

const POOL: &str = "
apiVersion: pogu.dev/v1alpha1
kind: AddressPool
metadata: {name: a}
spec: {addresses: [203.0.113.7, '2001:db8::7']}
";

/// As an agent of the lab has them.
fn addresses(lab: &Lab) -> Vec<String> {
    let pogu = env!("CARGO_BIN_EXE_pogu");
    let words = ["lab", "exec", "node/node-1", "--", pogu, "get", "services", "web", "-o", "json"];
    let service: Value = serde_json::from_str(&lab.says(&words)).unwrap();
    let ingress = service["items"][0]["status"]["loadBalancer"]["ingress"].clone();
    let of = |it: &Value| it["ip"].as_str().unwrap().to_owned();
    ingress.as_array().into_iter().flatten().map(of).collect()
}

fn soon(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = monotonic() + PATIENCE;
    while !is_so() {
        assert!(monotonic() < until, "in vain: {what}");
        pause(Duration::from_millis(20));
    }
}

#[test]
fn a_pool_gives_a_service_its_addresses_and_takes_them_back() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::up(SERVED, &["--nodes", "2"]);
    assert_eq!(addresses(&lab), [""; 0]);
    lab.write("pool.yaml", POOL);
    soon("addresses", || addresses(&lab) == ["203.0.113.7", "2001:db8::7"]);
    let outside = lab.netns("outside");
    for address in ["203.0.113.7:90", "[2001:db8::7]:90"] {
        soon(address, || ask_tcp(&outside, address.parse().unwrap()).is_ok());
    }
    // Another pool has the same addresses: it is told, and moves nobody.
    lab.write("other.yaml", &POOL.replace("name: a", "name: b"));
    let log = std::path::Path::new("/run/pogu/lab").join(format!("{}.log", lab.name));
    soon("a warning", || {
        let told = "AddressPool b spec.addresses: 203.0.113.7 is also in the pool a";
        std::fs::read_to_string(&log).unwrap().contains(told)
    });
    assert_eq!(addresses(&lab), ["203.0.113.7", "2001:db8::7"]);
    std::fs::remove_file(lab.path("other.yaml")).unwrap();
    std::fs::remove_file(lab.path("pool.yaml")).unwrap();
    soon("no address", || addresses(&lab).is_empty());
}
