//! Are objects told as they are, as they change and as they go?

use crate::reader::Reader;
use testkit::control_plane::{ControlPlane, SERVICE_IMPORTS};

pub(crate) const SHOP: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {clusterIP: None, ports: [{port: 5432}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints: [{addresses: [10.244.0.7]}]
ports: [{name: '', port: 8080, protocol: TCP}]
---
apiVersion: v1
kind: Node
metadata: {name: a}
---
apiVersion: v1
kind: Node
metadata: {name: b}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: coredns, namespace: kube-system}
data: {Corefile: '.:53 {}'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other, namespace: kube-system}
";

const IMPORT: &str = "
apiVersion: multicluster.x-k8s.io/v1alpha1
kind: ServiceImport
metadata: {name: cart, namespace: shop}
spec: {type: ClusterSetIP, ips: [10.42.0.1], ports: [{port: 80, protocol: TCP}]}
";

#[test]
fn objects_are_told_as_they_are_as_they_change_and_as_they_go() {
    let Some(server) = ControlPlane::up() else { return };
    server.apply(SHOP);
    let mut reader = Reader::start(server.admin());
    reader.until("all is read", |reader| reader.is_synced);
    let held: Vec<&str> = reader.held.keys().map(String::as_str).collect();
    assert_eq!(
        held,
        [
            "ConfigMap kube-system/coredns",
            "EndpointSlice shop/web-1",
            "Namespace default",
            "Namespace kube-node-lease",
            "Namespace kube-public",
            "Namespace kube-system",
            "Namespace shop",
            "Node a",
            "Service default/kubernetes",
            "Service shop/db",
            "Service shop/web",
            "ServiceCIDR kubernetes",
        ]
    );
    reader.told();
    server.kubectl("-n shop label service web tier=front");
    // Controllers change the Nodes meanwhile.
    let of_services = |told: &[String]| -> Vec<String> {
        told.iter().filter(|it| it.contains("Service ")).cloned().collect()
    };
    reader.until("the change is told", |reader| !of_services(&reader.told).is_empty());
    assert_eq!(of_services(&reader.told()), ["+Service shop/web"]);
    let labelled =
        server.kubectl("-n shop get service web -o jsonpath={.metadata.resourceVersion}");
    let labelled: u64 = labelled.parse().unwrap();
    assert!(reader.revision() >= labelled, "{} {labelled}", reader.revision());
    server.kubectl("-n shop delete service web");
    reader.until("the deletion is told", |reader| !reader.has("Service shop/web"));
    let state = reader.state();
    assert_eq!(
        (state.version.as_deref(), state.away, state.missing_node),
        (Some("v1.36.3"), None, None)
    );
    let shown: Vec<(String, bool, bool, u64, u64)> = state
        .collections
        .into_iter()
        .map(|it| (it.name, it.is_read, it.is_absent, it.counts.lists, it.counts.watches))
        .collect();
    let followed = |name: &str| (name.to_owned(), true, false, 1, 0);
    assert_eq!(
        shown,
        [
            followed("services"),
            followed("endpointslices"),
            followed("nodes/a"),
            followed("servicecidrs"),
            followed("pods"),
            followed("namespaces"),
            ("serviceimports".to_owned(), true, true, 2, 0),
            followed("configmaps/kube-dns"),
            followed("configmaps/coredns"),
            followed("configmaps/coredns-custom"),
        ]
    );
}

#[test]
fn a_kind_that_is_installed_later_is_found_and_goes_with_its_definition() {
    let Some(server) = ControlPlane::up() else { return };
    let mut reader = Reader::start(server.admin());
    reader.until("all is read", |reader| reader.is_synced);
    server.apply(SHOP);
    server.apply(SERVICE_IMPORTS);
    let name = "crd/serviceimports.multicluster.x-k8s.io";
    server.kubectl(&format!("wait --for=condition=Established {name}"));
    server.apply(IMPORT);
    reader.until("the import is told", |reader| reader.has("ServiceImport shop/cart"));
    server.kubectl(&format!("delete {name}"));
    reader.until("the import is gone", |reader| !reader.has("ServiceImport shop/cart"));
}

#[test]
fn a_node_that_is_not_there_is_told_until_it_is() {
    let Some(server) = ControlPlane::up() else { return };
    let mut reader = Reader::start(server.admin());
    reader.until("all is read", |reader| reader.is_synced);
    assert_eq!(
        reader.state().missing_node.as_deref(),
        Some(
            "there is no Node of this name: a\n\
             hint: --node-name must be the name of a Node object; kubectl get nodes lists them"
        )
    );
    server.apply(SHOP);
    reader.until("the Node is seen", |reader| reader.state().missing_node.is_none());
}

/// Pods of two nodes; nobody runs them.
const PODS: &str = "
apiVersion: v1
kind: Pod
metadata: {name: here, namespace: shop}
spec: {nodeName: a, containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: there, namespace: shop}
spec: {nodeName: b, containers: [{name: c, image: i}]}
";

#[test]
fn pods_of_other_nodes_are_told_for_as_long_as_they_are_wanted() {
    let Some(server) = ControlPlane::up() else { return };
    server.apply(SHOP);
    server.kubectl("-n shop wait --for=create --timeout=30s serviceaccount/default");
    server.apply(PODS);
    let mut reader = Reader::start(server.admin());
    reader.until("all is read", |reader| reader.is_synced);
    assert_eq!([reader.has("Pod shop/here"), reader.has("Pod shop/there")], [true, false]);
    reader.scope.set_all(true);
    reader.until("the other is told", |reader| reader.has("Pod shop/there"));
    reader.scope.set_all(false);
    reader.until("the other is gone", |reader| !reader.has("Pod shop/there"));
    assert!(reader.has("Pod shop/here"));
}
