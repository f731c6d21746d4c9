//! Is an EndpointSlice read as the API means it?

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use model::{Endpoint, Hints, NodeName, ServiceName};

use super::{endpoint, object, service, shown, table};
use crate::{Objects, Touched};

const SERVICE: &str = "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {clusterIPs: [10.96.0.1, 'fd00::1'], \
     ports: [{name: http, port: 80}]}}";

fn slice(fields: &str) -> String {
    format!(
        "{{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {{name: web-1, \
         labels: {{kubernetes.io/service-name: web}}}}, {fields}}}"
    )
}

/// The endpoints of port `http`, IPv4 then IPv6, and what is rejected, for one slice.
#[track_caller]
fn check(what: &str, fields: &str, expected: &[Endpoint], rejections: &[&str]) {
    let table = table(&format!("{SERVICE}\n---\n{}", slice(fields)));
    let service = service(&table, "web");
    let lists: Vec<_> = service.ports.iter().map(|port| &port.endpoints).collect();
    let found: Vec<Endpoint> =
        lists.iter().flat_map(|list| list.v4.iter().chain(list.v6.iter())).cloned().collect();
    assert_eq!(found, expected, "{what}");
    let shown = shown(&table);
    let prefix = "EndpointSlice default/web-1 ";
    let shown: Vec<&str> =
        shown.iter().map(|it| it.strip_prefix(prefix).expect("it is the slice's")).collect();
    assert_eq!(shown, rejections, "{what}");
}

#[track_caller]
fn check_endpoints(what: &str, endpoints: &str, expected: &[Endpoint], rejections: &[&str]) {
    let fields =
        format!("addressType: IPv4, ports: [{{name: http, port: 8080}}], endpoints: [{endpoints}]");
    check(what, &fields, expected, rejections);
}

#[test]
fn absent_conditions_mean_ready_and_serving_and_not_terminating() {
    let one = endpoint("10.1.0.1:8080", "");
    let with =
        |ready, serving, terminating| Endpoint { ready, serving, terminating, ..one.clone() };
    let cases = [
        ("", with(true, true, false)),
        ("conditions: {}", with(true, true, false)),
        ("conditions: null", with(true, true, false)),
        ("conditions: {ready: null, serving: null, terminating: null}", with(true, true, false)),
        ("conditions: {ready: false}", with(false, true, false)),
        ("conditions: {ready: false, serving: true, terminating: true}", with(false, true, true)),
        ("conditions: {ready: false, serving: false, terminating: true}", with(false, false, true)),
    ];
    for (conditions, expected) in cases {
        check_endpoints(
            conditions,
            &format!("{{addresses: [10.1.0.1], {conditions}}}"),
            &[expected],
            &[],
        );
    }
}

#[test]
fn only_the_first_address_counts() {
    check_endpoints(
        "two addresses, leading zeros",
        "{addresses: [010.1.0.01, 10.1.0.2]}",
        &[endpoint("10.1.0.1:8080", "")],
        &[],
    );
    check_endpoints(
        "what is no endpoint",
        "{addresses: []}, {}, {addresses: [127.0.0.1]}, {addresses: ['fd00::9']}, {addresses: [x]}, \
         {addresses: [0.0.0.0]}, {addresses: [10.1.0.7]}",
        &[endpoint("10.1.0.7:8080", "")],
        &[
            "endpoints[0].addresses: expected at least one address, found none",
            "endpoints[1].addresses: expected at least one address, found none",
            "endpoints[2].addresses[0]: expected an address that other machines can reach, found the loopback address 127.0.0.1",
            "endpoints[3].addresses[0]: expected IPv4 as addressType says, found fd00::9",
            r#"endpoints[4].addresses[0]: expected an IP address, found "x""#,
            "endpoints[5].addresses[0]: expected an address that other machines can reach, found the unspecified address 0.0.0.0",
        ],
    );
}

