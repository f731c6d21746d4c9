//! Does a client stay with its pod where a Service says so, and only there?

use std::net::{IpAddr, SocketAddr};

use serde_json::json;

use super::Case;
use super::cluster::Transport::{Tcp, Udp};
use super::cluster::{Answering, INSIDE, Server, Site, Targets, tcp, udp};

pub(super) const CASES: [Case; 4] = [
    ("affinity_of_cluster_ip", affinity_of_cluster_ip),
    ("affinity_of_node_port", affinity_of_node_port),
    ("affinity_of_cluster_ip_switched", affinity_of_cluster_ip_switched),
    ("affinity_of_node_port_switched", affinity_of_node_port_switched),
];

const ALL: [&str; 3] = ["one", "three", "two"];

fn service(site: &Site<'_>, kind: &str) {
    site.apply(&format!(
        "
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec:
  type: {kind}
  ipFamilyPolicy: RequireDualStack
  selector: {{app: web}}
  sessionAffinity: ClientIP
  ports:
  - {{name: tcp, port: 80, protocol: TCP}}
  - {{name: udp, port: 80, protocol: UDP}}
"
    ));
    for (name, node) in [("one", "node-1"), ("two", "node-2"), ("three", "node-2")] {
        let ports = &[("tcp", Tcp, 80), ("udp", Udp, 80)];
        site.server(&Server { name, node, app: "web", ports });
    }
}

/// Waits until each client stays with one of the pods, whichever: each by itself, in each family.
fn await_kept(site: &Site<'_>, at: &Targets<'_>) {
    let all: Answering = ALL.iter().map(|&name| Ok(name.to_owned())).collect();
    for &from in at.from {
        for &ip in &at.ips {
            site.await_that(&format!("{from} does not stay with a pod of {ip}"), || {
                let found = site.answering(from, at.transport, SocketAddr::new(ip, at.port));
                found.len() == 1 && found.is_subset(&all)
            });
        }
    }
}

fn switch(site: &Site<'_>, affinity: &str) {
    site.patch("service web", &json!({"spec": {"sessionAffinity": affinity}}));
}

fn kept(site: &Site<'_>, all: &[Targets<'_>]) {
    all.iter().for_each(|at| await_kept(site, at));
}

fn kept_then_not_then_again(site: &Site<'_>, all: &[Targets<'_>]) {
    kept(site, all);
    switch(site, "None");
    all.iter().for_each(|at| site.await_pods(at, &ALL));
    switch(site, "ClientIP");
    kept(site, all);
}

fn at_cluster_ips(site: &Site<'_>) -> Vec<Targets<'static>> {
    service(site, "ClusterIP");
    let ips = site.cluster_ips("web");
    vec![tcp(ips.clone(), 80), udp(ips, 80)]
}

/// One node for all: affinity is a node's own matter.
fn at_node_ports(site: &Site<'_>) -> Vec<Targets<'static>> {
    service(site, "NodePort");
    let ports = site.object("service web")["spec"]["ports"].clone();
    let ips: Vec<IpAddr> = site.node_ips().into_iter().take(2).collect();
    let targets = [Tcp, Udp].into_iter().zip(ports.as_array().unwrap());
    let targets = targets.map(|(transport, port)| {
        let port = u16::try_from(port["nodePort"].as_u64().unwrap()).unwrap();
        Targets { from: &INSIDE, transport, ips: ips.clone(), port }
    });
    targets.collect()
}

/// "should have session affinity work for service with type clusterIP".
fn affinity_of_cluster_ip(site: &Site<'_>) {
    kept(site, &at_cluster_ips(site));
}

/// "should have session affinity work for `NodePort` service".
fn affinity_of_node_port(site: &Site<'_>) {
    kept(site, &at_node_ports(site));
}

/// "should be able to switch session affinity for service with type clusterIP".
fn affinity_of_cluster_ip_switched(site: &Site<'_>) {
    kept_then_not_then_again(site, &at_cluster_ips(site));
}

/// "should be able to switch session affinity for `NodePort` service".
fn affinity_of_node_port_switched(site: &Site<'_>) {
    kept_then_not_then_again(site, &at_node_ports(site));
}
