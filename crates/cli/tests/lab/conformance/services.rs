//! Does a Service lead to its pods, from everywhere, and to nothing else?

use serde_json::json;

use super::Case;
use super::cluster::Transport::{Tcp, Udp};
use super::cluster::{EVERYWHERE, Server, Site, Targets, tcp, udp};

pub(super) const CASES: [Case; 3] = [
    ("basic_endpoint", basic_endpoint),
    ("functioning_node_port", functioning_node_port),
    ("same_port_and_different_protocols", same_port_and_different_protocols),
];

fn server<'a>(name: &'a str, node: &'a str) -> Server<'a> {
    Server { name, node, app: "web", ports: &[("http", Tcp, 80)] }
}

/// "should serve a basic endpoint from pods": from none to two pods, and back to none.
fn basic_endpoint(site: &Site<'_>) {
    site.apply(
        "
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ipFamilyPolicy: RequireDualStack, selector: {app: web}, ports: [{port: 80}]}
",
    );
    let web = tcp(site.cluster_ips("web"), 80);
    site.await_refused(&web);
    site.server(&server("one", "node-1"));
    site.await_pods(&web, &["one"]);
    site.server(&server("two", "node-2"));
    site.await_pods(&web, &["one", "two"]);
    site.delete("pod one");
    site.await_pods(&web, &["two"]);
    site.delete("pod two");
    site.await_refused(&web);
}

/// "should be able to create a functioning NodePort service": at each node, whichever has the pods, and
/// also for those who are outside.
fn functioning_node_port(site: &Site<'_>) {
    site.apply(
        "
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  ipFamilyPolicy: RequireDualStack
  selector: {app: web}
  ports: [{port: 80, targetPort: 9376}]
",
    );
    for name in ["one", "two"] {
        let ports = &[("http", Tcp, 9376)];
        site.server(&Server { name, node: "node-1", app: "web", ports });
    }
    site.await_pods(&tcp(site.cluster_ips("web"), 80), &["one", "two"]);
    let port = site.node_port("web");
    let ips = site.node_ips();
    let at_nodes = Targets { from: &EVERYWHERE, transport: Tcp, ips, port };
    site.await_pods(&at_nodes, &["one", "two"]);
    site.delete("service web");
    site.await_refused(&at_nodes);
}

/// "should serve endpoints on same port and different protocols": one of the two may go, and the other
/// stays.
fn same_port_and_different_protocols(site: &Site<'_>) {
    site.apply(
        "
apiVersion: v1
kind: Service
metadata: {name: both}
spec:
  ipFamilyPolicy: RequireDualStack
  selector: {app: both}
  ports:
  - {name: tcp, protocol: TCP, port: 80}
  - {name: udp, protocol: UDP, port: 80}
",
    );
    let ports = &[("tcp", Tcp, 80), ("udp", Udp, 80)];
    site.server(&Server { name: "one", node: "node-1", app: "both", ports });
    let ips = site.cluster_ips("both");
    let (streams, datagrams) = (tcp(ips.clone(), 80), udp(ips, 80));
    site.await_pods(&streams, &["one"]);
    site.await_pods(&datagrams, &["one"]);
    let only = |protocol: &str| json!({"spec": {"ports": [{"name": protocol.to_lowercase(), "protocol": protocol, "port": 80}]}});
    site.patch("service both", &only("TCP"));
    site.await_refused(&datagrams);
    site.await_pods(&streams, &["one"]);
    site.patch("service both", &only("UDP"));
    site.await_refused(&streams);
    site.await_pods(&datagrams, &["one"]);
}
