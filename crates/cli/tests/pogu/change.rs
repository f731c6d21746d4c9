//! Does traffic go on, whatever happens to the agent, to the table and to the manifests?

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::node::{A, B, CLIENT, Node, OUTSIDE, PATIENCE, connect, eventually, ip, now, service};

const CLUSTER_IP: &str = "10.96.0.10:80";

fn served(node: &Node) -> TcpStream {
    eventually("served", || connect(&node.pod, CLIENT, CLUSTER_IP).ok()).0
}

fn echo(stream: &mut TcpStream) {
    stream.write_all(b"still there?").unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"still there?");
}

/// Connects every millisecond until told to end; how many there were, and what failed.
fn connect_all_the_time(node: &Node, is_ending: &AtomicBool) -> (usize, Vec<String>) {
    let (_sender, pause) = mpsc::channel::<()>();
    let (mut n, mut failures) = (0, Vec::new());
    while !is_ending.load(Ordering::Relaxed) {
        n += 1;
        if let Err(error) = connect(&node.pod, CLIENT, CLUSTER_IP) {
            failures.push(error.to_string());
        }
        assert!(pause.recv_timeout(Duration::from_millis(1)).is_err(), "nobody sends");
    }
    (n, failures)
}

/// Waits until another Service is served as it is now written.
fn other_is_served(node: &Node, port: u16) {
    let to = format!("10.96.0.11:{port}");
    eventually("the other Service", || connect(&node.pod, CLIENT, &to).ok());
}

#[test]
fn a_restart_and_changes_elsewhere_fail_no_connection() {
    if host::skip::without_root() {
        return;
    }
    let mut node = Node::new();
    node.write("web.yaml", &service("web", 10, "  type: NodePort", &[A]));
    node.serve_tcp(A, 8080);
    node.serve_tcp(B, 8080);
    node.start();
    let mut established = served(&node);
    let is_ending = AtomicBool::new(false);
    let other = |port: u16| {
        service("other", 11, "  type: NodePort", &[A])
            .replace("port: 80,", &format!("port: {port},"))
    };
    let shared = std::sync::RwLock::new(node);
    thread::scope(|scope| {
        let connecting = scope.spawn(|| {
            let mut all = (0, Vec::new());
            while !is_ending.load(Ordering::Relaxed) {
                // The lock is given back in between, so that the agent can be restarted.
                let node = shared.read().unwrap();
                let one = AtomicBool::new(false);
                let (_sender, pause) = mpsc::channel::<()>();
                thread::scope(|inner| {
                    let burst = inner.spawn(|| connect_all_the_time(&node, &one));
                    assert!(pause.recv_timeout(Duration::from_millis(20)).is_err());
                    one.store(true, Ordering::Relaxed);
                    let (n, failures) = burst.join().unwrap();
                    all.0 += n;
                    all.1.extend(failures);
                });
            }
            all
        });
        for (round, signal) in [Signal::TERM, Signal::KILL, Signal::TERM].into_iter().enumerate() {
            let port = 7000 + u16::try_from(round).unwrap();
            shared.write().unwrap().end(signal);
            // While no agent runs, the world goes on.
            shared.read().unwrap().write("other.yaml", &other(port));
            echo(&mut established);
            shared.write().unwrap().start();
            other_is_served(&shared.read().unwrap(), port);
            echo(&mut established);
        }
        let node = shared.read().unwrap();
        node.write("web.yaml", &service("web", 10, "  type: NodePort", &[A, B]));
        node.write(
            "other.yaml",
            &other(80).replace("clusterIPs", "internalTrafficPolicy: Local\n  clusterIPs"),
        );
        other_is_served(&node, 80);
        echo(&mut established);
        drop(node);
        is_ending.store(true, Ordering::Relaxed);
        let (n, failures) = connecting.join().unwrap();
        assert_eq!(failures, Vec::<String>::new(), "of {n} connections");
        assert!(n > 100, "only {n} connections");
    });
}

