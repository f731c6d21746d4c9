//! Which addresses do Services get on a real API server, and what is written for it?

use std::collections::BTreeMap;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;
use testkit::control_plane::ControlPlane;

use super::audit::{lines, text};
use super::process::{Process, wait_for};
use super::roles::deploy;

pub(super) const POOL: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: pogu.dev/v1alpha1, kind: AddressPool, metadata: {name: a},
 spec: {addresses: [192.0.2.1-192.0.2.2]}}
---
";

/// Kinds of MetalLB, as far as a server needs to know them.
pub(super) const METALLB: &str = include_str!("metallb.yaml");

pub(super) fn controller(name: &str, kubeconfig: &Path) -> Process {
    let words =
        ["controller", "--http-bind-address", "none", "--identity", name, "--load-balancer"];
    Process::start(&words, kubeconfig)
}

/// With the kind AddressPool, and a pool.
fn server() -> Option<ControlPlane> {
    let server = ControlPlane::up()?;
    server.apply(&server.chart(&deploy("chart"), &["loadBalancer.enabled=true"]));
    server.kubectl("wait --for=condition=Established crd/addresspools.pogu.dev --timeout=60s");
    server.apply(POOL);
    Some(server)
}

pub(super) fn service(name: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: shop}}, \
         spec: {{type: LoadBalancer, ports: [{{port: 80}}], {spec}}}}}\n---\n"
    )
}

fn object(server: &ControlPlane, name: &str) -> Value {
    let words = format!("-n shop get service {name} --show-managed-fields -o json");
    serde_json::from_str(&server.kubectl(&words)).unwrap()
}

/// `192.0.2.1 VIP; True Allocated: 192.0.2.1 of pool a; finalizer`
fn shown(service: &Value) -> String {
    let status = &service["status"];
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let ingress = list(&status["loadBalancer"]["ingress"]);
    let ingress = ingress.iter().map(|it| format!("{} {}", text(&it["ip"]), text(&it["ipMode"])));
    let conditions = list(&status["conditions"]);
    let conditions = conditions.iter().map(|it| {
        let [status, reason, message] = ["status", "reason", "message"].map(|of| text(&it[of]));
        format!("{status} {reason}: {message}")
    });
    let finalizers = list(&service["metadata"]["finalizers"]);
    let finalizers = finalizers.iter().map(|_| "finalizer".to_owned());
    let all: Vec<String> = ingress.chain(conditions).chain(finalizers).collect();
    all.join("; ")
}

pub(super) fn await_shown(server: &ControlPlane, name: &str, expected: &str) {
    let mut last = String::new();
    wait_for(&format!("{name}: {expected}"), || {
        let found = shown(&object(server, name));
        if found != last {
            println!("{name}: {found}");
            last.clone_from(&found);
        }
        (found == expected).then_some(())
    });
}

pub(super) fn has(address: &str) -> String {
    format!("{address} VIP; True Allocated: {address} of pool a; finalizer")
}

/// What pogu wrote of Services, and how often.
fn writings(server: &ControlPlane) -> BTreeMap<String, usize> {
    let all = lines(server).into_iter().filter(|it| {
        it["stage"] == "ResponseComplete"
            && text(&it["userAgent"]).starts_with("pogu/")
            && it["objectRef"]["resource"] == "services"
            && !matches!(it["verb"].as_str(), Some("get" | "list" | "watch"))
    });
    let mut counts = BTreeMap::new();
    for it in all {
        let of = &it["objectRef"];
        let code = &it["responseStatus"]["code"];
        let what = format!("{} {} {code}", text(&it["verb"]), text(&of["subresource"]));
        *counts.entry(what).or_default() += 1;
    }
    counts
}

