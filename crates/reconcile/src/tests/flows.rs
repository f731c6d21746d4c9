//! Which flows must go after a change?

use model::ServiceChange;

use super::cluster::{Cluster, service_with, slice};
use crate::stale_flows;

const A: &str = "10.1.0.1";
const B: &str = "10.1.0.2";

/// Service 1 with a port for UDP beside the one for TCP.
fn service(spec: &str, endpoints: &[&str]) -> String {
    udp(&service_with(1, spec, endpoints))
}

fn udp(text: &str) -> String {
    text.replace(
        "[{port: 80, targetPort: 8080}]",
        "[{name: web, port: 80}, {name: dns, port: 53, protocol: UDP}]",
    )
    .replace(
        "[{name: '', port: 8080, protocol: TCP}]",
        "[{name: web, port: 8080}, {name: dns, port: 5353, protocol: UDP}]",
    )
}

/// What must go when one text follows the other, each as `frontend: what stays`.
#[track_caller]
fn check(before: &str, after: &str, expected: &[&str]) {
    let mut cluster = Cluster::new();
    let start = cluster.apply(before);
    assert_eq!(
        shown(&start),
        ["10.96.0.1:53/UDP: 10.1.0.1:5353"],
        "at the start, all that is stale"
    );
    assert_eq!(shown(&cluster.apply(after)), expected);
}

fn shown(changes: &[ServiceChange]) -> Vec<String> {
    let stale = changes.iter().flat_map(stale_flows);
    stale
        .map(|flows| {
            let keep: Vec<String> = flows.keep.iter().map(ToString::to_string).collect();
            format!("{}: {}", flows.frontend, keep.join(" "))
        })
        .collect()
}

#[test]
fn flows_to_an_endpoint_that_is_gone_go_and_those_of_tcp_stay() {
    let before = service("", &[A]);
    check(&before, &udp(&slice(1, &[B])), &["10.96.0.1:53/UDP: 10.1.0.2:5353"]);
    check(&before, &udp(&slice(1, &[A, B])), &["10.96.0.1:53/UDP: 10.1.0.1:5353 10.1.0.2:5353"]);
    check(&before, &udp(&slice(1, &[])), &["10.96.0.1:53/UDP: "]);
}

#[test]
fn flows_to_an_endpoint_that_still_serves_stay() {
    let draining = udp(&slice(1, &[A])).replace(
        "conditions: {ready: true}",
        "conditions: {ready: false, serving: true, terminating: true}",
    );
    check(&service("", &[A]), &draining, &[]);
}

#[test]
fn flows_of_a_frontend_that_is_no_more_all_go() {
    let before = service("", &[A]);
    let moved = before.replace("10.96.0.1", "10.96.0.9");
    let expected = ["10.96.0.1:53/UDP: ", "10.96.0.9:53/UDP: 10.1.0.1:5353"];
    check(&before, &moved, &expected);
    let renumbered = before.replace("port: 53,", "port: 54,");
    let expected = ["10.96.0.1:53/UDP: ", "10.96.0.1:54/UDP: 10.1.0.1:5353"];
    check(&before, &renumbered, &expected);
}

#[test]
fn a_new_frontend_takes_over_flows_that_were_there_before_it() {
    let node_port =
        service("  type: NodePort\n", &[A]).replace("port: 53,", "port: 53, nodePort: 30053,");
    let expected = ["192.168.0.1:30053/UDP: 10.1.0.1:5353"];
    check(&service("", &[A]), &node_port, &expected);
}

#[test]
fn a_policy_moves_no_flow() {
    check(&service("", &[A]), &service("  internalTrafficPolicy: Local\n", &[A]), &[]);
}
