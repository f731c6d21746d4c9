//! Does a port of a node lead to the container that asked for it, and to nobody afterwards?

use std::net::{IpAddr, SocketAddr};

use crate::rig::{Answer, Lab, ask_tcp, ask_udp};

/// One number, and a pod of its own for each address and protocol.
const PODS: &str = "
apiVersion: v1
kind: Pod
metadata: {name: everywhere}
spec:
  nodeName: node-1
  containers:
  - name: c
    image: pogu.dev/echo
    args: [--tcp=80, --udp=80]
    ports:
    - {containerPort: 80, hostPort: 8000}
    - {containerPort: 80, hostPort: 8000, protocol: UDP}
---
apiVersion: v1
kind: Pod
metadata: {name: inside}
spec:
  nodeName: node-1
  containers:
  - name: c
    image: pogu.dev/echo
    args: [--tcp=80]
    ports: [{containerPort: 80, hostPort: 8001, hostIP: 127.0.0.1}]
---
apiVersion: v1
kind: Pod
metadata: {name: outside}
spec:
  nodeName: node-1
  containers:
  - name: c
    image: pogu.dev/echo
    args: [--tcp=80]
    ports: [{containerPort: 80, hostPort: 8001, hostIP: 172.30.0.11}]
";

#[test]
fn a_host_port_leads_to_its_pod() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::up(PODS, &["--nodes", "1"]);
    let (node, outside) = (lab.netns("node.node-1"), lab.netns("outside"));
    let at = |ip: &str, port| SocketAddr::new(ip.parse().unwrap(), port);
    let pod = |answer: Result<Answer, String>| answer.map(|it| it.pod);
    for ip in ["172.30.0.11", "fd00:30::11"] {
        // The node passes it on, and is the client.
        let own: IpAddr = if ip.contains(':') { "fd00:30::11" } else { ip }.parse().unwrap();
        let expected = Ok(Answer { pod: "everywhere".to_owned(), client: own });
        assert_eq!(ask_tcp(&outside, at(ip, 8000)), expected);
        assert_eq!(ask_udp(&outside, at(ip, 8000)), expected);
    }
    assert_eq!(pod(ask_tcp(&node, at("127.0.0.1", 8001))), Ok("inside".to_owned()));
    assert_eq!(pod(ask_tcp(&outside, at("172.30.0.11", 8001))), Ok("outside".to_owned()));
    lab.says(&["lab", "delete", "pod/default/outside"]);
    lab.await_that("the port leads somewhere", |_| {
        ask_tcp(&outside, at("172.30.0.11", 8001))
            == Err("Connection refused (os error 111)".to_owned())
    });
    assert_eq!(pod(ask_tcp(&node, at("127.0.0.1", 8001))), Ok("inside".to_owned()));
}

/// Both want the same port, and one of them has it first.
const RIVALS: &str = "
apiVersion: v1
kind: Pod
metadata: {name: one}
spec:
  nodeName: node-1
  containers:
  - name: c
    image: pogu.dev/echo
    args: [--tcp=80]
    ports: [{containerPort: 80, hostPort: 8000}]
---
apiVersion: v1
kind: Pod
metadata: {name: other}
spec:
  nodeName: node-1
  containers:
  - name: c
    image: pogu.dev/echo
    args: [--tcp=80]
    ports: [{containerPort: 80, hostPort: 8000}]
";

#[test]
fn a_host_port_that_was_taken_is_opened_when_it_is_free() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::up(RIVALS, &["--nodes", "1"]);
    let outside = lab.netns("outside");
    let answering = |ip: &str| {
        let target = SocketAddr::new(ip.parse().unwrap(), 8000);
        ask_tcp(&outside, target).map(|it| it.pod)
    };
    let first = answering("172.30.0.11").unwrap();
    let second = if first == "one" { "other" } else { "one" };
    lab.says(&["lab", "delete", &format!("pod/default/{first}")]);
    for ip in ["172.30.0.11", "fd00:30::11"] {
        lab.await_that("the port does not lead to who waits for it", |_| {
            answering(ip) == Ok(second.to_owned())
        });
    }
}
