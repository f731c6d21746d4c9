//! What controllers write, and which of them does.

use std::path::Path;
use std::time::{Duration, SystemTime};

use host::clock::wall;
use host::rfc3339::micros;
use rustix::process::Signal;
use serde_json::{Value, json};
use testkit::control_plane::ControlPlane;

use super::audit::{of_pogu, text};
use super::process::{Process, wait_for};

/// Until another one acts, after a crash of the one that did and after its end.
const AFTER_A_CRASH: Duration = Duration::from_secs(5);
const AT_ONCE: Duration = Duration::from_secs(1);

/// Both want the same port of one address. The older one has it, or that whose name comes first.
pub(super) const SERVICES: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: {externalIPs: [192.0.2.1], ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {externalIPs: [192.0.2.1, 192.0.2.2], ports: [{port: 80}]}
";

pub(super) fn controller(name: &str, kubeconfig: &Path) -> Process {
    let words = ["controller", "--http-bind-address", "none", "--identity", name];
    Process::start(&words, kubeconfig)
}

/// Without the moment since which it is so.
fn conditions(server: &ControlPlane, service: &str) -> Vec<(String, String, String, String)> {
    let form = "-o json";
    let object = server.kubectl(&format!("-n shop get service {service} {form}"));
    let object: Value = serde_json::from_str(&object).unwrap();
    let all = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let text = |it: &Value, field: &str| it[field].as_str().unwrap_or_default().to_owned();
    let told = |it: &Value| {
        let [kind, status, reason, message] =
            ["type", "status", "reason", "message"].map(|field| text(it, field));
        (kind, status, reason, message)
    };
    all.iter().map(told).collect()
}

fn condition(message: &str) -> (String, String, String, String) {
    let [kind, status, reason, message] =
        ["pogu.dev/Accepted", "False", "InvalidFields", message].map(str::to_owned);
    (kind, status, reason, message)
}

/// What of the Service web is the controller's, by its word: without the moment since which it is.
fn fields(server: &ControlPlane) -> Vec<Value> {
    let object = server.kubectl("-n shop get service web --show-managed-fields -o json");
    let object: Value = serde_json::from_str(&object).unwrap();
    let mut all = object["metadata"]["managedFields"].as_array().unwrap().clone();
    all.retain(|it| it["manager"] == "pogu-controller");
    for it in &mut all {
        it.as_object_mut().unwrap().remove("time");
    }
    all
}

fn ours_alone() -> Value {
    let parts = [".", "f:type", "f:status", "f:reason", "f:message", "f:lastTransitionTime"];
    let condition: serde_json::Map<String, Value> =
        parts.into_iter().map(|part| (part.to_owned(), json!({}))).collect();
    json!({
        "manager": "pogu-controller",
        "operation": "Apply",
        "apiVersion": "v1",
        "subresource": "status",
        "fieldsType": "FieldsV1",
        "fieldsV1": {
            "f:status": {"f:conditions": {"k:{\"type\":\"pogu.dev/Accepted\"}": condition}}
        },
    })
}

/// Verbs and resources of the writing requests that a user agent made, and how often.
fn writings(server: &ControlPlane) -> Vec<String> {
    let log = server.audit_log();
    let requests = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let ours = requests.filter(|it| {
        it["stage"] == "ResponseComplete"
            && it["userAgent"].as_str().is_some_and(|agent| agent.starts_with("pogu/"))
            && !matches!(it["verb"].as_str(), Some("get" | "list" | "watch"))
    });
    let told = ours.map(|it| {
        let of = &it["objectRef"];
        let part = |field: &str| of[field].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}", it["verb"].as_str().unwrap(), part("resource"), part("subresource"))
    });
    let mut told: Vec<String> = told.filter(|told| !told.contains(" leases ")).collect();
    // A condition and an Event are written at one time.
    told.sort();
    told
}

