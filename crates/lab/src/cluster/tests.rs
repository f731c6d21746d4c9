//! What does the control plane decide?

use std::path::PathBuf;
use std::time::Duration;

use model::NodeName;

use super::{Cluster, Key, Step};
use crate::plan::Plan;
use crate::settings::{LabName, Settings};
use crate::source::parse;
use crate::who::PodName;

fn cluster(nodes: u8) -> Cluster {
    let mut settings = Settings::new(LabName::new("test").unwrap(), PathBuf::from("pogu"));
    settings.nodes = nodes;
    Cluster::new(&Plan::new(&settings), &settings.service_cidrs)
}

fn apply(cluster: &mut Cluster, text: &str) -> Vec<String> {
    let parsed = parse("", text);
    assert_eq!(parsed.notices, Vec::new());
    let created = "2026-11-25T09:00:00Z";
    let refused = parsed.objects.into_iter().filter_map(|it| cluster.apply(it, created).err());
    refused.flatten().map(|rejection| rejection.to_string()).collect()
}

fn settle(cluster: &mut Cluster) -> Vec<Step> {
    cluster.settle(Duration::ZERO).steps
}

fn pod(image: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\n\
         spec: {{containers: [{{name: web, image: {image}}}]}}\n"
    )
}

const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: x}]}
";

fn web() -> PodName {
    PodName::new("default", "web")
}

#[test]
fn a_changed_pod_ends_before_it_is_made_anew() {
    let mut cluster = cluster(1);
    apply(&mut cluster, &pod("a"));
    assert_eq!(settle(&mut cluster), [Step::Start(web())]);
    apply(&mut cluster, &pod("a"));
    assert_eq!(settle(&mut cluster), []);
    apply(&mut cluster, &pod("b"));
    assert_eq!(settle(&mut cluster), [Step::Stop(web())]);
    assert_eq!(settle(&mut cluster), []);
    cluster.remove(&web());
    assert_eq!(settle(&mut cluster), [Step::Start(web())]);
    assert!(cluster.delete(&Key::Pod(web())));
    assert!(!cluster.delete(&Key::Pod(web())));
    assert_eq!(settle(&mut cluster), [Step::Stop(web())]);
}

#[test]
fn pods_go_with_their_deployment() {
    let mut cluster = cluster(2);
    apply(&mut cluster, DEPLOYMENT);
    let started = settle(&mut cluster);
    assert_eq!(started.len(), 2);
    let nodes: Vec<Option<NodeName>> = cluster.pods.iter().map(|pod| pod.node.clone()).collect();
    assert_eq!(nodes, ["node-1", "node-2"].map(|name| Some(NodeName::new(name))));
    cluster.delete(&Key::Deployment(web()));
    let stopped = started.into_iter().map(|step| match step {
        Step::Start(name) | Step::Stop(name) | Step::End { pod: name, .. } => Step::Stop(name),
    });
    assert_eq!(settle(&mut cluster), stopped.collect::<Vec<_>>());
}

#[test]
fn a_cordoned_node_gets_no_pods_and_one_that_came_back_lost_its_own() {
    let mut cluster = cluster(1);
    cluster.cordoned.insert(NodeName::new("node-1"));
    apply(&mut cluster, &pod("a"));
    assert_eq!(settle(&mut cluster), []);
    assert_eq!(cluster.waiting.get(&web()).map(String::as_str), Some("there is no node"));
    cluster.cordoned.clear();
    assert_eq!(settle(&mut cluster), [Step::Start(web())]);
    cluster.lose(&NodeName::new("node-1"));
    assert_eq!(settle(&mut cluster), [Step::Start(web())]);
}

#[test]
fn nodes_are_the_labs_and_a_manifest_adds_labels() {
    let mut cluster = cluster(1);
    let node = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Node\n\
             metadata: {{name: {name}, labels: {{topology.kubernetes.io/zone: east}}}}"
        )
    };
    assert_eq!(apply(&mut cluster, &node("node-1")), Vec::<String>::new());
    let labels = &cluster.nodes[0].labels;
    assert_eq!(labels["topology.kubernetes.io/zone"], "east");
    assert_eq!(labels["kubernetes.io/hostname"], "node-1");
    let refused = "Node node-7 metadata.name: the lab has no such node; it has node-1";
    assert_eq!(apply(&mut cluster, &node("node-7")), [refused]);
}

#[test]
fn addresses_that_no_node_has_are_led_to_the_cluster() {
    let mut cluster = cluster(1);
    apply(
        &mut cluster,
        "
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  externalIPs: [203.0.113.1, 172.30.0.11]
  ports: [{port: 80}]
status:
  loadBalancer:
    ingress: [{ip: 203.0.113.2}, {ip: 203.0.113.3, ipMode: Proxy}, {hostname: example.com}]
",
    );
    let services = cluster.services.values().map(|it| &it.object);
    let own = cluster.node_addresses.values().flatten().copied().collect();
    let found = crate::routes::external_addresses(services, &own);
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, ["203.0.113.1", "203.0.113.2"]);
}

const DNS: &str = "
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system}
spec: {clusterIP: 10.96.0.10, ports: [{name: dns, port: 53, protocol: UDP}]}
";

