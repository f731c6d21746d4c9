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
metadata: {name: office}
spec: {addresses: [172.30.0.200-172.30.0.201, \"fd00:30::200/120\"]}
";

fn balanced(name: &str, more: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{type: LoadBalancer, ports: \
         [{{port: 80}}]{more}}}\n"
    )
}

/// Each Service's addresses, and why not all, by its condition.
fn given(cluster: &Cluster) -> Vec<String> {
    let told = cluster.services.iter().map(|(name, service)| {
        let status = &service.object.status;
        let addresses = status.load_balancer.ingress.iter().map(|it| {
            let (ip, mode) = (it.ip.as_deref().unwrap_or(""), it.ip_mode.as_deref().unwrap_or(""));
            format!(" {ip}/{mode}")
        });
        let conditions = status.conditions.iter().map(|it| format!(" {}", it.reason));
        let said: String = addresses.chain(conditions).collect();
        format!("{}{said}", name.name)
    });
    told.collect()
}

#[test]
fn services_get_the_addresses_of_a_pool() {
    let mut cluster = cluster(1);
    let text = format!("{}---{}", balanced("a", ""), balanced("b", "").trim_start());
    assert_eq!(apply(&mut cluster, &text.replace("---", "---\n")), [""; 0]);
    settle(&mut cluster);
    assert_eq!(given(&cluster), ["a", "b"], "there is no pool");

    apply(&mut cluster, POOL);
    assert!(cluster.settle(Duration::ZERO).is_news);
    let both = ["a 172.30.0.200/VIP Allocated", "b 172.30.0.201/VIP Allocated"];
    assert_eq!(given(&cluster), both);
    assert!(!cluster.settle(Duration::ZERO).is_news, "nothing follows any more");

    // A manifest that is read again says nothing of the address, and does not take it away.
    apply(&mut cluster, &balanced("a", ", sessionAffinity: ClientIP"));
    settle(&mut cluster);
    assert_eq!(given(&cluster), both);

    apply(&mut cluster, &balanced("c", ""));
    apply(&mut cluster, &balanced("d", ", ipFamilies: [IPv6]"));
    settle(&mut cluster);
    let full = ["c OutOfAddresses", "d fd00:30::200/VIP Allocated"];
    assert_eq!(given(&cluster).split_off(2), full);

    assert!(cluster.delete(&Key::Service(model::ServiceName::new("default", "a"))));
    settle(&mut cluster);
    assert_eq!(given(&cluster).get(1).map(String::as_str), Some("c 172.30.0.200/VIP Allocated"));
}

#[test]
fn a_service_that_has_an_address_before_there_are_pools_keeps_it() {
    let mut cluster = cluster(1);
    let has = "status: {loadBalancer: {ingress: [{ip: 172.30.0.201}]}}\n";
    apply(&mut cluster, &format!("{}{has}", balanced("z", "")));
    apply(&mut cluster, &balanced("a", ""));
    settle(&mut cluster);
    assert_eq!(given(&cluster), ["a", "z 172.30.0.201/"]);
    apply(&mut cluster, POOL);
    settle(&mut cluster);
    let expected = ["a 172.30.0.200/VIP Allocated", "z 172.30.0.201/VIP Allocated"];
    assert_eq!(given(&cluster), expected);
}
