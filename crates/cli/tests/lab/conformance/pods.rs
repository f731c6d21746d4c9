//! Do pods and nodes reach each other without any Service?

use super::Case;
use super::cluster::Transport::{Tcp, Udp};
use super::cluster::{INSIDE, Server, Site, Targets};

pub(super) const CASES: [Case; 1] = [("pods_and_nodes_reach_pods", pods_and_nodes_reach_pods)];

/// "should function for intra-pod communication" and "for node-pod communication", both "http" and
/// "udp": from each pod and from a node to each pod; here by TCP without HTTP.
fn pods_and_nodes_reach_pods(site: &Site<'_>) {
    for (name, node) in [("one", "node-1"), ("two", "node-2")] {
        let ports = &[("tcp", Tcp, 8083), ("udp", Udp, 8081)];
        site.server(&Server { name, node, app: "none", ports });
        for (transport, port) in [(Tcp, 8083), (Udp, 8081)] {
            let ips = site.pod_ips(name);
            site.await_pods(&Targets { from: &INSIDE, transport, ips, port }, &[name]);
        }
    }
}
