//! Are the addresses of a Service, and who may use them, read as the API means them?

use std::sync::Arc;

use model::{ByFamily, ExternalAddress, Service, ServiceKind, SourceRanges};

use crate::Objects;
use crate::manifest::{Manifest, parse};

use super::services::{check, check_spec, plain};

fn external(address: &str, load_balancer: bool) -> ExternalAddress {
    ExternalAddress { address: address.parse().expect("the test's address"), load_balancer }
}

fn ranges(v4: &[&str], v6: &[&str]) -> Option<SourceRanges> {
    let nets =
        |list: &[&str]| list.iter().map(|it| it.parse().expect("the test's range")).collect();
    Some(SourceRanges(ByFamily { v4: nets(v4), v6: nets(v6) }))
}

#[test]
fn cluster_ips_are_one_of_each_family() {
    let v6 = "fd00::1".parse().expect("an address");
    let both = Service { cluster_ips: vec![[10, 96, 0, 1].into(), v6], ..plain() };
    let none = Service { cluster_ips: Vec::new(), ..plain() };
    let cases: [(&str, &str, &Service, &[&str]); 12] = [
        ("the list alone", "clusterIPs: [10.96.0.1]", &plain(), &[]),
        ("the field alone", "clusterIP: 10.96.0.1", &plain(), &[]),
        ("both", "clusterIP: 10.96.0.1, clusterIPs: [10.96.0.1, 'fd00::1']", &both, &[]),
        ("leading zeros", "clusterIP: 010.096.000.001", &plain(), &[]),
        ("headless", "clusterIP: None, clusterIPs: [None]", &none, &[]),
        ("not allocated yet", "clusterIP: ''", &none, &[]),
        ("absent", "type: ClusterIP", &none, &[]),
        (
            "two of one family",
            "clusterIPs: [10.96.0.1, 10.96.0.2]",
            &plain(),
            &[
                "spec.clusterIPs[1]: expected one address of each family, found 10.96.0.2 beside 10.96.0.1",
            ],
        ),
        (
            "the field differs from the list",
            "clusterIP: 10.96.0.9, clusterIPs: [10.96.0.1]",
            &plain(),
            &[
                r#"spec.clusterIP: expected the first of clusterIPs, "10.96.0.1", found "10.96.0.9""#,
            ],
        ),
        (
            "None beside an address",
            "clusterIPs: [10.96.0.1, None]",
            &plain(),
            &[r#"spec.clusterIPs[1]: expected an IP address beside others, found "None""#],
        ),
        (
            "malformed",
            "clusterIPs: [10.96.0, 'fd00::1', '::ffff:10.0.0.1']",
            &Service { cluster_ips: vec![v6], ..plain() },
            &[
                r#"spec.clusterIPs[0]: expected an IP address, found "10.96.0""#,
                "spec.clusterIPs[2]: expected plain IPv4, found an IPv4 address written as IPv6, ::ffff:10.0.0.1",
            ],
        ),
        (
            "loopback",
            "clusterIP: 127.0.0.1",
            &none,
            &[
                "spec.clusterIP: expected an address that other machines can reach, found the loopback address 127.0.0.1",
            ],
        ),
    ];
    for (what, spec, expected, rejections) in cases {
        let text = format!("metadata: {{name: web}}, spec: {{ports: [{{port: 80}}], {spec}}}");
        check(what, &text, expected, rejections);
    }
}

#[test]
fn external_addresses_are_those_that_nodes_may_stand_in_for() {
    let load_balancer =
        |external| Service { kind: ServiceKind::LoadBalancer(Arc::default()), external, ..plain() };
    let text = |kind: &str, externals: &str, ingress: &str| {
        format!(
            "metadata: {{name: web}}, spec: {{type: {kind}, clusterIP: 10.96.0.1, ports: [{{port: 80}}], \
             externalIPs: [{externals}]}}, status: {{loadBalancer: {{ingress: [{ingress}]}}}}"
        )
    };
    check(
        "both kinds, one address in both",
        &text(
            "LoadBalancer",
            "192.0.2.1, 192.0.2.2",
            "{ip: 192.0.2.2}, {ip: 192.0.2.3, ipMode: VIP, hostname: lb.example}",
        ),
        &load_balancer(vec![
            external("192.0.2.1", false),
            external("192.0.2.2", false),
            external("192.0.2.2", true),
            external("192.0.2.3", true),
        ]),
        &[],
    );
    check(
        "a proxy and a name must be reached themselves",
        &text("LoadBalancer", "", "{ip: 192.0.2.3, ipMode: Proxy}, {hostname: lb.example}"),
        &load_balancer(vec![]),
        &[],
    );
    check(
        "what cannot be served",
        &text(
            "LoadBalancer",
            "192.0.2.1, 192.0.2.1, 'fd00::1', 169.254.0.1, nonsense",
            "{ip: 192.0.2.3, ipMode: Vip}, {}, {ip: 'fd00::2'}, {ip: 224.0.0.1}",
        ),
        &load_balancer(vec![external("192.0.2.1", false)]),
        &[
            "spec.externalIPs[1]: expected each address once, found 192.0.2.1 again",
            "spec.externalIPs[2]: expected a family that clusterIPs has, found the IPv6 address fd00::1",
            "spec.externalIPs[3]: expected an address that other machines can reach, found the link-local address 169.254.0.1",
            r#"spec.externalIPs[4]: expected an IP address, found "nonsense""#,
            r#"status.loadBalancer.ingress[0].ipMode: expected VIP or Proxy, found "Vip"; it is not served"#,
            "status.loadBalancer.ingress[1]: expected an ip or a hostname, found neither",
            "status.loadBalancer.ingress[2].ip: expected a family that clusterIPs has, found the IPv6 address fd00::2",
            "status.loadBalancer.ingress[3].ip: expected an address that other machines can reach, found the multicast address 224.0.0.1",
        ],
    );
    check(
        "a status that is left over",
        &text("ClusterIP", "", "{ip: 192.0.2.3}"),
        &plain(),
        &[
            "status.loadBalancer.ingress[0]: expected only where type is LoadBalancer; it is not served",
        ],
    );
}

#[test]
fn source_ranges_are_merged_and_never_open_by_mistake() {
    let spec = |ranges: &str| {
        format!(
            "metadata: {{name: web}}, spec: {{type: LoadBalancer, clusterIP: 10.96.0.1, ports: [{{port: 80}}], \
             loadBalancerSourceRanges: [{ranges}]}}"
        )
    };
    let annotated = |value: &str, ranges: &str| {
        format!(
            "metadata: {{name: web, annotations: {{service.beta.kubernetes.io/load-balancer-source-ranges: '{value}'}}}}, \
             spec: {{type: LoadBalancer, clusterIP: 10.96.0.1, ports: [{{port: 80}}], loadBalancerSourceRanges: [{ranges}]}}"
        )
    };
    let open = Service { kind: ServiceKind::LoadBalancer(Arc::default()), ..plain() };
    let only = |v4: &[&str], v6: &[&str]| Service { source_ranges: ranges(v4, v6), ..open.clone() };
    let cases: [(String, Service, &[&str]); 8] = [
        (spec(""), open.clone(), &[]),
        (
            spec("' 192.0.2.0/25 ', 192.0.2.128/25, 192.0.2.77/32, 010.1.2.3/8"),
            only(&["10.0.0.0/8", "192.0.2.0/24"], &[]),
            &[],
        ),
        (
            spec("'fd00::/64', 10.0.0.0/8, 'fd00::1/128'"),
            only(&["10.0.0.0/8"], &["fd00::/64"]),
            &[],
        ),
        (spec("0.0.0.0/0, 10.0.0.0/8"), only(&["0.0.0.0/0"], &[]), &[]),
        (
            spec("10.0.0.0, 192.0.2.0/24"),
            only(&["192.0.2.0/24"], &[]),
            &[
                r#"spec.loadBalancerSourceRanges[0]: expected a range such as 10.0.0.0/8 or fd00::/64, found "10.0.0.0""#,
            ],
        ),
        (
            spec("10.0.0.0/33"),
            only(&[], &[]),
            &[
                r#"spec.loadBalancerSourceRanges[0]: expected a range such as 10.0.0.0/8 or fd00::/64, found "10.0.0.0/33""#,
            ],
        ),
        // The annotation is for the cloud that makes the load balancer.
        (annotated("10.0.0.0/8", ""), open.clone(), &[]),
        (annotated("10.0.0.0/8", "192.0.2.0/24"), only(&["192.0.2.0/24"], &[]), &[]),
    ];
    for (text, expected, rejections) in cases {
        check(&text, &text, &expected, rejections);
    }
    check_spec(
        "of another kind",
        "loadBalancerSourceRanges: [10.0.0.0/8, x]",
        &plain(),
        &[
            "spec.loadBalancerSourceRanges: expected only where type is LoadBalancer; the list is ignored",
        ],
    );
}

#[test]
fn external_ips_can_be_limited_to_ranges() {
    let text = "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop},
        spec: {type: LoadBalancer, clusterIP: 10.96.0.1, clusterIPs: [10.96.0.1, 'fd96::1'], ports: [{port: 80}],
               externalIPs: [198.51.100.1, 192.0.2.1, '2001:db8::1']},
        status: {loadBalancer: {ingress: [{ip: 203.0.113.1}]}}}";
    let served = |mut objects: Objects| {
        let (manifests, rejections) = parse("m.yaml", text);
        assert_eq!(rejections, []);
        for manifest in manifests {
            if let Manifest::Object(object) = manifest {
                objects.apply(object);
            }
        }
        let table = objects.table();
        let service = table.services.values().next().expect("it is there");
        let addresses = service.external.iter().map(|it| it.address.to_string());
        (addresses.collect::<Vec<_>>().join(" "), super::shown(&table))
    };
    let not = |index: usize, address: &str| {
        format!(
            "Service shop/web spec.externalIPs[{index}]: {address} is in no range of \
             --external-ip-range; it is not served"
        )
    };
    let all = "198.51.100.1 192.0.2.1 2001:db8::1 203.0.113.1";
    assert_eq!(served(Objects::new()), (all.to_owned(), vec![]));
    let some = ["192.0.2.0/24", "2001:db8::/64"].map(|net| net.parse().expect("a range"));
    assert_eq!(
        served(Objects::with_external_ips(some.to_vec())),
        ("192.0.2.1 2001:db8::1 203.0.113.1".to_owned(), vec![not(0, "198.51.100.1")])
    );
    let none = [not(0, "198.51.100.1"), not(1, "192.0.2.1"), not(2, "2001:db8::1")];
    assert_eq!(
        served(Objects::with_external_ips(Vec::new())),
        ("203.0.113.1".to_owned(), none.to_vec())
    );
}
