//! Has a Service all the slices that name it, also those that its ports have no use for?

use std::sync::Arc;

use model::{Endpoint, EndpointSlice, Family, Protocol, ServiceName, SlicePort};

use super::{endpoint, lists, object, service, shown, table};
use crate::Objects;
use crate::api::{Kind, ObjectKey};

fn web(spec: &str) -> String {
    format!("{{apiVersion: v1, kind: Service, metadata: {{name: web}}, spec: {{{spec}}}}}\n---\n")
}

fn slice(name: &str, ports: &str) -> String {
    slice_of("kubernetes.io/service-name: web", name, ports)
}

fn slice_of(labels: &str, name: &str, ports: &str) -> String {
    format!(
        "{{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {{name: {name}, labels: \
         {{{labels}}}}}, addressType: IPv4, ports: {ports}, endpoints: [{{addresses: [10.1.0.1]}}]}}\n---\n"
    )
}

/// What the slice has when it has no ports.
fn portless(name: &str) -> EndpointSlice {
    EndpointSlice {
        name: name.into(),
        family: Family::V4,
        is_headless: false,
        cluster: None,
        ports: [].into(),
        portless: [endpoint("10.1.0.1:0", "")].into(),
    }
}

fn with_port(name: &str, port: &str, endpoints: &[Endpoint]) -> EndpointSlice {
    let port =
        SlicePort { name: port.into(), protocol: Protocol::Tcp, endpoints: endpoints.into() };
    EndpointSlice { ports: [port].into(), portless: [].into(), ..portless(name) }
}

const HEADLESS: &str = "clusterIP: None";
const HTTP: &str = "clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]";

#[track_caller]
fn check(spec: &str, slices: &[String], expected: &[EndpointSlice], rejections: &[&str]) {
    let table = table(&(web(spec) + &slices.concat()));
    let found = service(&table, "web");
    let found: Vec<EndpointSlice> =
        found.slices.iter().map(|slice| EndpointSlice::clone(slice)).collect();
    assert_eq!(found, expected, "{spec}");
    assert_eq!(shown(&table), rejections, "{spec}");
}

#[test]
fn a_headless_service_without_ports_has_its_slices_with_ports_or_without() {
    let slices = [slice("b", "[]"), slice("a", "null"), slice("c", "[{name: http, port: 80}]")];
    let one = endpoint("10.1.0.1:80", "");
    let expected = [portless("a"), portless("b"), with_port("c", "http", &[one])];
    check(HEADLESS, &slices, &expected, &[]);
}

#[test]
fn a_port_without_a_number_leads_no_packet_and_its_endpoints_have_names() {
    let none = |index: usize| {
        format!(
            "EndpointSlice default/a ports[{index}].port: expected a number from 1 to 65535, found none"
        )
    };
    check(HTTP, &[slice("a", "[{name: http, port: null}]")], &[portless("a")], &[&none(0)]);
    let one = endpoint("10.1.0.1:80", "");
    check(
        HTTP,
        &[slice("a", "[{name: x, port: 80}, {name: http}]")],
        &[with_port("a", "x", std::slice::from_ref(&one))],
        &[&none(1)],
    );
    let table = table(&(web(HTTP) + &slice("a", "[{name: http}]")));
    assert_eq!(lists(&service(&table, "web")), Vec::<String>::new());
}

#[test]
fn slices_of_names_that_the_service_does_not_have_are_there_and_those_of_others_are_not() {
    let one = endpoint("10.1.0.1:80", "");
    let slices = [
        slice("a", "[{name: other, port: 80}]"),
        slice_of("kubernetes.io/service-name: web-2", "b", "[{name: http, port: 80}]"),
    ];
    check(HTTP, &slices, &[with_port("a", "other", &[one])], &[]);
    check("type: ExternalName, externalName: a.example", &slices, &[], &[]);
}

#[test]
fn labels_say_what_a_slice_is_for_and_where_it_comes_from() {
    let labels = "kubernetes.io/service-name: web, service.kubernetes.io/headless: '', \
                  multicluster.kubernetes.io/source-cluster: ";
    let headless = EndpointSlice { is_headless: true, ..portless("a") };
    let imported = EndpointSlice { cluster: Some("east.example".into()), ..headless.clone() };
    check(HEADLESS, &[slice_of(&format!("{labels}east.example"), "a", "[]")], &[imported], &[]);
    check(
        HEADLESS,
        &[slice_of(&format!("{labels}East"), "a", "[]")],
        &[headless],
        &[
            "EndpointSlice default/a metadata.labels[multicluster.kubernetes.io/source-cluster]: expected a \
             DNS name in lower case, found \"East\"; no cluster is known",
        ],
    );
}

#[test]
fn slices_that_stay_are_shared() {
    let mut objects = Objects::new();
    objects.apply(object(&web(HTTP)));
    for name in ["b", "a"] {
        objects.apply(object(&slice(name, "[{name: http, port: 80}]")));
    }
    let before = objects.table();
    objects.apply(object(&slice("b", "[{name: http, port: 80}]")));
    assert_eq!(before.changed_services(&objects.table()), []);

    objects.apply(object(&slice("b", "[{name: other, port: 80}]")));
    let after = objects.table();
    assert_eq!(before.changed_services(&after), [ServiceName::new("default", "web")]);
    let (old, new) = (service(&before, "web"), service(&after, "web"));
    let two = |slices: &[Arc<EndpointSlice>]| {
        <[Arc<EndpointSlice>; 2]>::try_from(slices.to_vec()).expect("two slices")
    };
    let ([old_a, old_b], [new_a, new_b]) = (two(&old.slices), two(&new.slices));
    assert!(Arc::ptr_eq(&old_a, &new_a));
    assert!(Arc::ptr_eq(&old_b.ports[0].endpoints, &new_b.ports[0].endpoints));

    let key = |name: &str| ObjectKey {
        kind: Kind::EndpointSlice,
        namespace: "default".to_owned(),
        name: name.to_owned(),
    };
    objects.delete(&key("a"));
    objects.delete(&key("b"));
    assert_eq!(*service(&objects.table(), "web").slices, []);
}

#[test]
fn endpoints_without_ports_are_shared_when_only_the_slice_changes() {
    let mut objects = Objects::new();
    objects.apply(object(&web(HEADLESS)));
    let labels = "kubernetes.io/service-name: web";
    let headless = format!("{labels}, service.kubernetes.io/headless: ''");
    let [before, after] = [labels, headless.as_str()].map(|labels| {
        objects.apply(object(&slice_of(labels, "a", "[]")));
        Arc::clone(service(&objects.table(), "web").slices.first().expect("it has one"))
    });
    assert_eq!((before.is_headless, after.is_headless), (false, true));
    assert!(Arc::ptr_eq(&before.portless, &after.portless));
}
