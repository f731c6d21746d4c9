//! Are the ports of a Service read as the API means them?

use std::sync::Arc;

use std::num::NonZeroU16;

use model::{Protocol, Service, ServiceKind, ServicePort};

use super::services::{check, http, number, plain};

fn named(name: &str, port: u16) -> ServicePort {
    ServicePort { name: name.into(), port: number(port), ..http() }
}

/// The ports that are left of those written, and what is rejected.
#[track_caller]
fn check_ports(ports: &str, expected: Vec<ServicePort>, rejections: &[&str]) {
    let text = format!("metadata: {{name: web}}, spec: {{clusterIP: 10.96.0.1, ports: [{ports}]}}");
    check(ports, &text, &Service { ports: expected, ..plain() }, rejections);
}

#[test]
fn ports_have_names_and_protocols() {
    let with = |name, port, protocol| ServicePort { protocol, ..named(name, port) };
    check_ports(
        "{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, appProtocol: dns}, \
         {name: sctp, port: 1, protocol: SCTP, targetPort: web}",
        vec![
            with("dns", 53, Protocol::Udp),
            ServicePort { app_protocol: Some("dns".into()), ..named("dns-tcp", 53) },
            with("sctp", 1, Protocol::Sctp),
        ],
        &[],
    );
    check_ports(
        "{name: a, port: 1, protocol: tcp}, {name: b, port: 2}",
        vec![named("b", 2)],
        &[r#"spec.ports[0].protocol: expected TCP, UDP or SCTP, found "tcp""#],
    );
    check_ports(
        "{name: Web_UI, port: 1}",
        vec![],
        &[r#"spec.ports[0].name: expected at most 63 of a-z, 0-9 and inner -, found "Web_UI""#],
    );
    check_ports("", vec![], &["spec.ports: expected at least one port, found none"]);
}

#[test]
fn port_numbers_have_a_range() {
    check_ports(
        "{name: a, port: 0}, {name: b, port: 65536}, {name: c}, {name: d, port: '80'}, \
         {name: e, port: 65535}",
        vec![named("e", 65_535)],
        &[
            "spec.ports[0].port: expected a number from 1 to 65535, found 0",
            "spec.ports[1].port: expected a number from 1 to 65535, found 65536",
            "spec.ports[2].port: expected a number from 1 to 65535, found none",
            r#"spec.ports[3].port: expected a number from 1 to 65535 (without quotes), found the text "80""#,
        ],
    );
}

#[test]
fn ports_exclude_each_other_and_the_first_stays() {
    check_ports(
        "{name: a, port: 1}, {name: b, port: 1}",
        vec![named("a", 1)],
        &["spec.ports[1]: expected each port once, found 1/TCP again"],
    );
    check_ports(
        "{name: a, port: 1}, {name: a, port: 2}, {name: c, port: 3}",
        vec![named("a", 1), named("c", 3)],
        &[r#"spec.ports[1]: expected each name once, found "a" again"#],
    );
    check_ports(
        "{port: 1}, {port: 2}",
        vec![named("", 1)],
        &[
            "spec.ports[1]: expected a name where there are several ports, found a second one without",
        ],
    );
}

#[test]
fn node_ports_are_of_their_kinds_and_once() {
    for (kind, meaning) in [
        ("NodePort", ServiceKind::NodePort),
        ("LoadBalancer", ServiceKind::LoadBalancer(Arc::default())),
    ] {
        let port = |name: &str, port, protocol, node_port: u16| ServicePort {
            name: name.into(),
            port: number(port),
            protocol,
            node_port: NonZeroU16::new(node_port),
            ..http()
        };
        let text = format!(
            "metadata: {{name: web}}, spec: {{type: {kind}, clusterIP: 10.96.0.1, ports: [\
             {{name: a, port: 1, nodePort: 30001}}, {{name: b, port: 1, protocol: UDP, nodePort: 30001}}, \
             {{name: c, port: 3, nodePort: 30001}}, {{name: d, port: 4, nodePort: 70000}}]}}"
        );
        let expected = Service {
            kind: meaning,
            ports: vec![
                port("a", 1, Protocol::Tcp, 30_001),
                port("b", 1, Protocol::Udp, 30_001),
                port("c", 3, Protocol::Tcp, 0),
                port("d", 4, Protocol::Tcp, 0),
            ],
            ..plain()
        };
        check(
            kind,
            &text,
            &expected,
            &[
                "spec.ports[2].nodePort: expected each node port once, found 30001/TCP again",
                "spec.ports[3].nodePort: expected a number from 1 to 65535, found 70000",
            ],
        );
    }
    check_ports(
        "{port: 80, nodePort: 30080}",
        vec![http()],
        &[
            "spec.ports[0].nodePort: expected only where type is NodePort or LoadBalancer, found 30080",
        ],
    );
    check_ports("{port: 80, nodePort: 0}", vec![http()], &[]);
}
