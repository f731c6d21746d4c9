//! Is it told where a load balancer's address comes from, and who answers for it?

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ingest::Objects;
use ingest::manifest::{Manifest, parse};
use model::{DetectLocal, Mac, Node, NodeContext, NodeName, NodeTable, Rejection, Way};

use super::asked::{question, shipped};
use crate::{Addresses, Outcome, Stage, Trace, View, WarningKind, explain};

const CLUSTER: &str = r#"
apiVersion: v1
kind: Node
metadata: {name: a}
status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}
---
apiVersion: v1
kind: Node
metadata: {name: b}
status: {addresses: [{type: InternalIP, address: 192.168.0.2}]}
---
apiVersion: v1
kind: Node
metadata: {name: c, labels: {node.kubernetes.io/exclude-from-external-load-balancers: ""}}
status: {addresses: [{type: InternalIP, address: 192.168.0.3}]}
---
apiVersion: v1
kind: Node
metadata: {name: d}
status: {addresses: [{type: InternalIP, address: 192.168.0.4}]}
---
apiVersion: pogu.dev/v1alpha1
kind: AddressPool
metadata: {name: office}
spec: {addresses: [203.0.113.0/24, "2001:db8::/64"]}
---
apiVersion: pogu.dev/v1alpha1
kind: AddressPool
metadata: {name: routed}
spec: {addresses: [192.0.2.0/24], announce: false}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  type: LoadBalancer
  clusterIP: 10.96.0.10
  clusterIPs: [10.96.0.10]
  ports: [{name: http, port: 80, targetPort: 8080}]
status: {loadBalancer: {ingress: [{ip: 203.0.113.7, ipMode: VIP}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8080, protocol: TCP}]
endpoints: [{addresses: [10.1.0.5], nodeName: d, conditions: {ready: true}}]
"#;

/// What node a's agent answers, with more manifests, and with what it hears of owners.
fn told_with(more: &str, owners: &[(&str, &[&str])], words: &str) -> Trace {
    let (manifests, rejections) = parse("cluster", &format!("{CLUSTER}---\n{more}"));
    assert_eq!(rejections, []);
    let mut objects = Objects::new();
    for manifest in manifests {
        let Manifest::Object(object) = manifest else { panic!("{manifest:?}") };
        objects.apply(object);
    }
    let cluster = objects.table();
    let node = |name: &NodeName| NodeContext {
        name: name.clone(),
        zone: None,
        local_addresses: cluster.nodes[name].addresses.iter().copied().collect(),
        primary_addresses: Vec::new(),
        node_port_addresses: Vec::new(),
        detect_local: DetectLocal::Never,
        masquerade_all: false,
    };
    let here = NodeTable::new(Arc::new(node(&NodeName::new("a"))), &cluster);
    let rejections: Vec<Rejection> = cluster.rejections.to_vec();
    let owners = owners.iter().map(|(address, nodes)| {
        let address: IpAddr = address.parse().expect("an address");
        (address, nodes.iter().map(|node| NodeName::new(*node)).collect())
    });
    let mac = |n| Mac([2, 0, 0, 0, 0, n]);
    let addresses = Addresses {
        default_way: Some(Way::Vip),
        owners: owners.collect::<BTreeMap<_, _>>(),
        macs: [(NodeName::new("b"), vec![mac(1)]), (NodeName::new("a"), vec![mac(2), mac(3)])]
            .into(),
    };
    let view = View {
        here: &here,
        other_node: &|other: &Node| node(&other.name),
        rejections: &rejections,
        dns: &shipped(&here),
        agent: None,
        addresses: Some(&addresses),
    };
    explain(&view, &question(words)).expect("it can be explained")
}

fn told(words: &str) -> Trace {
    told_with("", &[], words)
}

/// What is said of a stage.
fn says(trace: &Trace, stage: Stage) -> Vec<String> {
    let hops = trace.hops.iter().filter(|hop| hop.stage == stage);
    hops.map(|hop| format!("{}: {}", hop.certainty.as_str(), hop.says)).collect()
}

const GIVEN: &str = "expected: 203.0.113.7 of AddressPool office was given to Service shop/web";

#[test]
fn a_client_outside_reaches_the_first_candidate() {
    let trace = told("--from outside http://203.0.113.7");
    assert_eq!(says(&trace, Stage::Allocate), [GIVEN]);
    let expected = "expected: node d answers for 203.0.113.7, as the first of the candidates; after \
                    it would b, a; node c does not: its label \
                    node.kubernetes.io/exclude-from-external-load-balancers says so";
    assert_eq!(says(&trace, Stage::Announce), [expected]);
    let expected = "expected: neighbour tables of the segment lead 203.0.113.7 to the link-layer \
                    address of node d, so that node gets the packet";
    assert_eq!(says(&trace, Stage::Arrive), [expected]);
    assert_eq!(
        (trace.verdict.outcome, trace.verdict.node.as_deref()),
        (Outcome::Forward, Some("d"))
    );
    let change = trace.warnings.iter().find(|it| it.kind == WarningKind::OwnerChange);
    let expected = "connections through 203.0.113.7 end when another node comes to answer for it: \
                    endpoints answer to the node that the connection came through, and no other node \
                    knows it";
    assert_eq!(change.map(|it| it.says.as_str()), Some(expected));
}

#[test]
fn what_is_heard_goes_before_the_order() {
    let heard =
        |nodes: &[&str]| told_with("", &[("203.0.113.7", nodes)], "--from outside 203.0.113.7:80");
    let trace = heard(&["b"]);
    let expected = "observed: node b answers for 203.0.113.7 now, though it is not the first \
                    candidate; their order is d, b, a; node c does not: its label \
                    node.kubernetes.io/exclude-from-external-load-balancers says so";
    assert_eq!(says(&trace, Stage::Announce), [expected]);
    let led = |owner: &str, mac: &str| {
        format!(
            "expected: neighbour tables of the segment lead 203.0.113.7 to the link-layer address of \
             node {owner}, {mac}, so that node gets the packet"
        )
    };
    assert_eq!(says(&trace, Stage::Arrive), [led("b", "02:00:00:00:00:01")]);
    assert_eq!(trace.verdict.node.as_deref(), Some("b"));
    let macs = "one of 02:00:00:00:00:02 and 02:00:00:00:00:03";
    assert_eq!(says(&heard(&["a"]), Stage::Arrive), [led("a", macs)]);

    let [announce] = says(&heard(&["d", "b"]), Stage::Announce).try_into().expect("one hop");
    assert!(
        announce.starts_with("observed: nodes d, b all answer for 203.0.113.7 now"),
        "{announce}"
    );
}

#[test]
fn from_inside_nobody_needs_to_answer() {
    let trace = told("--from node/b 203.0.113.7:80");
    assert_eq!(says(&trace, Stage::Allocate), [GIVEN]);
    assert_eq!(says(&trace, Stage::Announce), [""; 0]);
    assert_eq!(says(&trace, Stage::Arrive), [""; 0]);
    let short = trace.warnings.iter().any(|it| it.kind == WarningKind::ShortCircuit);
    assert!(short, "{:?}", trace.warnings);
}

fn service(name: &str, more: &str, address: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n  type: \
         LoadBalancer\n  clusterIP: 10.96.0.11\n  clusterIPs: [10.96.0.11]\n  ports: [{{port: \
         80}}]{more}\nstatus: {{loadBalancer: {{ingress: [{{ip: {address}}}]}}}}\n"
    )
}

