//! Are errors of the format and disagreements told so that a person finds the place?

use std::path::Path;

use crate::{Oracle, Scenario, run_scenario};

const CLUSTER: &str = "goal: a Service forwards

-- cluster --
node a addr=192.168.0.1 pods=10.1.0.0/24
service shop/web cluster=10.96.0.10
  port http 80/TCP -> 8080
  endpoint 10.1.0.5 on a ready
";

fn parse(text: &str) -> Result<Scenario, String> {
    Scenario::parse(Path::new("web.txt"), text).map_err(|error| error.to_string())
}

#[track_caller]
fn check_error(text: &str, expected: &str) {
    assert_eq!(parse(text), Err(expected.to_owned()));
}

/// After the lines of `CLUSTER`, which end at line 7.
#[track_caller]
fn check_error_after(more: &str, expected: &str) {
    check_error(&format!("{CLUSTER}{more}"), expected);
}

#[test]
fn a_file_begins_with_its_goal() {
    let expected = "web.txt:1: missing goal: the behaviour, as the first line";
    check_error("-- cluster --\n", expected);
    check_error("goal:\n", expected);
    check_error("", expected);
}

#[test]
fn a_file_has_a_section() {
    check_error("goal: none\n# nothing\n", "web.txt:1: missing -- cluster --");
    check_error("goal: none\n\nnode a\n", "web.txt:3: expected -- cluster --: \"node a\"");
}

#[test]
fn an_unknown_section_is_named() {
    let sections = "cluster, objects.yaml, packets, queries, rejections or then: CHANGE";
    check_error_after("-- weather --\n", &format!("web.txt:8: expected {sections}: \"weather\""));
}

#[test]
fn a_wrong_line_of_a_cluster_is_named() {
    let cases = [
        (
            "nod a",
            "expected node, servicecidr, agent, dns, upstream, namespace, pod, service, import, or an indented line of one: \"nod a\"",
        ),
        ("node a colour=red", "unknown option of a node: \"colour=red\""),
        ("node a addr=10.0.0.300", "expected an address: \"10.0.0.300\""),
        ("node a zone", "expected an option, KEY=VALUE: \"zone\""),
        ("service web", "expected NAMESPACE/NAME: \"web\""),
        (
            "  port http 80/TCP -> 8080",
            "expected node, servicecidr, agent, dns, upstream, namespace, pod, service, import, or an indented line of one: \"port http 80/TCP -> 8080\"",
        ),
        (
            "agent detect-local=guess",
            "expected cluster-cidr, node-cidr, none, bridge:NAME or prefix:NAME: \"guess\"",
        ),
        ("servicecidr 10.96.0.0", "expected a CIDR: \"10.96.0.0\""),
    ];
    for (line, expected) in cases {
        check_error_after(
            &format!("\n-- cluster --\n{line}\n"),
            &format!("web.txt:10: {expected}"),
        );
    }
}

#[test]
fn a_section_names_an_object_once() {
    check_error_after("service shop/web\n", "web.txt:8: already there, service: shop/web");
    check_error_after("node a\n", "web.txt:8: already there, node: a");
}

#[test]
fn a_wrong_line_of_a_service_is_named() {
    let cases = [
        ("port http 80 -> 8080", "expected PORT/PROTOCOL: \"80\""),
        ("port http 0/TCP -> 8080", "expected a port, 1 to 65535: \"0\""),
        ("port http 80/XTP -> 8080", "expected a protocol: TCP, UDP or SCTP: \"XTP\""),
        (
            "port http 80/TCP 8080",
            "expected port NAME PORT/PROTOCOL -> TARGET: \"http 80/TCP 8080\"",
        ),
        ("endpoint 10.1.0.9 on", "missing the node after on"),
        ("endpoint 10.1.0.9 reddy", "expected an option, KEY=VALUE: \"reddy\""),
        ("endpoint 10.1.0.9 on a colour=red", "unknown option of a endpoint: \"colour=red\""),
    ];
    for (line, expected) in cases {
        check_error_after(&format!("  {line}\n"), &format!("web.txt:8: {expected}"));
    }
}