#[test]
fn what_cannot_be_used_is_told_in_status_and_events_until_it_is_repaired() {
    let Some(server) = ControlPlane::up() else { return };
    server.apply(SERVICES);
    // Somebody else's condition stays.
    server.kubectl(
        "-n shop patch service web --subresource=status --type=merge -p \
         {\"status\":{\"conditions\":[{\"type\":\"other.example/Ready\",\"status\":\"True\",\
         \"reason\":\"Ready\",\"message\":\"\",\"lastTransitionTime\":\"2026-01-01T00:00:00Z\"}]}}",
    );
    let other = ("other.example/Ready", "True", "Ready", "");
    let other = (other.0.to_owned(), other.1.to_owned(), other.2.to_owned(), other.3.to_owned());
    let _controller = controller("one", &server.admin());
    let told = wait_for("a condition of web", || {
        let told = conditions(&server, "web");
        (told.len() > 1).then_some(told)
    });
    let message = "spec.externalIPs: 192.0.2.1:80/TCP is already claimed by Service shop/api \
                   (ExternalIP); give one of the two another address or port";
    assert_eq!(told, [other.clone(), condition(message)]);
    assert_eq!(conditions(&server, "api"), []);
    let ours = "--field-selector=reportingComponent=pogu.dev/controller";
    assert_eq!(fields(&server), [ours_alone()]);
    let events = format!("-n shop get events {ours} -o jsonpath={{.items[*].message}}");
    wait_for("an Event", || (server.kubectl(&events) == message).then_some(()));
    server.kubectl("-n shop patch service web -p {\"spec\":{\"externalIPs\":[\"192.0.2.2\"]}}");
    wait_for("no condition of ours", || {
        (conditions(&server, "web") == [other.clone()]).then_some(())
    });
    assert_eq!(
        writings(&server),
        ["create events ", "patch services status", "patch services status"]
    );
}

/// What is told of web, and how often it was: an Event that was told once has no series.
fn told(server: &ControlPlane) -> Vec<(String, u64)> {
    let events = server.kubectl("-n shop get events.events.k8s.io -o json");
    let events: Value = serde_json::from_str(&events).unwrap();
    let ours = events["items"].as_array().unwrap().iter().filter(|it| {
        it["reportingController"] == "pogu.dev/controller" && it["regarding"]["name"] == "web"
    });
    ours.map(|it| (text(&it["reason"]), it["series"]["count"].as_u64().unwrap_or(1))).collect()
}

#[test]
fn what_one_has_told_is_counted_up_by_the_next() {
    let Some(server) = ControlPlane::up() else { return };
    server.apply(SERVICES);
    let times = |count| vec![("InvalidFields".to_owned(), count)];
    let mut one = controller("one", &server.admin());
    wait_for("an Event", || (told(&server) == times(1)).then_some(()));
    assert_eq!(one.end(Signal::TERM), Some(0));
    let _two = controller("two", &server.admin());
    wait_for("the same again", || (told(&server) == times(2)).then_some(()));
    assert_eq!(
        writings(&server),
        ["create events ", "create events ", "patch events ", "patch services status"]
    );
}

fn holder(server: &ControlPlane) -> Option<String> {
    let path = "{.items[?(@.metadata.name==\"pogu-controller\")].spec.holderIdentity}";
    let holder = server.kubectl(&format!("-n kube-system get leases -o jsonpath={path}"));
    let (name, _unique) = holder.split_once('_')?;
    Some(name.to_owned())
}

/// When somebody took the Lease, as the server logged it: whoever holds it not cannot change it.
fn taken(server: &ControlPlane, name: &str) -> String {
    let all = of_pogu(server, name);
    let mut takings = all.iter().filter(|it| {
        it["objectRef"]["resource"] == "leases"
            && it["verb"] == "update"
            && it["responseStatus"]["code"] == 200
    });
    text(&takings.next().unwrap()["stageTimestamp"])
}

/// Whether it was within this time. Both moments are of this machine, and of one form.
fn assert_within(time: Duration, since: SystemTime, taken: &str) {
    let (since, until) = (micros(since), micros(since + time));
    println!("a signal at {since}, the Lease taken at {taken}");
    assert!((since.as_str()..until.as_str()).contains(&taken), "{since} to {until}: {taken}");
}

#[test]
fn another_one_acts_after_a_crash_and_after_an_end() {
    let Some(server) = ControlPlane::up() else { return };
    // Each is a user of its own, so that the log tells them apart.
    server.kubectl(
        "create clusterrolebinding all --clusterrole=cluster-admin --user=one --user=two \
         --user=three",
    );
    let [one, two, three] = ["one", "two", "three"].map(|it| server.user(it, "1h"));
    let mut one = controller("one", &one);
    wait_for("one", || holder(&server).filter(|it| it == "one"));
    let mut two = controller("two", &two);
    wait_for("two waits", || two.log().contains("another one acts").then_some(()));
    let crash = wall();
    one.end(Signal::KILL);
    wait_for("two", || holder(&server).filter(|it| it == "two"));
    assert_within(AFTER_A_CRASH, crash, &taken(&server, "two"));
    let mut three = controller("three", &three);
    wait_for("three waits", || three.log().contains("another one acts").then_some(()));
    let end = wall();
    assert_eq!(two.end(Signal::TERM), Some(0));
    wait_for("three", || holder(&server).filter(|it| it == "three"));
    assert_within(AT_ONCE, end, &taken(&server, "three"));
    assert_eq!(three.end(Signal::INT), Some(0));
    assert_eq!(holder(&server), None);
}