#[test]
fn where_nobody_answers_the_packet_goes_nowhere() {
    let local = service("api", "\n  externalTrafficPolicy: Local", "203.0.113.8");
    let trace = told_with(&local, &[], "--from outside 203.0.113.8:80");
    let expected = "expected: no node may answer for 203.0.113.8; node a does not: \
                    externalTrafficPolicy is Local, and it has no serving endpoint; node b does not: \
                    externalTrafficPolicy is Local, and it has no serving endpoint; node c does not: \
                    its label node.kubernetes.io/exclude-from-external-load-balancers says so; node d \
                    does not: externalTrafficPolicy is Local, and it has no serving endpoint";
    assert_eq!(says(&trace, Stage::Announce), [expected]);
    assert_eq!(trace.verdict.outcome, Outcome::Unanswered);
    assert_eq!(trace.verdict.says, "no node answers for 203.0.113.8");
    assert_eq!(trace.trials(model::Protocol::Tcp), []);

    let routed = service("api", "", "192.0.2.8");
    let trace = told_with(&routed, &[], "--from outside 192.0.2.8:80");
    let expected =
        "expected: no node answers for 192.0.2.8: AddressPool routed leaves that to others";
    assert_eq!(says(&trace, Stage::Announce), [expected]);
    assert_eq!(trace.verdict.outcome, Outcome::Unanswered);
}

#[test]
fn addresses_of_others_are_told_apart() {
    let theirs = service("api", "\n  loadBalancerClass: example.com/theirs", "203.0.113.8");
    let trace = told_with(&theirs, &[], "--from outside 203.0.113.8:80");
    let expected = "expected: somebody else gave 203.0.113.8 to Service shop/api, whose class is \
                    example.com/theirs";
    assert_eq!(says(&trace, Stage::Allocate), [expected]);
    assert_eq!(says(&trace, Stage::Announce), [""; 0]);
    assert_eq!(trace.verdict.node.as_deref(), Some("a"), "nobody knows, so it is taken to be here");
}

#[test]
fn an_address_that_nobody_has_and_a_service_that_has_none_are_told() {
    let of = |trace: &Trace, kind| {
        let warnings = trace.warnings.iter().filter(|it| it.kind == kind);
        warnings.map(|it| it.says.clone()).collect::<Vec<_>>()
    };
    let trace = told("--from outside 203.0.113.99:80");
    assert_eq!(
        of(&trace, WarningKind::Unallocated),
        ["203.0.113.99 is of AddressPool office, and no Service has it: no node answers for it"]
    );
    let pending = service("api", "", "203.0.113.8").replace(
        "{loadBalancer: {ingress: [{ip: 203.0.113.8}]}}",
        "{conditions: [{type: pogu.dev/Allocated, status: 'False', message: 'no pool is left'}]}",
    );
    let trace = told_with(&pending, &[], "svc/shop/api:80");
    assert_eq!(
        of(&trace, WarningKind::Pending),
        ["Service shop/api has no load balancer address that it asks for: no pool is left"]
    );
}