#[test]
fn a_named_target_port_needs_numbers() {
    let text = CLUSTER.replace("-> 8080", "-> web");
    check_error(&text, "web.txt:3: endpoint of a named target port needs ports=NAME:NUMBER: web");
}

#[test]
fn a_wrong_packet_is_named() {
    let cases = [
        ("b 10.1.0.9 -> 10.96.0.10:80/tcp not-service", "no such node: b"),
        (
            "a 10.1.0.9 10.96.0.10:80/tcp drop",
            "expected NODE SOURCE -> ADDRESS:PORT/PROTOCOL [via INTERFACE] VERDICT: \"a 10.1.0.9 10.96.0.10:80/tcp drop\"",
        ),
        (
            "a 10.1.0.9 -> 10.96.0.10:80 not-service",
            "expected ADDRESS:PORT/PROTOCOL: \"10.96.0.10:80\"",
        ),
        ("a 10.1.0.9 -> 10.96.0.10:0/tcp not-service", "expected a port, 1 to 65535: \"0\""),
        ("a me -> 10.96.0.10:80/tcp not-service", "expected an address, or self: \"me\""),
        (
            "a self -> 10.96.0.10:80/tcp",
            "expected a verdict: forward, drop, reject or not-service: \"\"",
        ),
        ("a self -> 10.96.0.10:80/tcp drop dead", "expected a reason to drop: \"dead\""),
        ("a self -> 10.96.0.10:80/tcp forward", "missing an endpoint to forward to"),
        (
            "a self -> 10.96.0.10:80/tcp forward 10.1.0.5:1 10.1.0.5:1",
            "already there, endpoint: 10.1.0.5:1",
        ),
    ];
    for (line, expected) in cases {
        check_error_after(
            &format!("\n-- packets --\n{line}\n"),
            &format!("web.txt:10: {expected}"),
        );
    }
}

#[test]
fn a_change_of_what_is_not_there_is_named() {
    let cases = [
        ("service shop/api gone", "no such service: shop/api"),
        ("endpoint 10.1.0.9 gone", "no such endpoint (say of which Service): 10.1.0.9"),
        ("endpoint 10.1.0.9 of shop/web gone", "no such endpoint: 10.1.0.9"),
        ("node b zone=z1", "no such node: b"),
        ("port https of shop/web gone", "no such port: https"),
        ("port http of shop/web added 81/TCP -> 8081", "already there, port: http"),
        ("object Service shop/web gone", "no such object: Service shop/web"),
        (
            "weather rainy",
            "expected a change of an endpoint, service, port, servicecidr, node, agent, dns, namespace, pod, import or object: \"weather rainy\"",
        ),
    ];
    for (change, expected) in cases {
        check_error_after(&format!("\n-- then: {change} --\n"), &format!("web.txt:9: {expected}"));
    }
}

#[test]
fn a_disagreement_says_where_what_and_why() {
    let packets = "
-- packets --
a  10.1.0.9 -> 10.96.0.10:80/tcp    forward 10.1.0.6:8080    # it is 10.1.0.5
a  10.1.0.9 -> 10.96.0.10:81/tcp    reject unknown-port

-- rejections --
Service shop/web spec.ports: none was rejected

-- then: service shop/web internal=Local --
a  self     -> 10.96.0.10:80/tcp    forward 10.1.0.5:8080

-- rejections --
";
    let scenario = parse(&format!("{CLUSTER}{packets}")).unwrap();
    let failure = run_scenario(&scenario, &mut Oracle).unwrap_err();
    let expected = "\
web.txt:14: oracle: rejection
    expected  Service shop/web spec.ports: none was rejected
    found     not among []
web.txt:10: oracle: a 10.1.0.9 -> 10.96.0.10:80/TCP via eth0
    expected  forward 10.1.0.6:8080
    found     forward 10.1.0.5:8080
    because   Service shop/web spec.clusterIPs=10.96.0.10:80/TCP
web.txt:17: oracle: a 192.168.0.1 -> 10.96.0.10:80/TCP
    expected  forward 10.1.0.5:8080
    found     forward 10.1.0.5:8080+masquerade
    because   Service shop/web spec.clusterIPs=10.96.0.10:80/TCP
    because   Service shop/web spec.internalTrafficPolicy=Local
";
    assert_eq!(failure.to_string(), expected);
}