#[test]
fn nodes_and_hints_are_kept() {
    let hints =
        Hints { zones: ["a".into(), "b".into()].into(), nodes: [NodeName::new("n1")].into() };
    check_endpoints(
        "hints",
        "{addresses: [10.1.0.1], nodeName: n1, hostname: h, zone: a, targetRef: {kind: Pod, name: p}, \
          hints: {forZones: [{name: b}, {name: a}], forNodes: [{name: n1}]}}, \
         {addresses: [10.1.0.2], nodeName: '', hints: {forZones: []}}, \
         {addresses: [10.1.0.3], hints: null}",
        &[
            Endpoint {
                hints: Some(Arc::new(hints)),
                hostname: Some("h".into()),
                pod: Some("p".into()),
                zone: Some("a".into()),
                ..endpoint("10.1.0.1:8080", "n1")
            },
            endpoint("10.1.0.2:8080", ""),
            endpoint("10.1.0.3:8080", ""),
        ],
        &[],
    );
}

#[test]
fn one_address_twice_is_one_endpoint_and_the_living_one_counts() {
    let one = endpoint("10.1.0.1:8080", "n1");
    check_endpoints(
        "terminating, unready, ready",
        "{addresses: [10.1.0.1], nodeName: n1, conditions: {terminating: true}}, \
         {addresses: [10.1.0.1], nodeName: n1, conditions: {ready: false}}, \
         {addresses: [10.1.0.1], nodeName: n1}, {addresses: [10.1.0.1]}",
        std::slice::from_ref(&one),
        &[],
    );
    check_endpoints(
        "not terminating counts even when it is not ready",
        "{addresses: [10.1.0.1], nodeName: n1, conditions: {terminating: true}}, \
         {addresses: [10.1.0.1], nodeName: n1, conditions: {ready: false}}",
        &[Endpoint { ready: false, ..one.clone() }],
        &[],
    );
    check_endpoints(
        "on two nodes",
        "{addresses: [10.1.0.1], nodeName: n2}, {addresses: [10.1.0.1], nodeName: n1}",
        &[one],
        &[
            "endpoints[0].nodeName: expected n1 as for endpoints[1] with the same address 10.1.0.1, found n2",
        ],
    );
}

