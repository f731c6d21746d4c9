//! Does a Service get the endpoints of its slices, and does nothing else change?

use std::sync::Arc;

use model::limits::ENDPOINTS_PER_POOL_MAX;
use model::{Endpoint, Service, ServiceName};

use super::{endpoint, lists, object, service, shown, table};
use crate::api::{Kind, Object, ObjectKey};
use crate::{Objects, Touched};

fn web(spec: &str) -> String {
    format!("{{apiVersion: v1, kind: Service, metadata: {{name: web}}, spec: {{{spec}}}}}\n---\n")
}

/// A slice of the Service `web` with the port `http` only.
fn slice(name: &str, port: u16, endpoints: &str) -> String {
    slice_with(name, "", &format!("{{name: http, port: {port}}}"), endpoints)
}

fn slice_with(name: &str, labels: &str, ports: &str, endpoints: &str) -> String {
    format!(
        "{{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {{name: {name}, labels: \
         {{kubernetes.io/service-name: web, {labels}}}}}, addressType: IPv4, ports: [{ports}], \
         endpoints: [{endpoints}]}}\n---\n"
    )
}

const HTTP: &str = "clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]";

fn slice_key(name: &str) -> ObjectKey {
    ObjectKey { kind: Kind::EndpointSlice, namespace: "default".to_owned(), name: name.to_owned() }
}

fn touched(names: &[&str]) -> Touched {
    let services = names.iter().map(|name| ServiceName::new("default", *name)).collect();
    Touched { services, trigger: None }
}

fn endpoints(service: &Service, port: usize) -> &Arc<[Endpoint]> {
    &service.ports[port].endpoints.v4
}

#[test]
fn slices_add_up_and_each_may_have_another_port_number() {
    let text = [
        web(HTTP),
        slice("b", 8080, "{addresses: [10.1.0.2]}, {addresses: [10.1.0.1]}"),
        slice("a", 9090, "{addresses: [10.1.0.2]}"),
    ];
    let found = service(&table(&text.concat()), "web");
    assert_eq!(lists(&found), ["http IPv4: 10.1.0.1:8080 10.1.0.2:8080 10.1.0.2:9090"]);
}

#[test]
fn every_port_has_its_own_endpoints() {
    let text = [
        web(
            "clusterIPs: [10.96.0.1, 'fd00::1'], ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53}, {name: metrics, port: 9153}]",
        ),
        slice_with(
            "a",
            "",
            "{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53}",
            "{addresses: [10.1.0.1]}",
        ),
        slice_with("b", "", "{name: dns-tcp, port: 53}", "{addresses: ['fd01::1']}")
            .replace("IPv4", "IPv6"),
    ];
    let found = service(&table(&text.concat()), "web");
    assert_eq!(
        lists(&found),
        ["dns IPv4: 10.1.0.1:53", "dns-tcp IPv4: 10.1.0.1:53", "dns-tcp IPv6: [fd01::1]:53"]
    );
}

#[test]
fn a_slice_for_headless_services_gives_nothing_to_one_with_an_address() {
    let headless = "service.kubernetes.io/headless: ''";
    let slice = slice_with("a", headless, "{name: http, port: 1}", "{addresses: [10.1.0.1]}");
    let cases = [
        ("clusterIP: 10.96.0.1", Vec::new()),
        ("clusterIP: None", vec!["http IPv4: 10.1.0.1:1".to_owned()]),
    ];
    for (cluster_ip, expected) in cases {
        let web = web(&format!("{cluster_ip}, ports: [{{name: http, port: 80}}]"));
        assert_eq!(lists(&service(&table(&[web, slice.clone()].concat()), "web")), expected);
    }
}

#[test]
fn slices_that_disagree_are_told_and_the_choice_does_not_depend_on_order() {
    let mut texts = [
        web(HTTP),
        slice(
            "a",
            80,
            "{addresses: [10.1.0.1], nodeName: n2}, {addresses: [10.1.0.2], nodeName: n1}",
        ),
        slice(
            "b",
            80,
            "{addresses: [10.1.0.1], nodeName: n1}, {addresses: [10.1.0.2], nodeName: n1, conditions: {ready: false, terminating: true}}",
        ),
    ];
    for _ in 0..texts.len() {
        texts.rotate_left(1);
        let table = table(&texts.concat());
        assert_eq!(
            **endpoints(&service(&table, "web"), 0),
            [endpoint("10.1.0.1:80", "n1"), endpoint("10.1.0.2:80", "n1")]
        );
        assert_eq!(
            shown(&table),
            [
                "EndpointSlice default/a endpoints[].nodeName: expected n1 for 10.1.0.1 as in EndpointSlice default/b, found n2"
            ]
        );
    }
}

