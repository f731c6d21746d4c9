//! Does a Service follow when its type changes?

use std::net::IpAddr;

use serde_json::{Value, json};

use super::Case;
use super::cluster::Transport::Tcp;
use super::cluster::{EVERYWHERE, NODES, Server, Site, Targets, tcp};

pub(super) const CASES: [Case; 4] = [
    ("external_name_to_cluster_ip", external_name_to_cluster_ip),
    ("external_name_to_node_port", external_name_to_node_port),
    ("cluster_ip_to_external_name", cluster_ip_to_external_name),
    ("node_port_to_external_name", node_port_to_external_name),
];

fn servers(site: &Site<'_>) {
    for (name, node) in [("one", "node-1"), ("two", "node-2")] {
        site.server(&Server { name, node, app: "web", ports: &[("http", Tcp, 9376)] });
    }
}

/// A name that leads out of the cluster becomes a Service of this type.
fn becomes(site: &Site<'_>, kind: &str) {
    site.apply(
        "
apiVersion: v1
kind: Service
metadata: {name: changing}
spec: {type: ExternalName, externalName: www.example.com}
",
    );
    let patch = json!({"spec": {
        "type": kind,
        "externalName": null,
        "ipFamilyPolicy": "RequireDualStack",
        "selector": {"app": "web"},
        "ports": [{"name": "http", "port": 80, "targetPort": 9376}],
    }});
    site.patch("service changing", &patch);
    servers(site);
    site.await_pods(&tcp(site.cluster_ips("changing"), 80), &["one", "two"]);
    await_name(site, &sorted(site.cluster_ips("changing")));
}

/// "should be able to change the type from `ExternalName` to `ClusterIP`".
fn external_name_to_cluster_ip(site: &Site<'_>) {
    becomes(site, "ClusterIP");
}

/// "should be able to change the type from `ExternalName` to `NodePort`".
fn external_name_to_node_port(site: &Site<'_>) {
    becomes(site, "NodePort");
    let (ips, port) = (site.node_ips(), site.node_port("changing"));
    let at_nodes = Targets { from: &EVERYWHERE, transport: Tcp, ips, port };
    site.await_pods(&at_nodes, &["one", "two"]);
}

/// A Service of this type, and the one that it will be a name of.
fn before(site: &Site<'_>, kind: &str) {
    for (name, kind) in [("changing", kind), ("target", "ClusterIP")] {
        site.apply(&format!(
            "
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec:
  type: {kind}
  ipFamilyPolicy: RequireDualStack
  selector: {{app: web}}
  ports: [{{name: http, port: 80, targetPort: 9376}}]
"
        ));
    }
    servers(site);
    for name in ["changing", "target"] {
        site.await_pods(&tcp(site.cluster_ips(name), 80), &["one", "two"]);
    }
    await_name(site, &sorted(site.cluster_ips("changing")));
}

/// It becomes another name of the second Service: its own addresses are gone, those of the other are
/// found by it, and lead to the pods.
fn becomes_a_name(site: &Site<'_>) {
    let left = tcp(site.cluster_ips("changing"), 80);
    let name = format!("target.{}.svc.cluster.local", site.namespace());
    let patch = json!({"spec": {"type": "ExternalName", "externalName": name}});
    site.patch("service changing", &patch);
    let spec = site.object("service changing")["spec"].clone();
    assert_eq!([&spec["clusterIP"], &spec["clusterIPs"]], [&Value::Null; 2]);
    await_name(site, &sorted(site.cluster_ips("target")));
    site.await_pods(&tcp(site.cluster_ips("target"), 80), &["one", "two"]);
    // No Service has the address that it had, and what is sent there is dropped.
    let silence = Err("connection timed out".to_owned());
    site.await_value("its old address", &silence, || {
        site.ask("client-node-1", Tcp, (left.ips[0], 80).into()).map(|it| it.pod)
    });
}

/// "should be able to change the type from `ClusterIP` to `ExternalName`".
fn cluster_ip_to_external_name(site: &Site<'_>) {
    before(site, "ClusterIP");
    becomes_a_name(site);
}

/// "should be able to change the type from `NodePort` to `ExternalName`".
fn node_port_to_external_name(site: &Site<'_>) {
    before(site, "NodePort");
    let (ips, port) = (site.node_ips(), site.node_port("changing"));
    let at_nodes = Targets { from: &EVERYWHERE, transport: Tcp, ips, port };
    site.await_pods(&at_nodes, &["one", "two"]);
    becomes_a_name(site);
    site.await_refused(&at_nodes);
}

fn sorted(mut ips: Vec<IpAddr>) -> Vec<IpAddr> {
    ips.sort();
    ips
}

/// Waits until the C library of a pod finds these addresses by the Service's short name.
fn await_name(site: &Site<'_>, expected: &[IpAddr]) {
    for node in NODES {
        site.await_value("its name", &expected.to_vec(), || {
            let said = site.run(node, &["getent", "ahosts", "changing"]);
            let mut found: Vec<IpAddr> = said
                .lines()
                .filter_map(|line| line.split_whitespace().next()?.parse().ok())
                .collect();
            found.sort();
            found.dedup();
            found
        });
    }
}
