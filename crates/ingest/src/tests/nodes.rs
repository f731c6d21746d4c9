//! Are Nodes and ServiceCIDRs read as the API means them?

use std::sync::Arc;

use model::{Labels, Node, NodeName};

use super::{shown, table};

fn plain() -> Node {
    Node {
        name: NodeName::new("n1"),
        zone: None,
        addresses: Vec::new(),
        pod_cidrs: Vec::new(),
        labels: Labels::new(),
        internal: 0,
        leaving: false,
        excluded: false,
        network_unavailable: false,
    }
}

const ZONE: &str = "topology.kubernetes.io/zone";
const OS: &str = "kubernetes.io/os";
const EXCLUDED: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(label, value)| ((*label).into(), (*value).into())).collect()
}

#[track_caller]
fn check(fields: &str, expected: &Node, rejections: &[&str]) {
    let table = table(&format!("{{apiVersion: v1, kind: Node, {fields}}}"));
    let found: Vec<&Node> = table.nodes.values().map(Arc::as_ref).collect();
    assert_eq!(found, [expected], "{fields}");
    let rejections: Vec<String> = rejections.iter().map(|it| format!("Node n1 {it}")).collect();
    assert_eq!(shown(&table), rejections, "{fields}");
}

#[test]
fn the_zone_is_a_label() {
    check("metadata: {name: n1}", &plain(), &[]);
    check(
        "metadata: {name: n1, labels: {topology.kubernetes.io/zone: a, kubernetes.io/os: linux}}",
        &Node { zone: Some("a".into()), labels: labels(&[(ZONE, "a"), (OS, "linux")]), ..plain() },
        &[],
    );
    let empty = Node { labels: labels(&[(ZONE, "")]), ..plain() };
    check("metadata: {name: n1, labels: {topology.kubernetes.io/zone: ''}}", &empty, &[]);
}

#[test]
fn addresses_are_internal_then_external() {
    let addresses = ["10.0.0.1", "fd00::1", "192.0.2.1"];
    let addresses = addresses.iter().map(|it| it.parse().expect("an address")).collect();
    check(
        "metadata: {name: n1}, status: {addresses: [{type: ExternalIP, address: 192.0.2.1}, \
         {type: Hostname, address: n1}, {type: InternalIP, address: 10.00.0.1}, \
         {type: InternalIP, address: 'fd00::1'}, {type: InternalDNS, address: n1.local}]}",
        &Node { addresses, internal: 2, ..plain() },
        &[],
    );
    check(
        "metadata: {name: n1}, status: {addresses: [{type: InternalIP, address: n1}, \
         {type: IP, address: 10.0.0.1}, {type: InternalIP, address: '::'}]}",
        &plain(),
        &[
            r#"status.addresses[0].address: expected an IP address, found "n1""#,
            r#"status.addresses[1].type: expected InternalIP, ExternalIP or a kind of name, found "IP""#,
            "status.addresses[2].address: expected the address of one machine, found ::",
        ],
    );
}

#[test]
fn pod_ranges_are_the_list_or_the_single_field() {
    let with = |ranges: &[&str]| Node {
        pod_cidrs: ranges.iter().map(|it| it.parse().expect("a range")).collect(),
        ..plain()
    };
    check("metadata: {name: n1}, spec: {podCIDR: 10.1.0.0/24}", &with(&["10.1.0.0/24"]), &[]);
    check(
        "metadata: {name: n1}, spec: {podCIDR: 10.1.0.0/24, podCIDRs: [10.1.0.0/24, 'fd01::/64']}",
        &with(&["10.1.0.0/24", "fd01::/64"]),
        &[],
    );
    check(
        "metadata: {name: n1}, spec: {podCIDRs: [10.1.0.0, 'fd01::/64']}",
        &with(&["fd01::/64"]),
        &[
            r#"spec.podCIDRs[0]: expected a range such as 10.0.0.0/8 or fd00::/64, found "10.1.0.0""#,
        ],
    );
}

#[test]
fn a_node_that_goes_says_so_in_two_ways() {
    let leaving = Node { leaving: true, ..plain() };
    check("metadata: {name: n1, deletionTimestamp: 2026-11-25T04:02:57Z}", &leaving, &[]);
    check(
        "metadata: {name: n1}, spec: {taints: [{key: ToBeDeletedByClusterAutoscaler, effect: NoSchedule}]}",
        &leaving,
        &[],
    );
    check(
        "metadata: {name: n1}, spec: {taints: [{key: other}], unschedulable: true}",
        &plain(),
        &[],
    );
}

#[test]
fn a_node_is_excluded_from_load_balancers_by_the_label_s_value() {
    for (value, excluded) in [("", true), ("true", true), ("no", true), ("false", false)] {
        check(
            &format!("metadata: {{name: n1, labels: {{{EXCLUDED}: '{value}'}}}}"),
            &Node { labels: labels(&[(EXCLUDED, value)]), excluded, ..plain() },
            &[],
        );
    }
    check(
        "metadata: {name: n1}, status: {conditions: [{type: Ready, status: 'False', reason: x}, \
         {type: NetworkUnavailable, status: 'True'}]}",
        &Node { network_unavailable: true, ..plain() },
        &[],
    );
    check(
        "metadata: {name: n1}, status: {conditions: [{type: NetworkUnavailable, status: 'False'}]}",
        &plain(),
        &[],
    );
}

#[test]
fn service_ranges_are_merged_over_all_objects() {
    let cidr = |name: &str, ranges: &str| {
        format!(
            "{{apiVersion: networking.k8s.io/v1, kind: ServiceCIDR, metadata: {{name: {name}}}, spec: {{cidrs: [{ranges}]}}}}\n---\n"
        )
    };
    let table = table(
        &[
            cidr("a", "'fd00::/112', 10.96.128.0/17"),
            cidr("b", "10.96.0.0/17, 10.96.3.0/24, 10.8.0.0/33"),
        ]
        .concat(),
    );
    let found: Vec<String> = table.service_cidrs.iter().map(ToString::to_string).collect();
    assert_eq!(found, ["10.96.0.0/16", "fd00::/112"]);
    assert_eq!(
        shown(&table),
        [
            r#"ServiceCIDR b spec.cidrs[2]: expected a range such as 10.0.0.0/8 or fd00::/64, found "10.8.0.0/33""#
        ]
    );
}