#[test]
fn what_others_do_to_the_table_is_repaired() {
    if host::skip::without_root() {
        return;
    }
    let mut node = Node::new();
    node.write("web.yaml", &service("web", 10, "  type: NodePort", &[A]));
    node.serve_tcp(A, 8080);
    node.start();
    let mut established = served(&node);
    let healthy = node.on_node("nft", &["-s", "list", "ruleset"]);
    for change in [
        &["flush", "ruleset"][..],
        &["delete", "table", "inet", "pogu"],
        &["flush", "chain", "inet", "pogu", "nat-prerouting"],
        &["flush", "map", "inet", "pogu", "services4"],
        &["insert", "rule", "inet", "pogu", "services", "drop"],
        &[
            "add",
            "chain",
            "inet",
            "pogu",
            "foreign",
            "{ type filter hook forward priority 0; policy drop; }",
        ],
    ] {
        node.on_node("nft", change);
        let began = now();
        eventually("repaired", || {
            // Elements are listed in no certain order.
            let listed = node.on_node("nft", &["-s", "list", "ruleset"]);
            (sorted(&listed) == sorted(&healthy)).then_some(())
        });
        println!("nft {}: repaired within {:?}", change.join(" "), began.elapsed());
        connect(&node.pod, CLIENT, CLUSTER_IP).unwrap();
        echo(&mut established);
    }
    let repairs = node.log().matches("repaired").count();
    assert_eq!(repairs, 6, "{}", node.log());
}

/// The words of a listing, whatever the order of elements and the length of their lines, without the
/// sets that packets write.
fn sorted(listing: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut is_counting = false;
    for line in listing.lines() {
        let begins = ["set connections", "set sent", "set received"];
        is_counting |= begins.iter().any(|begin| line.trim_start().starts_with(begin));
        if !is_counting {
            words.extend(line.split_whitespace());
        }
        is_counting &= line != "\t}";
    }
    words.sort_unstable();
    words
}

/// Asks from one socket until this endpoint answers.
fn answered_by(socket: &UdpSocket, to: SocketAddr, endpoint: &str) {
    eventually(&format!("an answer from {endpoint}"), || {
        socket.send_to(b"who?", to).unwrap();
        let mut buffer = [0; 64];
        let n = socket.recv(&mut buffer).ok()?;
        String::from_utf8_lossy(&buffer[..n]).starts_with(&format!("{endpoint} ")).then_some(())
    });
}

fn udp_client(node: &Node, outside: bool) -> UdpSocket {
    let (netns, from) = if outside { (&node.outside, OUTSIDE) } else { (&node.pod, CLIENT) };
    let socket = netns.run(|| UdpSocket::bind((ip(from), 5000)).unwrap()).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    socket
}

#[test]
fn a_udp_flow_leaves_an_endpoint_that_is_gone() {
    if host::skip::without_root() {
        return;
    }
    let mut node = Node::new();
    let manifest = |endpoint| service("web", 10, "  type: NodePort", &[endpoint]);
    node.write("web.yaml", &manifest(A));
    node.serve_udp(A, 5353);
    node.serve_udp(B, 5353);
    node.start();
    let clients = [
        (udp_client(&node, false), "10.96.0.10:53".parse().unwrap()),
        (udp_client(&node, true), "192.168.0.1:30110".parse().unwrap()),
    ];
    for (socket, to) in &clients {
        answered_by(socket, *to, A);
    }
    node.write("web.yaml", &manifest(B));
    for (socket, to) in &clients {
        answered_by(socket, *to, B);
    }
    // What happened while no agent ran is seen at the start.
    node.end(Signal::KILL);
    node.write("web.yaml", &manifest(A));
    node.start();
    for (socket, to) in &clients {
        answered_by(socket, *to, A);
    }
}

#[test]
fn a_udp_flow_stays_with_an_endpoint_that_serves_and_others_are_left_alone() {
    if host::skip::without_root() {
        return;
    }
    let mut node = Node::new();
    let both = service("web", 10, "  type: NodePort", &[A, B]);
    node.write("web.yaml", &service("web", 10, "  type: NodePort", &[A]));
    node.serve_udp(A, 5353);
    node.serve_udp(B, 5353);
    // A server of its own on the number of the node port, that has nothing to do with the Service.
    node.serve_udp(A, 30110);
    node.start();
    let socket = udp_client(&node, false);
    answered_by(&socket, "10.96.0.10:53".parse().unwrap(), A);
    let unrelated = node.outside.run(|| UdpSocket::bind((ip(OUTSIDE), 5001)).unwrap()).unwrap();
    unrelated.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    answered_by(&unrelated, SocketAddr::new(ip(A), 30110), A);
    let entries = || node.on_node("conntrack", &["-L", "-p", "udp", "--orig-port-dst", "30110"]);
    let before = entries();
    assert_eq!(before.lines().count(), 1, "{before}");

    // A goes unready but serves on, B is there too: the flow has no reason to move.
    let draining = both.replace(
        "{addresses: ['10.1.0.5'], nodeName: a}",
        "{addresses: ['10.1.0.5'], nodeName: a, conditions: {ready: false, serving: true, terminating: true}}",
    );
    assert_ne!(draining, both);
    node.write("web.yaml", &draining);
    // New flows go to B as soon as the change is there.
    let mut ports = 6000..;
    eventually("B has new flows", || {
        let port = ports.next()?;
        let fresh = node.pod.run(|| UdpSocket::bind((ip(CLIENT), port)).unwrap()).unwrap();
        fresh.set_read_timeout(Some(PATIENCE)).unwrap();
        fresh.send_to(b"who?", "10.96.0.10:53").unwrap();
        let mut buffer = [0; 64];
        let n = fresh.recv(&mut buffer).unwrap();
        (buffer[..n] == *format!("{B} {CLIENT}").as_bytes()).then_some(())
    });
    for _ in 0..20 {
        let mut buffer = [0; 64];
        socket.send_to(b"who?", "10.96.0.10:53").unwrap();
        let n = socket.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..n], format!("{A} {CLIENT}").as_bytes());
    }
    assert_eq!(entries().lines().count(), 1);
}