#[test]
fn ports_are_matched_by_name_and_protocol() {
    let one = [endpoint("10.1.0.1:8080", "")];
    let range = "expected a number from 1 to 65535";
    let cases: [(&str, &[Endpoint], Vec<String>); 8] = [
        ("{name: http, port: 8080, protocol: TCP, appProtocol: http}", &one, vec![]),
        ("{name: http, port: 8080, protocol: UDP}", &[], vec![]),
        ("{name: other, port: 8080}", &[], vec![]),
        ("{port: 8080}", &[], vec![]),
        (
            "{name: http, port: 8080}, {name: http, port: 9090}",
            &one,
            vec![r#"ports[1]: expected each name once, found "http"/TCP again"#.to_owned()],
        ),
        ("{name: http}", &[], vec![format!("ports[0].port: {range}, found none")]),
        ("{name: http, port: 0}", &[], vec![format!("ports[0].port: {range}, found 0")]),
        (
            "{name: http, port: 1, protocol: Tcp}",
            &[],
            vec![r#"ports[0].protocol: expected TCP, UDP or SCTP, found "Tcp""#.to_owned()],
        ),
    ];
    for (ports, expected, rejections) in cases {
        let fields =
            format!("addressType: IPv4, ports: [{ports}], endpoints: [{{addresses: [10.1.0.1]}}]");
        let rejections: Vec<&str> = rejections.iter().map(String::as_str).collect();
        check(ports, &fields, expected, &rejections);
    }
}

/// The API server fills in an absent name; a slice that still has none was never meant for a port.
#[test]
fn a_port_without_a_name_belongs_to_nothing() {
    let crate::api::Object::EndpointSlice(mut slice) = object(&slice(
        "addressType: IPv4, ports: [{port: 80}], endpoints: [{addresses: [10.1.0.1]}]",
    )) else {
        panic!("it is a slice");
    };
    assert_eq!(slice.ports[0].name.take().as_deref(), Some(""));
    let mut objects = Objects::new();
    objects.apply(object(&SERVICE.replace("name: http, ", "")));
    objects.apply(crate::api::Object::EndpointSlice(slice));
    let table = objects.table();
    assert_eq!(super::lists(&service(&table, "web")), Vec::<String>::new());
    assert_eq!(
        shown(&table),
        [
            "EndpointSlice default/web-1 ports[0].name: expected a name, empty for that of an unnamed \
          port of the Service, found none"
        ]
    );
}

#[test]
fn slices_are_of_one_family_and_of_a_service() {
    check(
        "IPv6",
        "addressType: IPv6, ports: [{name: http, port: 8080}], endpoints: [{addresses: ['fd01:0::1']}]",
        &[endpoint("[fd01::1]:8080", "")],
        &[],
    );
    for (address_type, found) in [("FQDN", "FQDN"), ("ipv4", "ipv4"), ("''", "")] {
        check(
            "no family of addresses",
            &format!(
                "addressType: {address_type}, ports: [{{name: http, port: 1}}], endpoints: [{{addresses: [a.example]}}]"
            ),
            &[],
            &[&format!("addressType: expected IPv4 or IPv6, found {found:?}")],
        );
    }
    let stray = slice("addressType: IPv4").replace("kubernetes.io/service-name", "other");
    assert_eq!(
        shown(&table(&stray)),
        [
            "EndpointSlice default/web-1 metadata.labels[kubernetes.io/service-name]: expected the name of a Service, found none"
        ]
    );
}

#[test]
fn a_slice_beyond_the_bounds_of_the_api_is_cut() {
    let many = |count: usize, item: fn(usize) -> String| {
        (0..count).map(item).collect::<Vec<_>>().join(", ")
    };
    let endpoints =
        many(1_001, |index| format!("{{addresses: [10.1.{}.{}]}}", index / 256, index % 256));
    let ports = many(1_001, |index| format!("{{name: p{index}, port: {}}}", index + 1));
    let text = slice(&format!("addressType: IPv4, ports: [{ports}], endpoints: [{endpoints}]"));
    let mut objects = Objects::new();
    objects.apply(object(SERVICE));
    objects.apply(object(&text));
    assert_eq!(
        shown(&objects.table()),
        [
            "EndpointSlice default/web-1 endpoints: expected at most 1000, found 1001; the first are used",
            "EndpointSlice default/web-1 ports: expected at most 1000, found 1001; the first are used",
            "EndpointSlice default/web-1 ports: expected at most 200 ports for 1000 endpoints; the rest is ignored",
        ]
    );
}

#[test]
fn the_trigger_time_is_handed_on() {
    let annotated = |time: &str| {
        slice("addressType: IPv4").replace(
            "labels:",
            &format!("annotations: {{endpoints.kubernetes.io/last-change-trigger-time: '{time}'}}, labels:"),
        )
    };
    let mut objects = Objects::new();
    let services = vec![ServiceName::new("default", "web")];
    assert_eq!(
        objects.apply(object(&annotated("1970-01-01T00:01:00.5Z"))),
        Touched {
            services: services.clone(),
            trigger: Some(SystemTime::UNIX_EPOCH + Duration::from_millis(60_500)),
        }
    );
    let wrong = annotated("now").replace("web-1", "web-2");
    assert_eq!(objects.apply(object(&wrong)), Touched { services, trigger: None });
    assert_eq!(
        shown(&objects.table()),
        [
            r#"EndpointSlice default/web-2 metadata.annotations[endpoints.kubernetes.io/last-change-trigger-time]: expected a time such as 2026-11-25T09:00:00Z, found "now""#
        ]
    );
}