/// Those of ours: the API server tells of its own repairs too.
fn events(server: &ControlPlane, name: &str) -> Vec<String> {
    let events = server.kubectl("-n shop get events.events.k8s.io -o json");
    let events: Value = serde_json::from_str(&events).unwrap();
    let of = events["items"].as_array().unwrap().iter().filter(|it| {
        it["regarding"]["name"] == name && it["reportingController"] == "pogu.dev/controller"
    });
    let mut all: Vec<String> =
        of.map(|it| ["type", "reason", "note"].map(|of| text(&it[of])).join(" ")).collect();
    all.sort();
    all
}

#[test]
fn services_get_addresses_keep_them_and_give_them_back() {
    let Some(server) = server() else { return };
    server.apply(&[service("a", ""), service("b", "")].concat());
    let mut one = controller("one", &server.admin());
    await_shown(&server, "a", &has("192.0.2.1"));
    await_shown(&server, "b", &has("192.0.2.2"));
    // The pool is full, and says so.
    server.apply(&service("c", ""));
    let full =
        "pool a: no IPv4 address is left (2 of 2 are in use); hint: add addresses to the pool a";
    await_shown(&server, "c", &format!("False OutOfAddresses: {full}"));
    let told = [format!("Warning AllocationFailed {full}")];
    wait_for("an Event", || (events(&server, "c") == told).then_some(()));
    // Whoever is deleted goes when its address was taken back, and another one gets it.
    server.kubectl("-n shop delete service a --timeout=30s");
    await_shown(&server, "c", &has("192.0.2.1"));
    // Another type gives up all; and back again.
    server.kubectl("-n shop patch service b -p {\"spec\":{\"type\":\"ClusterIP\"}}");
    await_shown(&server, "b", "");
    server.kubectl("-n shop patch service b -p {\"spec\":{\"type\":\"LoadBalancer\"}}");
    await_shown(&server, "b", &has("192.0.2.2"));
    let before = writings(&server);
    println!("{before:?}");
    // After a crash another one goes on, and writes nothing.
    assert_eq!(one.end(Signal::KILL), None);
    let mut two = controller("two", &server.admin());
    wait_for("two", || two.log().contains("acting for the cluster").then_some(()));
    server.apply(&service("d", ""));
    await_shown(&server, "d", &format!("False OutOfAddresses: {full}"));
    let mut after = before;
    *after.entry("patch status 200".to_owned()).or_default() += 1;
    assert_eq!(writings(&server), after);
    // The pool moves, and all with it.
    server.apply(&POOL.replace("192.0.2.1-192.0.2.2", "198.51.100.1-198.51.100.3"));
    await_shown(&server, "b", &has("198.51.100.1"));
    await_shown(&server, "c", &has("198.51.100.2"));
    await_shown(&server, "d", &has("198.51.100.3"));
    assert_eq!(two.end(Signal::TERM), Some(0));
}

