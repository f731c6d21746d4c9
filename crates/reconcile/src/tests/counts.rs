//! How much does a change take? Counted, so that growth is noticed.

use std::fmt::Write;

use model::NodeTable;

use super::cluster::{Cluster, service, service_with, slice};
use super::program::{CLIENTS_MAX, now, options};
use crate::{Dataplane, MemoryKernel};

fn start(table: &NodeTable) -> Dataplane<MemoryKernel> {
    let kernel = MemoryKernel::new(CLIENTS_MAX);
    let started = Dataplane::start(kernel, table, options(table), now());
    started.expect("an empty kernel takes everything").0
}

/// Elements added and deleted by one change, among so many other Services.
fn elements(others: usize, before: &str, after: &str) -> usize {
    let mut cluster = Cluster::new();
    let mut text = before.to_owned();
    for i in 100..100 + others {
        write!(text, "---\n{}", service(i, &["10.1.9.1", "10.1.9.2"])).expect("a string");
    }
    cluster.apply(&text);
    let mut dataplane = start(&cluster.table);
    let changes = cluster.apply(after);
    let report = dataplane.advance(&changes, now());
    assert_eq!((report.refused, report.repaired, report.failed), (vec![], 0, None));
    report.taken.elements
}

#[test]
fn one_endpoint_costs_a_few_elements_whatever_the_number_of_services() {
    let (a, b, c) = ("10.1.0.1", "10.1.0.2", "10.1.0.3");
    for others in [0, 100] {
        // Each endpoint is also in the set of hairpins.
        let replaced = elements(others, &service(1, &[a, b]), &slice(1, &[a, c]));
        let added = elements(others, &service(1, &[a]), &slice(1, &[a, b]));
        let removed = elements(others, &service(1, &[a, b, c]), &slice(1, &[b, c]));
        // Two of the slot, two of the set.
        assert_eq!(replaced, 4);
        // One slot, one of the set, two of the frontend; one for the new chain.
        assert_eq!(added, 5 - usize::from(others > 0));
        // As before, and the last endpoint moves into the hole.
        assert_eq!(removed, 7 - usize::from(others > 0));
    }
}

#[test]
fn an_endpoint_costs_the_same_for_a_service_with_many_frontends() {
    let (a, b, c) = ("10.1.0.1", "10.1.0.2", "10.1.0.3");
    let spec = "  type: LoadBalancer\n  externalIPs: [1.2.3.4, 1.2.3.5]\n";
    let before = service_with(1, spec, &[a, b]).replace("port: 80,", "port: 80, nodePort: 30080,");
    assert_eq!(elements(0, &before, &slice(1, &[a, c])), 4);
}

#[test]
fn what_does_not_matter_here_costs_nothing() {
    let (a, b) = ("10.1.0.1", "10.1.0.2");
    let before = service(1, &[a, b]);
    assert_eq!(elements(1, &before, &before), 0);
    let relabelled = before.replace("metadata: {name: s1}", "metadata: {name: s1, labels: {x: y}}");
    assert_eq!(elements(1, &before, &relabelled), 0);
}

/// Names lead to endpoints, and no packet depends on them.
#[test]
fn the_names_of_endpoints_cost_nothing() {
    let before = service(1, &["10.1.0.1", "10.1.0.2"]);
    let name = |hostname: &str, pod: &str| {
        let names =
            format!("nodeName: a, hostname: {hostname}, targetRef: {{kind: Pod, name: {pod}}},");
        before.replace("nodeName: a,", &names)
    };
    assert_eq!(elements(1, &before, &name("x", "p")), 0);
    assert_eq!(elements(1, &name("x", "p"), &name("y", "q")), 0);
    let again = slice(1, &["10.1.0.1"]).replace("nodeName: a,", "nodeName: a, hostname: x,");
    let in_two = format!("{before}---\n{}", again.replace("s1-x", "s1-y"));
    assert_eq!(elements(1, &before, &in_two), 0);
    let unused = again.replace("s1-x", "s1-y").replace("name: ''", "name: other");
    assert_eq!(elements(1, &before, &format!("{before}---\n{unused}")), 0);
}

/// Names with a zone in them lead to the endpoints of that zone; packets go by hints, which say
/// more.
#[test]
fn the_zones_of_endpoints_cost_nothing() {
    let both = ["10.1.0.1", "10.1.0.2"];
    let before = service(1, &both);
    let in_zone = |zone: &str| {
        slice(1, &both).replace("nodeName: a,", &format!("nodeName: a, zone: {zone},"))
    };
    let (first, second) = (in_zone("z1"), in_zone("z2"));
    for others in [0, 100] {
        assert_eq!(elements(others, &before, &first), 0);
        assert_eq!(elements(others, &format!("{before}---\n{first}"), &second), 0);
    }
    let one_of_two = first.replacen("zone: z1", "zone: z2", 1);
    assert_ne!(one_of_two, first);
    assert_eq!(elements(1, &format!("{before}---\n{first}"), &one_of_two), 0);
}
