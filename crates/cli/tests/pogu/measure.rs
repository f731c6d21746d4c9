//! Does the running agent tell the truth about what it serves, and follow its host?

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use host::link::Links;

use crate::node::{A, B, CLIENT, NODE, Node, OUTSIDE, connect, eventually, service};

/// What a server on the node answers, the head and the body.
fn ask(node: &Node, address: &str, path: &str) -> Option<(String, String)> {
    let ask = || {
        let mut stream = TcpStream::connect(address).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: pogu\r\nconnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.lines().next()?.to_owned(), body.to_owned()))
    };
    node.node.run(ask).unwrap()
}

/// The value of one line of the metrics.
fn metric(node: &Node, name: &str) -> Option<String> {
    let (_, page) = ask(node, "127.0.0.1:10249", "/metrics")?;
    let line = page.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().to_owned())
}

#[test]
fn every_connection_is_counted_once_for_its_service_and_its_endpoint() {
    if host::skip::without_root() {
        return;
    }
    let mut node = Node::new();
    node.write("web.yaml", &service("web", 10, "  type: NodePort", &[A]));
    // Another Service has the same endpoint.
    node.write("other.yaml", &service("other", 11, "  type: NodePort", &[A]));
    node.serve_tcp(A, 8080);
    node.start();
    eventually("served", || connect(&node.pod, CLIENT, "10.96.0.11:80").ok());
    let before = connections(&node, "other");
    for _ in 0..25 {
        drop(connect(&node.pod, CLIENT, "10.96.0.10:80").unwrap());
    }
    for _ in 0..5 {
        drop(connect(&node.outside, OUTSIDE, "192.168.0.1:30010").unwrap());
    }
    for _ in 0..3 {
        drop(connect(&node.node, NODE, "10.96.0.10:80").unwrap());
    }
    assert_eq!(connections(&node, "web"), Some("33".to_owned()));
    assert_eq!(connections(&node, "other"), before);
    let of_endpoint = "pogu_endpoint_connections_total{namespace=\"default\",service=\"web\",\
                       port=\"web\",protocol=\"TCP\",endpoint=\"10.1.0.5:8080\"}";
    assert_eq!(metric(&node, of_endpoint), Some("33".to_owned()));
    let mode = ask(&node, "127.0.0.1:10249", "/proxyMode");
    assert_eq!(mode, Some(("HTTP/1.1 200 OK".to_owned(), "nftables".to_owned())));
}

fn connections(node: &Node, service: &str) -> Option<String> {
    let name = format!(
        "pogu_service_connections_total{{namespace=\"default\",service=\"{service}\",port=\"web\",\
         protocol=\"TCP\"}}"
    );
    metric(node, &name)
}

#[test]
fn a_load_balancer_is_told_where_endpoints_are() {
    if host::skip::without_root() {
        return;
    }
    let mut node = Node::new();
    let local =
        "  type: LoadBalancer\n  externalTrafficPolicy: Local\n  healthCheckNodePort: 32000";
    node.write("web.yaml", &service("web", 10, local, &[A, B]));
    node.start();
    let body = |n: usize| {
        format!(
            "{{\n\t\"service\": {{\n\t\t\"namespace\": \"default\",\n\t\t\"name\": \"web\"\n\t}},\n\
             \t\"localEndpoints\": {n},\n\t\"serviceProxyHealthy\": true\n}}"
        )
    };
    let healthy = ("HTTP/1.1 200 OK".to_owned(), body(2));
    let answer = || ask(&node, "192.168.0.1:32000", "/any/path");
    eventually("healthy", || (answer()? == healthy).then_some(()));
    let (status, _) = ask(&node, "127.0.0.1:10256", "/healthz").unwrap();
    assert_eq!(status, "HTTP/1.1 200 OK");

    node.write("web.yaml", &service("web", 10, local, &[]));
    let unhealthy = ("HTTP/1.1 503 Service Unavailable".to_owned(), body(0));
    eventually("unhealthy", || (answer()? == unhealthy).then_some(()));
    node.write("web.yaml", &service("web", 10, &local.replace("32000", "32001"), &[A]));
    eventually("the port moves", || ask(&node, "192.168.0.1:32001", "/"));
    eventually("the old port closes", || answer().is_none().then_some(()));
}

#[test]
fn node_ports_follow_the_addresses_of_the_node() {
    if host::skip::without_root() {
        return;
    }
    let mut node = Node::new();
    node.write("web.yaml", &service("web", 10, "  type: NodePort", &[A]));
    node.serve_tcp(A, 8080);
    node.start_with(&["--nodeport-addresses", "192.168.0.64/26"]);
    eventually("served", || connect(&node.pod, CLIENT, "10.96.0.10:80").ok());
    // The primary address is outside of what was asked for.
    let primary = connect(&node.outside, OUTSIDE, "192.168.0.1:30010");
    assert_eq!(primary.map_err(|error| error.kind()).err(), Some(ErrorKind::ConnectionRefused));
    let add = || {
        let mut links = Links::open().unwrap();
        links.add_address("out0", "192.168.0.77/24".parse().unwrap()).unwrap();
    };
    node.node.run(add).unwrap();
    eventually("a new address", || connect(&node.outside, OUTSIDE, "192.168.0.77:30010").ok());
}

#[test]
fn connections_that_another_program_rewrites_leave_no_counters() {
    if host::skip::without_root() {
        return;
    }
    let mut node = Node::new();
    node.write("web.yaml", &service("web", 10, "", &[A]));
    node.serve_tcp(A, 8080);
    node.start();
    eventually("served", || connect(&node.pod, CLIENT, "10.96.0.10:80").ok());
    for rule in [
        "add table ip other",
        "add chain ip other out { type nat hook prerouting priority -100; }",
        "add rule ip other out ip daddr 198.18.0.0/15 tcp dport 80 dnat to 10.1.0.5:8080",
    ] {
        node.on_node("nft", &[rule]);
    }
    for destination in ["198.18.0.1:80", "198.18.0.2:80"] {
        drop(connect(&node.outside, OUTSIDE, destination).unwrap());
    }
    let counted = || node.on_node("nft", &["list set inet pogu sent4"]);
    assert_eq!(counted().matches("198.18.0.").count(), 2);
    let scraped = ask(&node, "127.0.0.1:10249", "/metrics").unwrap();
    assert_eq!(scraped.0, "HTTP/1.1 200 OK");
    eventually("forgotten", || (counted().matches("198.18.0.").count() == 0).then_some(()));
    assert_eq!(counted().matches("10.96.0.10").count(), 1);
}
