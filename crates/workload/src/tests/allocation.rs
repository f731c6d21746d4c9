//! Who gets which address and node port, and what is refused?

use std::collections::BTreeSet;

use model::ServiceName;
use proptest::prelude::*;

use super::service;
use crate::allocate::{Allocator, NODE_PORTS_DEFAULT};
use crate::api::Service;

fn allocator(ranges: &[&str]) -> Allocator {
    let ranges: Vec<_> = ranges.iter().map(|text| text.parse().expect("a range")).collect();
    Allocator::new(&ranges, NODE_PORTS_DEFAULT)
}

fn dual() -> Allocator {
    allocator(&["10.96.0.0/16", "fd00:96::/108"])
}

/// A Service with one port 80, and more of its spec.
fn named(name: &str, spec: &str) -> Service {
    service(&format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: shop}}, \
         spec: {{selector: {{app: web}}, ports: [{{port: 80}}], {spec}}}}}"
    ))
}

/// The refusal as a person reads it.
fn refused(allocator: &mut Allocator, service: Service) -> String {
    match allocator.admit(service) {
        Ok(service) => format!("taken in: {:?}", service.object.spec),
        Err(why) => why.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    }
}

fn admitted(allocator: &mut Allocator, service: Service) -> Service {
    allocator.admit(service).expect("nothing is wrong with it")
}

#[test]
fn fills_in_what_the_api_server_fills_in() {
    let found =
        admitted(&mut dual(), named("web", "clusterIP: 10.96.0.7, sessionAffinity: ClientIP"));
    let expected = service(
        "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {
          type: ClusterIP, clusterIP: 10.96.0.7, clusterIPs: [10.96.0.7], ipFamilies: [IPv4],
          ipFamilyPolicy: SingleStack, internalTrafficPolicy: Cluster, sessionAffinity: ClientIP,
          sessionAffinityConfig: {clientIP: {timeoutSeconds: 10800}}, selector: {app: web},
          ports: [{port: 80, protocol: TCP, targetPort: 80}]}}",
    );
    assert_eq!(found, expected);
}

#[test]
fn chooses_families_by_policy() {
    let cases = [
        ("type: ClusterIP", &["IPv4"][..], "SingleStack"),
        ("ipFamilies: [IPv6]", &["IPv6"], "SingleStack"),
        ("ipFamilyPolicy: PreferDualStack", &["IPv4", "IPv6"], "PreferDualStack"),
        (
            "ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv6]",
            &["IPv6", "IPv4"],
            "RequireDualStack",
        ),
        (
            "clusterIP: 'fd00:96::9', ipFamilyPolicy: PreferDualStack",
            &["IPv6", "IPv4"],
            "PreferDualStack",
        ),
        ("clusterIP: None", &["IPv4"], "SingleStack"),
        ("clusterIP: None, selector: {}", &["IPv4", "IPv6"], "RequireDualStack"),
    ];
    for (spec, families, policy) in cases {
        let spec = if spec.contains("selector") {
            service(&format!(
                "{{apiVersion: v1, kind: Service, metadata: {{name: web}}, spec: {{{spec}}}}}"
            ))
        } else {
            named("web", spec)
        };
        let found = admitted(&mut dual(), spec).object.spec;
        assert_eq!(found.ip_families, families, "{found:?}");
        assert_eq!(found.ip_family_policy.as_deref(), Some(policy), "{found:?}");
        let is_headless = found.cluster_ip.as_deref() == Some("None");
        let of_families: Vec<_> = found
            .cluster_ips
            .iter()
            .map(|text| if text.contains(':') { "IPv6" } else { "IPv4" })
            .collect();
        assert_eq!(of_families, if is_headless { &["IPv4"][..] } else { families });
    }
    let prefers = named("web", "ipFamilyPolicy: PreferDualStack");
    let found = admitted(&mut allocator(&["10.96.0.0/16"]), prefers).object.spec;
    assert_eq!(found.ip_families, ["IPv4"]);
}