#[test]
fn endpoints_beyond_the_bound_are_told_and_the_lowest_stay() {
    const PER_SLICE: usize = 1_000;
    let mut objects = Objects::new();
    objects.apply(object(&web(HTTP)));
    let address =
        |index: usize| format!("10.{}.{}.{}", 1 + index / 65_536, index / 256 % 256, index % 256);
    let slices = ENDPOINTS_PER_POOL_MAX.div_ceil(PER_SLICE);
    for name in 0..slices {
        let list: Vec<String> = (name * PER_SLICE..(name + 1) * PER_SLICE)
            .map(|index| format!("{{addresses: [{}]}}", address(index)))
            .collect();
        objects.apply(object(&slice(&format!("s{name}"), 80, &list.join(", "))));
    }
    let table = objects.table();
    let found = service(&table, "web");
    assert_eq!(endpoints(&found, 0).len(), ENDPOINTS_PER_POOL_MAX);
    let last = endpoints(&found, 0).last().map(|it| it.address.ip().to_string());
    assert_eq!(last, Some(address(ENDPOINTS_PER_POOL_MAX - 1)));
    assert_eq!(
        shown(&table),
        [format!(
            "Service default/web spec.ports[0]: expected at most {ENDPOINTS_PER_POOL_MAX} IPv4 endpoints, \
             found {}; those with the lowest addresses are used",
            slices * PER_SLICE
        )]
    );
    objects.delete(&slice_key("s0"));
    assert_eq!(shown(&objects.table()), Vec::<String>::new());
}

#[test]
fn a_slice_goes_from_one_service_to_another() {
    let other = web(HTTP).replace("web", "other").replace("10.96.0.1", "10.96.0.2");
    let mut objects = Objects::new();
    let texts = [web(HTTP), other, slice("a", 80, "{addresses: [10.1.0.1]}")];
    super::objects(&texts.concat()).into_iter().for_each(|it| drop(objects.apply(it)));
    let before = objects.table();
    assert_eq!(lists(&service(&before, "web")), ["http IPv4: 10.1.0.1:80"]);

    let moved = slice("a", 80, "{addresses: [10.1.0.1]}").replace("web", "other");
    assert_eq!(objects.apply(object(&moved)), touched(&["other", "web"]));
    let after = objects.table();
    assert_eq!(lists(&service(&after, "web")), Vec::<String>::new());
    assert_eq!(lists(&service(&after, "other")), ["http IPv4: 10.1.0.1:80"]);

    assert_eq!(objects.delete(&slice_key("a")), touched(&["other"]));
    assert_eq!(objects.delete(&slice_key("a")), touched(&[]));
    assert_eq!(lists(&service(&objects.table(), "other")), Vec::<String>::new());
}

#[test]
fn endpoints_may_come_before_their_service() {
    let mut objects = Objects::new();
    objects.apply(object(&slice("a", 80, "{addresses: [10.1.0.1]}")));
    assert_eq!(objects.table().services.len(), 0);
    objects.apply(object(&web(HTTP)));
    assert_eq!(lists(&service(&objects.table(), "web")), ["http IPv4: 10.1.0.1:80"]);
    let key = ObjectKey { kind: Kind::Service, ..slice_key("web") };
    assert_eq!(objects.delete(&key), touched(&["web"]));
    assert_eq!(objects.table().services.len(), 0);
    objects.apply(object(&web(HTTP)));
    assert_eq!(lists(&service(&objects.table(), "web")), ["http IPv4: 10.1.0.1:80"]);
}

