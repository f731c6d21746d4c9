//! Who is served, by whom, and which source address does the server see?

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::time::Duration;

use rustix::process::Signal;

use crate::node::{
    A, A6, CLIENT, CLIENT6, NODE, NODE_ALL, NODE6, Node, OUTSIDE, OUTSIDE6, connect, eventually,
    ip, service,
};

/// The address that the server sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Client,
    Node,
}

#[test]
fn connections_arrive_with_the_source_that_the_policies_say() {
    if host::skip::without_root() {
        return;
    }
    let mut node = Node::new();
    let cluster = "  type: LoadBalancer\nstatus: {loadBalancer: {ingress: [{ip: 203.0.113.7}, \
                   {ip: '2001:db8::7'}]}}";
    let local = "  type: LoadBalancer\n  externalTrafficPolicy: Local\nstatus: {loadBalancer: \
                 {ingress: [{ip: 203.0.113.8}, {ip: '2001:db8::8'}]}}";
    node.write("cluster.yaml", &service("cluster", 10, cluster, &[A, A6]));
    node.write("local.yaml", &service("local", 11, local, &[A, A6]));
    node.serve_tcp(A, 8080);
    node.serve_tcp(A6, 8080);
    node.start();
    eventually("served", || connect(&node.pod, CLIENT, "10.96.0.11:80").ok());

    let (pod, outside, own) = (&node.pod, &node.outside, &node.node);
    let cases = [
        (pod, CLIENT, "10.96.0.10:80", Seen::Client),
        (pod, CLIENT6, "[fd96::10]:80", Seen::Client),
        (pod, CLIENT, "203.0.113.7:80", Seen::Node),
        (pod, CLIENT6, "[2001:db8::7]:80", Seen::Node),
        (pod, CLIENT, "203.0.113.8:80", Seen::Client),
        (pod, CLIENT, "192.168.0.1:30010", Seen::Node),
        // An endpoint that reaches itself.
        (&node.endpoints, A, "10.96.0.10:80", Seen::Node),
        (&node.endpoints, A6, "[fd96::10]:80", Seen::Node),
        (outside, OUTSIDE, "192.168.0.1:30010", Seen::Node),
        (outside, OUTSIDE6, "[fd00::1]:30010", Seen::Node),
        (outside, OUTSIDE, "192.168.0.1:30011", Seen::Client),
        (outside, OUTSIDE6, "[fd00::1]:30011", Seen::Client),
        (outside, OUTSIDE, "203.0.113.7:80", Seen::Node),
        (outside, OUTSIDE, "203.0.113.8:80", Seen::Client),
        (outside, OUTSIDE6, "[2001:db8::8]:80", Seen::Client),
        (outside, OUTSIDE, "10.96.0.10:80", Seen::Node),
        (own, NODE, "10.96.0.10:80", Seen::Node),
        (own, NODE6, "[fd96::11]:80", Seen::Node),
    ];
    for (netns, from, to, expected) in cases {
        let (_, seen) =
            connect(netns, from, to).unwrap_or_else(|error| panic!("{from} to {to}: {error}"));
        let found = match NODE_ALL.contains(&seen.as_str()) {
            true => Seen::Node,
            false if seen == from => Seen::Client,
            false => panic!("{from} to {to}: seen as {seen}"),
        };
        assert_eq!(found, expected, "{from} to {to}: seen as {seen}");
    }
}

#[test]
fn what_nobody_serves_is_refused_at_once() {
    if host::skip::without_root() {
        return;
    }
    let mut node = Node::new();
    node.write("served.yaml", &service("served", 10, "  type: NodePort", &[A]));
    node.write("empty.yaml", &service("empty", 11, "  type: NodePort", &[]));
    node.serve_tcp(A, 8080);
    node.start();
    eventually("served", || connect(&node.pod, CLIENT, "10.96.0.10:80").ok());

    for (netns, from, to) in [
        (&node.pod, CLIENT, "10.96.0.11:80"),
        (&node.pod, CLIENT6, "[fd96::11]:80"),
        (&node.node, NODE, "10.96.0.11:80"),
        (&node.outside, OUTSIDE, "192.168.0.1:30011"),
        // The Service is there, the port is not.
        (&node.pod, CLIENT, "10.96.0.10:81"),
    ] {
        let refused = connect(netns, from, to).err().map(|error| error.kind());
        assert_eq!(refused, Some(ErrorKind::ConnectionRefused), "{from} to {to}");
    }
    // An address that no Service has is not even answered.
    let dropped = connect(&node.pod, CLIENT, "10.96.0.200:80").err().map(|error| error.kind());
    assert_eq!(dropped, Some(ErrorKind::TimedOut));
}

#[test]
fn rules_stay_when_the_agent_ends_and_go_when_asked() {
    if host::skip::without_root() {
        return;
    }
    let mut node = Node::new();
    node.write("web.yaml", &service("web", 10, "  type: NodePort", &[A]));
    node.serve_tcp(A, 8080);
    node.start();
    let connects = |node: &Node| connect(&node.pod, CLIENT, "10.96.0.10:80").is_ok();
    eventually("served", || connects(&node).then_some(()));
    node.end(Signal::TERM);
    assert!(connects(&node));

    node.on_node("nft", &["add", "table", "ip", "kube-proxy"]);
    let pogu = env!("CARGO_BIN_EXE_pogu");
    let cleanup = |args: &[&str]| node.on_node(pogu, &[&["agent", "cleanup"], args].concat());
    assert_eq!(cleanup(&["--kube-proxy"]), "removed table ip kube-proxy\n");
    assert_eq!(cleanup(&[]), "removed table inet pogu\n");
    assert_eq!(cleanup(&[]), "nothing to remove\n");
    assert_eq!(node.on_node("nft", &["list", "ruleset"]), "");
    assert!(!connects(&node));
}

/// The links take 1,500 bytes: the datagram comes in fragments, and only the first one has ports.
#[test]
fn a_datagram_in_fragments_arrives_whole_and_so_does_its_answer() {
    if host::skip::without_root() {
        return;
    }
    let mut node = Node::new();
    node.write("web.yaml", &service("web", 10, "  type: NodePort", &[A, A6]));
    node.echo_udp(A, 5353);
    node.echo_udp(A6, 5353);
    node.start();
    let sent: Vec<u8> = (0..20_000_u32).map(|at| at.to_be_bytes()[3]).collect();
    for (netns, from, to) in [
        (&node.pod, CLIENT, "10.96.0.10:53"),
        (&node.pod, CLIENT6, "[fd96::10]:53"),
        (&node.outside, OUTSIDE, "192.168.0.1:30110"),
        (&node.outside, OUTSIDE6, "[fd00::1]:30110"),
        (&node.node, NODE, "10.96.0.10:53"),
    ] {
        let answer = eventually(to, || {
            let socket = netns.run(|| UdpSocket::bind((ip(from), 0))).unwrap().unwrap();
            socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
            socket.send_to(&sent, to).ok()?;
            let mut buffer = vec![0; 1 << 16];
            let (length, _) = socket.recv_from(&mut buffer).ok()?;
            buffer.truncate(length);
            Some(buffer)
        });
        assert_eq!(answer, sent, "{from} to {to}");
    }
}