#[test]
fn refuses_what_cannot_be_given() {
    let mut full = dual();
    admitted(&mut full, named("first", "clusterIP: 10.96.0.10, type: NodePort"));
    let taken = *full.node_ports().keys().next().expect("a node port was given");
    let node_port =
        |number: u16| format!("type: NodePort, ports: [{{port: 80, nodePort: {number}}}]");
    let one = |spec: &str| {
        service(&format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: web, namespace: shop}}, spec: {{{spec}}}}}"
        ))
    };
    let cases = [
        (
            named("web", "clusterIP: 10.96.0.10"),
            "spec.clusterIPs[0]: 10.96.0.10 is already the address of Service shop/first"
                .to_owned(),
        ),
        (
            named("web", "clusterIP: 10.97.0.10"),
            "spec.clusterIPs[0]: expected an address of 10.96.0.0/16 or fd00:96::/108, found \
             10.97.0.10"
                .to_owned(),
        ),
        (
            named("web", "clusterIP: 10.96.255.255"),
            "spec.clusterIPs[0]: expected an address of one Service, found 10.96.255.255"
                .to_owned(),
        ),
        (
            named("web", "ipFamilies: [IPv4, IPv6]"),
            "spec.ipFamilyPolicy: expected PreferDualStack or RequireDualStack for two families, \
             found SingleStack"
                .to_owned(),
        ),
        (
            named("web", "clusterIP: 10.96.0.9, ipFamilies: [IPv6]"),
            "spec.clusterIPs[0]: expected an IPv6 address, found 10.96.0.9".to_owned(),
        ),
        (
            one(&node_port(taken)),
            format!("spec.ports[0].nodePort: {taken} is already a node port of Service shop/first"),
        ),
        (
            one(&node_port(80)),
            "spec.ports[0].nodePort: expected a node port from 30000 to 32767, found 80".to_owned(),
        ),
    ];
    for (service, expected) in cases {
        assert_eq!(refused(&mut full, service), format!("Service shop/web {expected}"));
    }
    let owners: BTreeSet<_> =
        full.cluster_ips().values().chain(full.node_ports().values()).collect();
    assert_eq!(owners, BTreeSet::from([&ServiceName::new("shop", "first")]));
    let single = &mut allocator(&["10.96.0.0/16"]);
    assert_eq!(
        refused(single, named("web", "ipFamilyPolicy: RequireDualStack")),
        "Service shop/web spec.ipFamilyPolicy: expected a cluster with service CIDRs of both \
         families for RequireDualStack; PreferDualStack takes what there is"
    );
}

#[test]
fn shares_a_node_port_between_protocols_of_one_port() {
    let text = "{apiVersion: v1, kind: Service, metadata: {name: dns, namespace: shop}, spec: {
      type: LoadBalancer, externalTrafficPolicy: Local, ports: [
        {name: udp, port: 53, protocol: UDP}, {name: tcp, port: 53},
        {name: web, port: 80}]}}";
    let spec = admitted(&mut dual(), service(text)).object.spec;
    let ports: Vec<_> = spec.ports.iter().map(|port| port.node_port.clone()).collect();
    assert_eq!(ports[0], ports[1]);
    let all: BTreeSet<_> = ports
        .into_iter()
        .chain([spec.health_check_node_port])
        .collect::<Vec<_>>()
        .into_iter()
        .flatten()
        .map(|port| port.to_string())
        .collect();
    assert_eq!(all.len(), 3);
}

#[test]
fn keeps_what_a_service_has() {
    let mut allocator = dual();
    let first = admitted(&mut allocator, named("web", "type: NodePort"));
    assert_eq!(admitted(&mut allocator, named("web", "type: NodePort")), first);
    let address = first.object.spec.cluster_ip.expect("it has one");
    assert_eq!(
        refused(&mut allocator, named("web", "clusterIP: 10.96.0.99")),
        format!(
            "Service shop/web spec.clusterIP: expected {address}, which the Service has, found \
             10.96.0.99; delete the Service to give it another"
        )
    );
    let v6 = admitted(&mut allocator, named("six", "ipFamilies: [IPv6]")).object.spec.cluster_ips;
    let again =
        admitted(&mut allocator, named("six", "ipFamilyPolicy: PreferDualStack")).object.spec;
    assert_eq!((&again.cluster_ips[..1], again.cluster_ips.len()), (&v6[..], 2));
    allocator.release(&ServiceName::new("shop", "six"));
    // As plain ClusterIP it gives its node port back.
    admitted(&mut allocator, named("web", "type: ClusterIP"));
    assert_eq!((allocator.cluster_ips().len(), allocator.node_ports().len()), (1, 0));
    allocator.release(&ServiceName::new("shop", "web"));
    assert_eq!(allocator.cluster_ips().len(), 0);
}

