//! Which addresses does a Service ask for, in whoever's words?

use model::{
    AddressRequest, Family, FamilyPolicy, PoolName, Protocol, ServiceName, Sharing, SharingScope,
};

use super::object;
use crate::address_request;
use crate::api::Object;

/// A Service of type LoadBalancer with annotations and more of its spec.
fn request(annotations: &str, spec: &str) -> AddressRequest {
    let text = format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: web, namespace: shop, \
         annotations: {{{annotations}}}}}, spec: {{type: LoadBalancer, clusterIPs: [10.96.0.1], \
         ports: [{{port: 80}}], {spec}}}}}"
    );
    read(&text).expect("it asks for addresses")
}

fn read(text: &str) -> Option<AddressRequest> {
    let Object::Service(service) = object(text) else { panic!("a Service: {text}") };
    address_request(&service)
}

fn plain() -> AddressRequest {
    AddressRequest {
        service: ServiceName::new("shop", "web"),
        created_s: 0,
        class: None,
        labels: [].into(),
        families: vec![Family::V4],
        family_policy: FamilyPolicy::SingleStack,
        addresses: Vec::new(),
        pool: None,
        unclear: None,
        sharing: None,
        ports: [(Protocol::Tcp, 80.try_into().expect("not zero"))].into(),
        local_selector: None,
        held: Vec::new(),
    }
}

#[test]
fn a_plain_service_asks_for_any_address_of_its_family() {
    assert_eq!(request("", ""), plain());
}

#[test]
fn all_that_an_address_depends_on_is_read() {
    let text = "{apiVersion: v1, kind: Service,
        metadata: {name: web, namespace: shop, creationTimestamp: '1970-01-01T00:00:09Z', labels: {team: a}},
        spec: {type: LoadBalancer, clusterIPs: ['fd00::1', 10.96.0.1], ipFamilyPolicy: RequireDualStack,
            loadBalancerClass: pogu.dev/vip, externalTrafficPolicy: Local, selector: {b: '2', a: '1'},
            ports: [{name: a, port: 80}, {name: b, port: 53, protocol: UDP}]},
        status: {loadBalancer: {ingress: [{ip: 192.0.2.1}, {hostname: x.example}, {ip: 'fd01::1'}]}}}";
    let port = |number: u16| number.try_into().expect("not zero");
    let expected = AddressRequest {
        created_s: 9,
        class: Some("pogu.dev/vip".into()),
        labels: [("team".into(), "a".into())].into(),
        families: vec![Family::V6, Family::V4],
        family_policy: FamilyPolicy::RequireDualStack,
        ports: [(Protocol::Tcp, port(80)), (Protocol::Udp, port(53))].into(),
        local_selector: Some("a=1,b=2".into()),
        held: ["192.0.2.1", "fd01::1"].map(|it| it.parse().expect("an address")).into(),
        ..plain()
    };
    assert_eq!(read(text), Some(expected));
}

#[test]
fn nothing_is_asked_for_by_another_type_or_before_there_is_a_cluster_ip() {
    for spec in
        ["type: ClusterIP, clusterIPs: [10.96.0.1]", "type: LoadBalancer", "clusterIP: None"]
    {
        let text = format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: web}}, spec: {{{spec}, ports: [{{port: 80}}]}}}}"
        );
        assert_eq!(read(&text), None, "{spec}");
    }
}

#[test]
fn everybodys_annotations_ask_for_addresses() {
    let one = |annotation: &str| format!("{annotation}: '192.0.2.7'");
    for annotation in [
        "pogu.dev/addresses",
        "metallb.io/loadBalancerIPs",
        "metallb.universe.tf/loadBalancerIPs",
        "lbipam.cilium.io/ips",
        "io.cilium/lb-ipam-ips",
        "kube-vip.io/loadbalancerIPs",
    ] {
        let expected = AddressRequest { addresses: vec![[192, 0, 2, 7].into()], ..plain() };
        assert_eq!(request(&one(annotation), ""), expected, "{annotation}");
        assert_eq!(
            request(&one(annotation), "loadBalancerIP: 192.0.2.7"),
            expected,
            "{annotation}"
        );
    }
    let pair = request("metallb.io/loadBalancerIPs: '192.0.2.7, fd00::7'", "").addresses;
    assert_eq!(
        pair,
        ["192.0.2.7", "fd00::7"].map(|it| it.parse::<std::net::IpAddr>().expect("one"))
    );
    // Of one and its older name the newer counts.
    let both =
        "metallb.io/loadBalancerIPs: 192.0.2.7, metallb.universe.tf/loadBalancerIPs: 192.0.2.8";
    assert_eq!(request(both, "").addresses, [std::net::IpAddr::from([192, 0, 2, 7])]);
}