fn dns_endpoints(cluster: &Cluster) -> Vec<(String, String, Option<bool>, Vec<String>)> {
    let slices = cluster.dns_slices().map(|(_, slices)| slices).unwrap_or_default();
    let endpoints = slices.into_iter().flat_map(|slice| slice.endpoints);
    let of = |it: ingest::api::Endpoint| {
        let hints = it.hints.unwrap_or_default().for_nodes.into_iter();
        let hints = hints.map(|it| it.name).collect();
        (it.addresses.concat(), it.node_name.unwrap_or_default(), it.conditions.ready, hints)
    };
    endpoints.map(of).collect()
}

#[test]
fn the_cluster_dns_is_at_the_nodes_and_ready_where_it_is_answered() {
    let mut cluster = cluster(2);
    assert_eq!(dns_endpoints(&cluster), Vec::new());
    apply(&mut cluster, DNS);
    assert!(cluster.set_answering([NodeName::new("node-2")].into()));
    assert!(!cluster.set_answering([NodeName::new("node-2")].into()));
    let expected = [
        ("172.30.0.11", "node-1", false, "node-2"),
        ("172.30.0.12", "node-2", true, "node-1"),
        ("fd00:30::11", "node-1", false, "node-2"),
        ("fd00:30::12", "node-2", true, "node-1"),
    ];
    let expected = expected.map(|(ip, node, ready, other)| {
        (ip.to_owned(), node.to_owned(), Some(ready), vec![other.to_owned()])
    });
    assert_eq!(dns_endpoints(&cluster), expected);
}

#[test]
fn a_dns_endpoint_is_for_the_nodes_after_it_and_never_for_its_own() {
    let for_nodes = |nodes: u8, number: usize| -> Vec<String> {
        let mut cluster = cluster(nodes);
        apply(&mut cluster, DNS);
        dns_endpoints(&cluster).swap_remove(number).3
    };
    let named = |numbers: &[u8]| -> Vec<String> {
        numbers.iter().map(|number| format!("node-{number}")).collect()
    };
    assert_eq!(for_nodes(1, 0), named(&[]));
    assert_eq!(for_nodes(9, 8), named(&[1, 2, 3, 4, 5, 6, 7, 8]));
    assert_eq!(for_nodes(11, 5), named(&[7, 8, 9, 10, 11, 1, 2, 3]));
}

#[test]
fn a_cluster_dns_of_the_manifests_is_left_to_them() {
    let mut selecting = cluster(1);
    apply(&mut selecting, &DNS.replace("clusterIP:", "selector: {app: dns}, clusterIP:"));
    let mut with_slices = cluster(1);
    apply(&mut with_slices, DNS);
    let slice = "
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: own
  namespace: kube-system
  labels: {kubernetes.io/service-name: kube-dns}
addressType: IPv4
endpoints: []
ports: []
";
    apply(&mut with_slices, slice);
    assert_eq!([selecting.dns_slices(), with_slices.dns_slices()], [None, None]);
}

const POOL: &str = "
apiVersion: pogu.dev/v1alpha1
kind: AddressPool
metadata: {name: a}
spec: {addresses: [192.0.2.1-192.0.2.2]}
";

fn balanced(name: &str, more: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, \
         spec: {{type: LoadBalancer, selector: {{app: web}}, ports: [{{port: 80}}]}}{more}}}\n---\n"
    )
}

/// The addresses of a Service, and what its condition says.
fn addresses(cluster: &Cluster, name: &str) -> String {
    let name = model::ServiceName::new("default", name);
    let status = &cluster.services[&name].object.status;
    let ingress = status.load_balancer.ingress.iter().filter_map(|it| it.ip.as_deref());
    let conditions = status.conditions.iter().map(|it| it.message.as_str());
    ingress.chain(conditions).collect::<Vec<_>>().join("; ")
}

#[test]
fn services_get_addresses_of_pools_and_keep_what_manifests_give_them() {
    let mut cluster = cluster(1);
    let given = ", status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}";
    let all = [balanced("a", given), balanced("b", ""), balanced("c", "")].concat();
    apply(&mut cluster, &all);
    assert!(cluster.settle(Duration::ZERO).is_news);
    let none = "there is no pool of addresses; hint: create an AddressPool";
    let seen = |cluster: &Cluster| ["a", "b", "c"].map(|name| addresses(cluster, name));
    assert_eq!(seen(&cluster), ["192.0.2.1", none, none]);
    apply(&mut cluster, POOL);
    assert!(cluster.settle(Duration::ZERO).is_news);
    assert!(!cluster.settle(Duration::ZERO).is_news);
    let second = "192.0.2.2; 192.0.2.2 of pool a";
    let full =
        "pool a: no IPv4 address is left (1 of 1 are in use); hint: add addresses to the pool a";
    assert_eq!(seen(&cluster), ["192.0.2.1", second, full]);
    // Manifests that are read again change nothing.
    apply(&mut cluster, &all);
    assert!(!cluster.settle(Duration::ZERO).is_news);
    assert_eq!(seen(&cluster), ["192.0.2.1", second, full]);
    // One that gives no address any more gets one like the others.
    apply(&mut cluster, &balanced("a", ""));
    cluster.settle(Duration::ZERO);
    let first = "192.0.2.1; 192.0.2.1 of pool a";
    assert_eq!(seen(&cluster), [first, second, full.replace("1 of 1", "2 of 2").as_str()]);
    let gone = Key::Service(model::ServiceName::new("default", "b"));
    assert!(cluster.delete(&gone));
    cluster.settle(Duration::ZERO);
    assert_eq!(addresses(&cluster, "c"), second);
}