#[test]
fn what_metallb_gave_is_kept_and_another_writer_is_named() {
    let Some(server) = server() else { return };
    server.apply(METALLB);
    server.kubectl("wait --for=condition=Established crd/ipaddresspools.metallb.io --timeout=60s");
    let pool = |range: &str| {
        format!(
            "{{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, \
             metadata: {{name: m, namespace: shop}}, spec: {{addresses: [{range}]}}}}"
        )
    };
    server.apply(&pool("203.0.113.0/24"));
    server.apply(&[service("a", ""), service("b", "")].concat());
    // As its controller does it: the whole status, by an update.
    let give = |name: &str, address: &str| {
        let mut object = object(&server, name);
        object["status"]["loadBalancer"] = serde_json::json!({"ingress": [{"ip": address}]});
        let path = format!("/api/v1/namespaces/shop/services/{name}/status");
        let words = ["replace", "--raw", &path, "-f", "-"];
        object["metadata"].as_object_mut().unwrap().remove("managedFields");
        object["metadata"].as_object_mut().unwrap().remove("resourceVersion");
        server.kubectl_told(&words, &object.to_string());
    };
    give("a", "203.0.113.7");
    give("b", "203.0.113.9");
    let _controller = controller("one", &server.admin());
    let kept = |address: &str, pool: &str| {
        format!("{address} VIP; True Allocated: {address} of pool {pool}; finalizer")
    };
    await_shown(&server, "a", &kept("203.0.113.7", "m"));
    await_shown(&server, "b", &kept("203.0.113.9", "m"));
    assert_eq!(events(&server, "a"), [""; 0]);
    // Another one goes on to write.
    give("a", "203.0.113.99");
    await_shown(&server, "a", &kept("203.0.113.7", "m"));
    let contested = "Warning StatusContested \"kubectl\" wrote status.loadBalancer; it is \
                     written anew; hint: only one controller may have a Service, \
                     spec.loadBalancerClass says which";
    wait_for("an Event", || events(&server, "a").contains(&contested.to_owned()).then_some(()));
    // A pool that moves takes back what MetalLB wrote.
    server.apply(&pool("203.0.113.0-203.0.113.8"));
    await_shown(&server, "b", &kept("192.0.2.1", "a"));
    // So does one that is gone, where there is no other address to write.
    give("b", "203.0.113.8");
    await_shown(&server, "b", &kept("192.0.2.1", "a"));
    server.kubectl("delete addresspool a");
    server.apply(&pool("203.0.113.7"));
    wait_for("no address", || (!shown(&object(&server, "b")).contains("VIP")).then_some(()));
}

#[test]
fn two_families_sharing_and_requests_are_heeded() {
    let Some(server) = server() else { return };
    server.apply(&POOL.replace("192.0.2.2", "192.0.2.9, 'fd00::1-fd00::9'"));
    let _controller = controller("one", &server.admin());
    server.apply(&service("both", "ipFamilyPolicy: PreferDualStack"));
    server.apply(&service("six", "ipFamilies: [IPv6]"));
    server.apply(&service("asks", "loadBalancerIP: 192.0.2.7"));
    let shared = |name: &str, port: u16| {
        service(name, "")
            .replace("port: 80", &format!("port: {port}"))
            .replace("namespace: shop", "namespace: shop, annotations: {pogu.dev/sharing-key: k}")
    };
    await_shown(&server, "asks", &has("192.0.2.7"));
    let both = "192.0.2.1 VIP; fd00::1 VIP; \
                True Allocated: 192.0.2.1 of pool a, fd00::1 of pool a; finalizer";
    await_shown(&server, "both", both);
    await_shown(&server, "six", &has("fd00::2"));
    server.apply(&[shared("x", 80), shared("z", 81)].concat());
    await_shown(&server, "x", &has("192.0.2.2"));
    await_shown(&server, "z", &has("192.0.2.2"));
    assert_eq!(writings(&server).keys().filter(|it| !it.ends_with(" 200")).count(), 0);
}

#[test]
fn nodes_and_balancers_outside_lead_to_services_too() {
    let Some(server) = server() else { return };
    server.apply("{apiVersion: v1, kind: Node, metadata: {name: n1}}");
    server.kubectl(
        "patch node n1 --subresource=status --type=merge -p \
         {\"status\":{\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"172.30.0.11\"}]}}",
    );
    let _controller = controller("one", &server.admin());
    let of =
        |name: &str, class: &str| service(name, &format!("loadBalancerClass: pogu.dev/{class}"));
    server.apply(&of("first", "node-ip"));
    let listed = "addresses of nodes: 172.30.0.11";
    await_shown(&server, "first", &format!("172.30.0.11 VIP; True Allocated: {listed}; finalizer"));
    // Times of objects are in seconds: of two of one second the lower name is taken for the older.
    server.apply(&of("later", "node-ip"));
    let taken = "port 80/TCP is taken by shop/first";
    // The agents' own word says the same: who has the port is the one that packets go to.
    let claimed = "False InvalidFields: status.loadBalancer.ingress: 172.30.0.11:80/TCP is already \
                   claimed by Service shop/first (LoadBalancer); give one of the two another address or port";
    let partly =
        format!("172.30.0.11 VIP; True PartlyAllocated: {listed}; {taken}; {claimed}; finalizer");
    await_shown(&server, "later", &partly);
    let ports = object(&server, "later")["status"]["loadBalancer"]["ingress"][0]["ports"].clone();
    let expected =
        serde_json::json!([{"port": 80, "protocol": "TCP", "error": "pogu.dev/PortTaken"}]);
    assert_eq!(ports, expected);
    let outside = of("outside", "node-port").replace(
        "namespace: shop",
        "namespace: shop, annotations: {pogu.dev/outside-addresses: 198.51.100.7}",
    );
    server.apply(&outside);
    let listed = "addresses of a balancer outside: 198.51.100.7";
    let proxied = format!("198.51.100.7 Proxy; True Allocated: {listed}; finalizer");
    await_shown(&server, "outside", &proxied);
    server.kubectl("-n shop delete service --all --timeout=30s");
}