#[test]
fn takes_the_static_part_last_and_then_is_full() {
    let mut allocator = allocator(&["10.0.0.0/26"]);
    let mut found = Vec::new();
    for index in 0..62 {
        let service = admitted(&mut allocator, named(&format!("web-{index}"), "type: ClusterIP"));
        let text = service.object.spec.cluster_ip.expect("it has one");
        found.push(text.rsplit('.').next().expect("octets").parse::<u8>().expect("an octet"));
    }
    let (dynamic, fixed) = found.split_at(46);
    assert_eq!((dynamic.iter().min(), dynamic.iter().max()), (Some(&17), Some(&62)));
    assert_eq!((fixed.iter().min(), fixed.iter().max()), (Some(&1), Some(&16)));
    assert_eq!(
        refused(&mut allocator, named("more", "type: ClusterIP")),
        "Service shop/more spec.clusterIP: every address of 10.0.0.0/26 is taken"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever comes and goes, every address and node port is one Service's, and each Service that
    /// was taken in has what the allocator says.
    #[test]
    fn never_gives_anything_twice(
        steps in prop::collection::vec((0..12_u8, 0..7_u8, any::<bool>(), 0..4_u8), 1..60)
    ) {
        let mut allocator = allocator(&["10.0.0.0/28", "fd00::/124"]);
        let mut present = std::collections::BTreeMap::new();
        for (who, what, deletes, number) in steps {
            let name = format!("web-{who}");
            if deletes {
                allocator.release(&ServiceName::new("shop", name.as_str()));
                present.remove(&name);
                continue;
            }
            let spec = match what {
                0 => "type: ClusterIP".to_owned(),
                1 => "type: NodePort, ipFamilyPolicy: PreferDualStack".to_owned(),
                2 => format!("clusterIP: 10.0.0.{}", number + 1),
                3 => "clusterIP: None".to_owned(),
                4 => "type: LoadBalancer, externalTrafficPolicy: Local".to_owned(),
                5 => format!("type: NodePort, healthCheckNodePort: {}", 30_000 + u32::from(number)),
                _ => "type: ExternalName, externalName: www.naver.com".to_owned(),
            };
            let text = format!(
                "{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: shop}}, \
                 spec: {{ports: [{{port: 80}}], selector: {{a: b}}, {spec}}}}}"
            );
            if let Ok(service) = allocator.admit(service(&text)) {
                present.insert(name, service);
            }
        }
        let addresses: Vec<&String> = present
            .values()
            .flat_map(|service| &service.object.spec.cluster_ips)
            .filter(|text| *text != "None")
            .collect();
        let once: BTreeSet<_> = addresses.iter().collect();
        prop_assert_eq!(once.len(), addresses.len());
        prop_assert_eq!(once.len(), allocator.cluster_ips().len());
        let ports: Vec<String> = present
            .values()
            .flat_map(|service| {
                let spec = &service.object.spec;
                let is_local = spec.kind.as_deref() == Some("LoadBalancer");
                let check = spec.health_check_node_port.iter().filter(move |_| is_local);
                spec.ports.iter().filter_map(|port| port.node_port.as_ref()).chain(check)
            })
            .map(ToString::to_string)
            .collect();
        let once: BTreeSet<_> = ports.iter().collect();
        prop_assert_eq!(once.len(), ports.len());
        prop_assert_eq!(once.len(), allocator.node_ports().len());
    }
}