#[test]
fn everybodys_annotations_ask_for_a_pool() {
    for annotation in
        ["pogu.dev/address-pool", "metallb.io/address-pool", "metallb.universe.tf/address-pool"]
    {
        let found = request(&format!("{annotation}: public"), "");
        assert_eq!(found, AddressRequest { pool: Some(PoolName::new("public")), ..plain() });
    }
}

#[test]
fn a_key_reaches_as_far_as_who_reads_it_elsewhere_lets_it() {
    let own = || SharingScope::Namespaces([].into());
    let named = || SharingScope::Namespaces(["bank".into(), "lab".into()].into());
    let cases = [
        ("pogu.dev/sharing-key: k", own()),
        ("pogu.dev/sharing-key: k, pogu.dev/sharing-namespaces: 'bank, lab'", named()),
        ("pogu.dev/sharing-key: k, pogu.dev/sharing-namespaces: '*'", SharingScope::AnyNamespace),
        ("metallb.io/allow-shared-ip: k", SharingScope::AnyNamespace),
        ("metallb.universe.tf/allow-shared-ip: k", SharingScope::AnyNamespace),
        ("lbipam.cilium.io/sharing-key: k", own()),
        ("io.cilium/lb-ipam-sharing-key: k", own()),
        (
            "lbipam.cilium.io/sharing-key: k, lbipam.cilium.io/sharing-cross-namespace: 'bank,lab'",
            named(),
        ),
        ("metallb.io/allow-shared-ip: k, pogu.dev/sharing-key: k", own()),
    ];
    for (annotations, with) in cases {
        let sharing = Some(Sharing { key: "k".into(), with });
        assert_eq!(
            request(annotations, ""),
            AddressRequest { sharing, ..plain() },
            "{annotations}"
        );
    }
}

#[test]
fn two_that_say_different_things_ask_for_nothing_and_both_are_named() {
    let cases = [
        (
            "metallb.io/loadBalancerIPs: 192.0.2.7, lbipam.cilium.io/ips: 192.0.2.8",
            "",
            "expected the same of metallb.io/loadBalancerIPs and lbipam.cilium.io/ips, found \
             \"192.0.2.7\" and \"192.0.2.8\"",
        ),
        (
            "kube-vip.io/loadbalancerIPs: 192.0.2.7",
            "loadBalancerIP: 192.0.2.8",
            "expected the same of spec.loadBalancerIP and kube-vip.io/loadbalancerIPs, found \
             \"192.0.2.8\" and \"192.0.2.7\"",
        ),
        (
            "metallb.io/address-pool: a, pogu.dev/address-pool: b",
            "",
            "expected the same of pogu.dev/address-pool and metallb.io/address-pool, found \"b\" \
             and \"a\"",
        ),
        (
            "metallb.io/allow-shared-ip: a, lbipam.cilium.io/sharing-key: b",
            "",
            "expected the same of metallb.io/allow-shared-ip and lbipam.cilium.io/sharing-key, \
             found \"a\" and \"b\"",
        ),
        (
            "metallb.io/loadBalancerIPs: '192.0.2.7,192.0.2.8'",
            "",
            "metallb.io/loadBalancerIPs: expected one address of each family, found 192.0.2.8 \
             beside 192.0.2.7",
        ),
        (
            "kube-vip.io/loadbalancerIPs: 0.0.0.0",
            "",
            "kube-vip.io/loadbalancerIPs: expected an address that other machines can reach, found \
             the unspecified address 0.0.0.0",
        ),
        ("", "loadBalancerIP: fo.o", "spec.loadBalancerIP: expected an IP address, found \"fo.o\""),
    ];
    for (annotations, spec, expected) in cases {
        let unclear = Some(expected.into());
        assert_eq!(request(annotations, spec), AddressRequest { unclear, ..plain() });
    }
    // In another order they say the same.
    let same = "metallb.io/loadBalancerIPs: '192.0.2.7,fd00::7', lbipam.cilium.io/ips: 'fd00::7,192.0.2.7'";
    assert_eq!(request(same, "").unclear, None);
}