#[test]
fn a_finalizer_that_was_left_behind_goes_if_it_is_ours() {
    let Some(server) = server() else { return };
    // As a controller leaves it that ends between the finalizer and the first status, before the type changes.
    let left = |name: &str, annotations: &str| {
        format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: shop, \
             finalizers: [service.kubernetes.io/load-balancer-cleanup], annotations: {{{annotations}}}}}, \
             spec: {{type: ClusterIP, ports: [{{port: 80}}]}}}}\n---\n"
        )
    };
    server.apply(&left("theirs", ""));
    server.apply(&left("ours", "pogu.dev/load-balancer-cleanup: 'true'"));
    assert_eq!(shown(&object(&server, "ours")), "finalizer");
    let _controller = controller("one", &server.admin());
    await_shown(&server, "ours", "");
    assert_eq!(
        object(&server, "ours")["metadata"]["annotations"]["pogu.dev/load-balancer-cleanup"],
        Value::Null
    );
    assert_eq!(shown(&object(&server, "theirs")), "finalizer");
    // The annotation comes with the finalizer, in one writing, and goes with it.
    server.apply(&service("web", ""));
    await_shown(&server, "web", &has("192.0.2.1"));
    assert_eq!(
        object(&server, "web")["metadata"]["annotations"]["pogu.dev/load-balancer-cleanup"],
        "true"
    );
    server.kubectl("-n shop delete service web --timeout=30s");
}

/// So many Services at once.
const MANY: usize = 200;

#[test]
fn many_services_cost_two_writings_each_and_none_after_a_restart() {
    let Some(server) = server() else { return };
    let many = std::env::var("POGU_TEST_SERVICES").ok().and_then(|it| it.parse().ok());
    let many: usize = many.unwrap_or(MANY);
    server.apply(&POOL.replace("192.0.2.1-192.0.2.2", "10.200.0.0/16"));
    server.apply(&(0..many).map(|n| service(&format!("s{n}"), "")).collect::<String>());
    let served = || {
        let path = "jsonpath={.items[*].status.loadBalancer.ingress[0].ip}";
        server.kubectl(&format!("-n shop get services -o {path}")).split_whitespace().count()
    };
    let began = host::clock::monotonic();
    let mut one = controller("one", &server.admin());
    wait_for("all have addresses", || (served() == many).then_some(()));
    println!("{many} Services have addresses after {:?}", began.elapsed());
    let once: BTreeMap<String, usize> =
        [("patch  200".to_owned(), many), ("patch status 200".to_owned(), many)].into();
    assert_eq!(writings(&server), once);
    assert_eq!(one.end(Signal::TERM), Some(0));
    let two = controller("two", &server.admin());
    wait_for("two", || two.log().contains("acting for the cluster").then_some(()));
    // What it would write for the others is written before this one gets its own.
    server.apply(&service("last", ""));
    wait_for("the last one", || (served() == many + 1).then_some(()));
    let once = once.into_iter().map(|(what, count)| (what, count + 1)).collect();
    assert_eq!(writings(&server), once);
}
