//! Who answers when a node's agent dies, and who when it is back?

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::time::Duration;

use super::client::{ask, question, udp};
use super::tracking::tracked;
use super::{NODES, SERVERS, asked, counted, is_asked_directly, names_lab, questions, server};
use crate::rig::Lab;

const WEB: &str = "web.shop.svc.cluster.local";

/// Questions around the agent's end, each of a socket of its own, and how far apart.
const QUESTIONS: usize = 300;
const APART: Duration = Duration::from_millis(1);

fn kill_agent(lab: &Lab, node: usize) {
    let pid = lab.status()["nodes"][node]["agentPid"].as_u64().unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

fn send(lab: &Lab, family: usize) -> UdpSocket {
    let socket = udp(&lab.netns("pod.shop.one"), server(family));
    socket.send(&question(7, WEB, ["A", "AAAA"][family])).unwrap();
    socket
}

/// As a resolver does: what is not answered is asked once more.
fn is_answered(socket: &UdpSocket, family: usize) -> bool {
    let mut buffer = [0; 512];
    socket.set_read_timeout(Some(APART)).unwrap();
    if socket.recv(&mut buffer).is_ok() {
        return true;
    }
    socket.set_read_timeout(Some(super::client::TIMEOUT)).unwrap();
    socket.send(&question(7, WEB, ["A", "AAAA"][family])).unwrap();
    socket.recv(&mut buffer).is_ok()
}

fn right(family: usize) -> (String, BTreeSet<String>) {
    let address = ["10.96.0.80", "fd00:10:96::80"][family];
    ("NOERROR".to_owned(), [address.to_owned()].into())
}

#[test]
fn others_answer_for_an_agent_that_dies_and_it_does_when_it_is_back() {
    if host::skip::without_root() {
        return;
    }
    let lab = names_lab();
    for family in 0..SERVERS.len() {
        let kind = ["A", "AAAA"][family];
        let elsewhere = asked(&lab, NODES[1], || {
            kill_agent(&lab, 0);
            let mut sockets = Vec::new();
            for _ in 0..QUESTIONS {
                sockets.push(send(&lab, family));
                host::clock::pause(APART);
            }
            let lost = sockets.iter().filter(|socket| !is_answered(socket, family)).count();
            assert_eq!(lost, 0);
        });
        assert_eq!(elsewhere.keys().collect::<Vec<_>>(), [kind]);
        // This is how the ordinary way looks.
        assert!(!tracked(&lab, NODES[0], "one").is_empty());

        lab.await_that("the agent is not back", |lab| {
            let node = lab.status()["nodes"][0].clone();
            let is_back = node["agentRestarts"] == family + 1 && node["state"] == "Ready";
            is_back && is_asked_directly(lab, NODES[0])
        });
        let before = questions(&lab, NODES[1]);
        let here = asked(&lab, NODES[0], || {
            let answer = ask(&lab.netns("pod.shop.one"), server(family), WEB, kind).unwrap();
            assert_eq!(answer, right(family));
        });
        assert_eq!(here, counted(&[(kind, 1)]));
        assert_eq!(questions(&lab, NODES[1]), before);
    }
}
