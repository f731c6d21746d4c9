//! Small clusters, written as manifests.

use std::fmt::Write;
use std::sync::Arc;

use ingest::Objects;
use ingest::manifest::{Manifest, parse};
use model::{NodeContext, NodeName, NodeTable, ServiceChange};

/// A cluster that changes, and the table of one node.
pub(super) struct Cluster {
    objects: Objects,
    pub(super) table: NodeTable,
}

impl Cluster {
    pub(super) fn new() -> Self {
        Self::on(node())
    }

    pub(super) fn on(node: NodeContext) -> Self {
        Self { objects: Objects::new(), table: NodeTable::empty(Arc::new(node)) }
    }

    /// Applies manifests and follows.
    pub(super) fn apply(&mut self, text: &str) -> Vec<ServiceChange> {
        let (manifests, rejections) = parse("test.yaml", text);
        assert_eq!(rejections, []);
        for manifest in manifests {
            match manifest {
                Manifest::Object(object) => {
                    self.objects.apply(object);
                }
                other @ Manifest::Other { .. } => panic!("{other:?}"),
            }
        }
        let (table, changes) = self.table.advance(&self.objects.table());
        self.table = table;
        changes
    }
}

/// A node of one family, whose pods are told by their addresses.
pub(super) fn node() -> NodeContext {
    NodeContext {
        name: NodeName::new("a"),
        zone: None,
        local_addresses: ["127.0.0.1", "192.168.0.1"]
            .map(|address| address.parse().expect("an address"))
            .into_iter()
            .collect(),
        primary_addresses: vec!["192.168.0.1".parse().expect("an address")],
        node_port_addresses: vec!["192.168.0.1".parse().expect("an address")],
        detect_local: model::DetectLocal::Cidrs(vec!["10.1.0.0/16".parse().expect("a CIDR")]),
        masquerade_all: false,
    }
}

/// Service `i` with a ClusterIP, a port for TCP, and these endpoints on this node.
pub(super) fn service(i: usize, endpoints: &[&str]) -> String {
    service_with(i, "", endpoints)
}

/// The same with more lines of `spec`.
pub(super) fn service_with(i: usize, spec: &str, endpoints: &[&str]) -> String {
    let mut text = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: s{i}}}\n\
         spec:\n  clusterIP: 10.96.0.{i}\n  ports: [{{port: 80, targetPort: 8080}}]\n{spec}"
    );
    write!(text, "\n---\n{}", slice(i, endpoints)).expect("a string takes everything");
    text
}

pub(super) fn slice(i: usize, endpoints: &[&str]) -> String {
    let endpoints: Vec<String> = endpoints
        .iter()
        .map(|address| {
            format!("{{addresses: [{address}], nodeName: a, conditions: {{ready: true}}}}")
        })
        .collect();
    format!(
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
         metadata: {{name: s{i}-x, labels: {{kubernetes.io/service-name: s{i}}}}}\n\
         addressType: IPv4\nports: [{{name: '', port: 8080, protocol: TCP}}]\n\
         endpoints: [{}]\n---\n",
        endpoints.join(", ")
    )
}