#[test]
fn rejections_go_when_the_object_is_repaired_or_deleted() {
    let broken = web("clusterIP: x, ports: [{name: http, port: 80}]");
    let wrong = ["Service default/web spec.clusterIP: expected an IP address, found \"x\""];
    let mut objects = Objects::new();
    objects.apply(object(&broken));
    let first = objects.table();
    assert_eq!(shown(&first), wrong);
    objects.apply(object(&slice("a", 80, "")));
    assert!(Arc::ptr_eq(&first.rejections, &objects.table().rejections), "nothing new is wrong");

    objects.apply(object(&web(HTTP)));
    assert_eq!(shown(&objects.table()), Vec::<String>::new());
    objects.apply(object(&broken));
    assert_eq!(shown(&objects.table()), wrong);
    objects.delete(&ObjectKey { kind: Kind::Service, ..slice_key("web") });
    assert_eq!(shown(&objects.table()), Vec::<String>::new());

    let unread = model::Rejection::new(model::Object::File("a.yaml".into()), "line 1", "wrong");
    objects.set_file_rejections("a.yaml", vec![unread.clone()]);
    assert_eq!(*objects.table().rejections, [unread]);
    objects.set_file_rejections("a.yaml", Vec::new());
    assert_eq!(*objects.table().rejections, []);
}

#[test]
fn what_did_not_change_is_shared() {
    let two = "clusterIP: 10.96.0.1, ports: [{name: http, port: 80}, {name: admin, port: 81}]";
    let ports = "{name: http, port: 80}";
    let texts = [
        web(two),
        web(HTTP).replace("web", "other").replace("10.96.0.1", "10.96.0.2"),
        slice_with("a", "", ports, "{addresses: [10.1.0.1]}"),
        slice_with("b", "", "{name: admin, port: 81}", "{addresses: [10.1.0.1]}"),
        slice_with("c", "", "{name: admin, port: 81}", "{addresses: [10.1.0.2]}"),
    ];
    let mut objects = Objects::new();
    super::objects(&texts.concat()).into_iter().for_each(|it| drop(objects.apply(it)));
    let before = objects.table();

    // Everything again: as after a restart of the API server.
    super::objects(&texts.concat()).into_iter().for_each(|it| drop(objects.apply(it)));
    let same = objects.table();
    assert_eq!(before.changed_services(&same), []);
    assert!(Arc::ptr_eq(&before.rejections, &same.rejections));

    // One slice: its Service, and of that the one port.
    objects.apply(object(&slice_with("a", "", ports, "{addresses: [10.1.0.9]}")));
    let after = objects.table();
    assert_eq!(before.changed_services(&after), [ServiceName::new("default", "web")]);
    let (old, new) = (service(&before, "web"), service(&after, "web"));
    assert_eq!(lists(&new), ["http IPv4: 10.1.0.9:80", "admin IPv4: 10.1.0.1:81 10.1.0.2:81"]);
    assert!(Arc::ptr_eq(endpoints(&old, 1), endpoints(&new, 1)), "merged, and as before");

    // The Service: its endpoints.
    let sticky = web(&format!("{two}, sessionAffinity: ClientIP"));
    objects.apply(object(&sticky));
    let sticky = service(&objects.table(), "web");
    assert!(sticky.affinity.is_some());
    for port in 0..2 {
        assert!(Arc::ptr_eq(endpoints(&new, port), endpoints(&sticky, port)), "port {port}");
    }
}

#[test]
fn equal_lists_of_one_slice_are_one() {
    let text = [
        web(
            "clusterIP: 10.96.0.1, ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53}]",
        ),
        slice_with(
            "a",
            "",
            "{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53}",
            "{addresses: [10.1.0.1], nodeName: n1}",
        ),
    ];
    let found = service(&table(&text.concat()), "web");
    assert!(Arc::ptr_eq(endpoints(&found, 0), endpoints(&found, 1)));
}

#[test]
fn an_object_may_change_its_kind_of_service() {
    let mut objects = Objects::new();
    objects.apply(object(&slice("a", 80, "{addresses: [10.1.0.1]}")));
    let specs = [
        ("type: ExternalName, externalName: a.example", false, 0),
        ("type: NodePort, clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]", true, 1),
        (HTTP, true, 1),
        ("clusterIP: None, ports: [{name: http, port: 80}]", false, 1),
        ("type: ExternalName, externalName: a.example, ports: [{name: http, port: 80}]", false, 0),
    ];
    for (spec, is_proxied, count) in specs {
        let Object::Service(written) = object(&web(spec)) else { panic!("it is a Service") };
        objects.apply(Object::Service(written));
        let found = service(&objects.table(), "web");
        assert_eq!((found.is_proxied(), lists(&found).len()), (is_proxied, count), "{spec}");
    }
}