#[test]
fn a_broken_file_costs_nothing_that_worked() {
    if host::skip::without_root() {
        return;
    }
    let mut node = Node::new();
    let text = service("web", 10, "  type: NodePort", &[A]);
    node.write("web.yaml", &text);
    node.serve_tcp(A, 8080);
    node.start();
    drop(served(&node));
    let get = |what: &str| {
        let args = ["get", what, "-A", "-o", "json", "--socket", &node.socket()].map(str::to_owned);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        node.on_node(env!("CARGO_BIN_EXE_pogu"), &args)
    };
    let before = get("frontends");
    let half = &text[..text.find("nodeName").unwrap()];
    for broken in [half, "", ": [ { garbage", "\u{0}\u{1}"] {
        fs::write(node.path("web.yaml"), broken).unwrap();
        // Something else that is written later has been seen.
        node.write("later.yaml", &service("later", 12, "  type: NodePort", &[A]));
        eventually("later", || connect(&node.pod, CLIENT, "10.96.0.12:80").ok());
        connect(&node.pod, CLIENT, CLUSTER_IP).unwrap();
        fs::remove_file(node.path("later.yaml")).unwrap();
        eventually("gone", || (get("frontends") == before).then_some(()));
    }
    node.write("web.yaml", &text.replace("port: 80,", "port: 8000,"));
    eventually("repaired", || connect(&node.pod, CLIENT, "10.96.0.10:8000").ok());
}

/// The endpoint that answers a new connection.
fn answering(node: &Node, to: &str) -> Option<String> {
    let (stream, _) = connect(&node.pod, CLIENT, to).ok()?;
    // The server's own address is the far end of what the kernel rewrote: asked of conntrack.
    let port = stream.local_addr().ok()?.port().to_string();
    let args = ["-L", "-p", "tcp", "--orig-src", CLIENT, "--orig-port-src", &port];
    let entry = node.on_node("conntrack", &args);
    let replies: Vec<&str> =
        entry.split_whitespace().filter_map(|word| word.strip_prefix("src=")).collect();
    replies.get(1).map(|&address| address.to_owned())
}

#[test]
fn a_client_keeps_its_endpoint_until_it_was_idle_for_long() {
    if host::skip::without_root() {
        return;
    }
    let mut node = Node::new();
    let sticky =
        "  sessionAffinity: ClientIP\n  sessionAffinityConfig: {clientIP: {timeoutSeconds: 2}}";
    node.write("web.yaml", &service("web", 10, &format!("  type: NodePort\n{sticky}"), &[A, B]));
    node.serve_tcp(A, 8080);
    node.serve_tcp(B, 8080);
    node.start();
    let first = eventually("served", || answering(&node, CLUSTER_IP));
    for _ in 0..10 {
        assert_eq!(answering(&node, CLUSTER_IP), Some(first.clone()));
    }
    // A new agent knows nothing of clients and takes nothing from them.
    node.end(Signal::KILL);
    node.start();
    let healthy = || node.log().matches("the kernel is as").count() == 2;
    eventually("started again", || healthy().then_some(()));
    assert_eq!(answering(&node, CLUSTER_IP), Some(first.clone()));
    // Each round is idle for longer than the timeout; a free choice is the other one half the time.
    let (_sender, idle) = mpsc::channel::<()>();
    eventually("another endpoint after a pause", || {
        assert!(idle.recv_timeout(Duration::from_millis(2200)).is_err(), "nobody sends");
        (answering(&node, CLUSTER_IP)? != first).then_some(())
    });
}
