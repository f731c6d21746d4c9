//! Does a pod's DNS traffic go past the connection tracking, so that nothing of it gets lost there?

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use host::netns::Netns;

use super::client::{await_all, question, udp};
use super::{CLIENTS, NODES, SERVERS, names_lab, run, says, server};
use crate::rig::Lab;

const PAIRS: u16 = 1_000;
const WEB: &str = "web.shop.svc.cluster.local";

/// The node's tracked flows of a pod to port 53, in lines of `conntrack`.
pub(super) fn tracked(lab: &Lab, node: &str, pod: &str) -> Vec<String> {
    let pods = lab.pods();
    let pod = pods.iter().find(|it| it["name"] == pod).unwrap();
    let mut lines = Vec::new();
    for (family, address) in ["ipv4", "ipv6"].into_iter().zip(pod["addresses"].as_array().unwrap())
    {
        for protocol in ["udp", "tcp"] {
            let source = address.as_str().unwrap();
            let command = ["conntrack", "-L", "-f", family, "-p", protocol, "--orig-src", source];
            let who = format!("node/{node}");
            let said = run(lab, &who, &[&command[..], &["--orig-port-dst", "53"]].concat());
            assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
            let said = String::from_utf8(said.stdout).unwrap();
            lines.extend(said.lines().map(str::to_owned));
        }
    }
    lines
}

#[test]
fn what_a_pod_asks_is_tracked_nowhere() {
    if host::skip::without_root() {
        return;
    }
    let lab = names_lab();
    for (client, node) in CLIENTS.into_iter().zip(NODES) {
        for server in SERVERS.map(|server| format!("@{server}")) {
            for way in ["+notcp", "+tcp"] {
                says(&lab, client, &["dig", &server, way, WEB]);
            }
        }
        let (_, pod) = client.rsplit_once('/').unwrap();
        assert_eq!(tracked(&lab, node, pod), Vec::<String>::new());
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "what was measured, with --nocapture")]
fn a_thousand_pairs_at_once_are_all_answered() {
    if host::skip::without_root() {
        return;
    }
    let lab = names_lab();
    let pod = lab.netns("pod.shop.one");
    for family in [0, 1] {
        let began = host::clock::monotonic();
        assert_eq!(pairs_of_one_socket(&pod, family), BTreeMap::new());
        let one = host::clock::monotonic() - began;
        let lost: usize = thread::scope(|scope| {
            let clients = [(); 4].map(|()| scope.spawn(|| pairs_of_new_sockets(&pod, family)));
            clients.into_iter().map(|client| client.join().unwrap()).sum()
        });
        assert_eq!(lost, 0);
        let all = host::clock::monotonic() - began;
        println!(
            "{PAIRS} pairs: {one:?} of one socket, {:?} of new sockets",
            all.saturating_sub(one)
        );
        assert!(one < Duration::from_secs(1), "{one:?}");
    }
}

/// Both types are sent at the same time, by two threads: what races in the connection tracking.
fn pairs_of_one_socket(pod: &Netns, family: usize) -> BTreeMap<u16, &'static str> {
    let socket = udp(pod, server(family));
    let kinds = [("A", 0), ("AAAA", PAIRS)];
    let ids = kinds
        .into_iter()
        .flat_map(|(kind, first)| (first..first + PAIRS).map(move |id| (id, kind)));
    let awaited = ids.collect();
    thread::scope(|scope| {
        for (kind, first) in kinds {
            let socket = &socket;
            scope.spawn(move || {
                for id in first..first + PAIRS {
                    socket.send(&question(id, WEB, kind)).unwrap();
                }
            });
        }
        await_all(&socket, awaited)
    })
}

/// As glibc does: one socket for one pair.
fn pairs_of_new_sockets(pod: &Netns, family: usize) -> usize {
    let mut lost = 0;
    for _ in 0..PAIRS / 4 {
        let socket = udp(pod, server(family));
        for (id, kind) in [(0, "A"), (1, "AAAA")] {
            socket.send(&question(id, WEB, kind)).unwrap();
        }
        lost += await_all(&socket, [(0, "A"), (1, "AAAA")].into()).len();
    }
    lost
}
