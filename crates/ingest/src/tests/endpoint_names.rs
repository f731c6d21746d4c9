//! Is an endpoint known by all of its names, and still one endpoint to packets?

use std::sync::Arc;

use model::{Endpoint, EndpointSlice, Service};

use super::{endpoint, object, service, shown, table};
use crate::Objects;

const SERVICE: &str = "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {clusterIP: 10.96.0.1, \
     ports: [{name: http, port: 80}]}}\n---\n";

fn slice(name: &str, endpoints: &str) -> String {
    format!(
        "{{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {{name: {name}, labels: \
         {{kubernetes.io/service-name: web}}}}, addressType: IPv4, ports: [{{name: http, port: 8080}}], \
         endpoints: [{endpoints}]}}\n---\n"
    )
}

fn named(address: &str, hostname: &str, pod: &str) -> Endpoint {
    let name = |text: &str| (!text.is_empty()).then(|| Arc::from(text));
    Endpoint { hostname: name(hostname), pod: name(pod), ..endpoint(address, "") }
}

fn listed(slices: &[Arc<EndpointSlice>]) -> Vec<Vec<Endpoint>> {
    slices.iter().map(|slice| slice.ports[0].endpoints.to_vec()).collect()
}

fn to_packets(service: &Service) -> &Arc<[Endpoint]> {
    &service.ports[0].endpoints.v4
}

#[test]
fn hostnames_and_pods_are_judged_and_the_endpoint_stays() {
    let long = "a".repeat(64);
    let endpoints = format!(
        "{{addresses: [10.1.0.1], hostname: one, targetRef: {{kind: Pod, name: web-1.x, namespace: default}}}}, \
         {{addresses: [10.1.0.2], hostname: Two, targetRef: {{kind: Pod, name: Web}}}}, \
         {{addresses: [10.1.0.3], hostname: a.b, targetRef: {{kind: Node, name: n}}}}, \
         {{addresses: [10.1.0.4], hostname: {long}, targetRef: {{kind: Pod, name: p, namespace: x}}}}, \
         {{addresses: [10.1.0.5], hostname: '', targetRef: {{}}}}"
    );
    let table = table(&[SERVICE, &slice("s", &endpoints)].concat());
    let expected = [
        named("10.1.0.1:8080", "one", "web-1.x"),
        named("10.1.0.2:8080", "", ""),
        named("10.1.0.3:8080", "", ""),
        named("10.1.0.4:8080", "", ""),
        named("10.1.0.5:8080", "", ""),
    ];
    assert_eq!(**to_packets(&service(&table, "web")), expected);
    let hostname = |index: usize, found: &str| {
        format!(
            "EndpointSlice default/s endpoints[{index}].hostname: expected at most 63 of a-z, 0-9 and inner -, \
             found {found:?}; the endpoint has no hostname"
        )
    };
    let rejections = [
        hostname(1, "Two"),
        "EndpointSlice default/s endpoints[1].targetRef.name: expected the name of a Pod, found \"Web\"; \
         no Pod is known"
            .to_owned(),
        hostname(2, "a.b"),
        hostname(3, &long),
        "EndpointSlice default/s endpoints[3].targetRef.namespace: expected default as of the slice, \
         found \"x\"; no Pod is known"
            .to_owned(),
    ];
    assert_eq!(shown(&table), rejections);
}

#[test]
fn one_address_with_two_hostnames_is_two_names_and_one_endpoint() {
    let (a, b) = (named("10.1.0.1:8080", "a", ""), named("10.1.0.1:8080", "b", ""));
    let other = named("10.1.0.2:8080", "c", "");
    let of = |name: &str| format!("{{addresses: [10.1.0.1], hostname: {name}}}");
    let both = format!("{}, {}, {{addresses: [10.1.0.2], hostname: c}}", of("b"), of("a"));
    let in_one = table(&[SERVICE, &slice("s", &both)].concat());
    let found = service(&in_one, "web");
    assert_eq!(listed(&found.slices), [vec![a.clone(), b.clone(), other.clone()]]);
    assert_eq!(**to_packets(&found), [a.clone(), other]);

    let in_two = table(&[SERVICE, &slice("s", &of("b")), &slice("t", &of("a"))].concat());
    let found = service(&in_two, "web");
    assert_eq!(listed(&found.slices), [vec![b], vec![a.clone()]]);
    assert_eq!(**to_packets(&found), [a]);
    assert_eq!((shown(&in_one), shown(&in_two)), (Vec::new(), Vec::new()));
}

#[test]
fn one_name_twice_is_one_endpoint_and_the_living_one_counts() {
    let endpoints = "{addresses: [10.1.0.1], hostname: a, conditions: {terminating: true}}, \
         {addresses: [10.1.0.1], hostname: b, conditions: {ready: false}}, {addresses: [10.1.0.1], hostname: a}, \
         {addresses: [10.1.0.1], hostname: b, conditions: {terminating: true}}";
    let table = table(&[SERVICE, &slice("s", endpoints)].concat());
    let found = service(&table, "web");
    let a = named("10.1.0.1:8080", "a", "");
    let b = Endpoint { ready: false, ..named("10.1.0.1:8080", "b", "") };
    assert_eq!(listed(&found.slices), [vec![a.clone(), b]]);
    assert_eq!(**to_packets(&found), [a]);
}

#[test]
fn two_names_on_two_nodes_are_told_once() {
    let endpoints = "{addresses: [10.1.0.1], hostname: a, nodeName: n1}, \
         {addresses: [10.1.0.1], hostname: b, nodeName: n2}";
    assert_eq!(
        shown(&table(&[SERVICE, &slice("s", endpoints)].concat())),
        [
            "EndpointSlice default/s endpoints[1].nodeName: expected n1 as for endpoints[0] with the same \
             address 10.1.0.1, found n2"
        ]
    );
}

#[test]
fn lists_are_shared_where_an_address_has_one_name_and_stay_where_it_has_two() {
    let one = "{addresses: [10.1.0.1], hostname: a}";
    let two = "{addresses: [10.1.0.1], hostname: a}, {addresses: [10.1.0.1], hostname: b}";
    let mut objects = Objects::new();
    objects.apply(object(SERVICE));
    objects.apply(object(&slice("s", one)));
    let found = service(&objects.table(), "web");
    assert!(Arc::ptr_eq(to_packets(&found), &found.slices[0].ports[0].endpoints));

    objects.apply(object(&slice("s", two)));
    let before = service(&objects.table(), "web");
    objects.apply(object(&SERVICE.replace("port: 80", "port: 81")));
    let after = service(&objects.table(), "web");
    assert!(Arc::ptr_eq(to_packets(&before), to_packets(&after)));
    assert!(Arc::ptr_eq(&before.slices, &after.slices));
}

#[test]
fn a_name_is_held_once() {
    let endpoint = "{addresses: [10.1.0.1], hostname: a, targetRef: {kind: Pod, name: p}}";
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: p}, status: {podIP: 10.1.0.1}}\n---\n";
    let texts = [SERVICE, &slice("s", endpoint), &slice("t", endpoint), pod];
    let table = table(&texts.concat());
    let found = service(&table, "web");
    let [s, t] = [0, 1].map(|index: usize| found.slices[index].ports[0].endpoints[0].clone());
    assert!(s.hostname.as_ref().zip(t.hostname.as_ref()).is_some_and(|(s, t)| Arc::ptr_eq(s, t)));
    let pods = table.pods.keys().next().map(|name| &name.name);
    assert!(s.pod.as_ref().zip(pods).is_some_and(|(s, pod)| Arc::ptr_eq(s, pod)));
}
