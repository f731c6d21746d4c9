//! Does any file of manifests break reading it, or the table that its objects make?
#![no_main]

use std::collections::BTreeMap;
use std::sync::Arc;

use ingest::Objects;
use ingest::api::{Object, ObjectKey};
use ingest::manifest::{Manifest, parse};
use libfuzzer_sys::fuzz_target;
use model::{DetectLocal, NodeContext, NodeName, NodeTable, Packet, ServiceTable, Verdict};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let (manifests, rejections) = parse("any.yaml", &text);
    let mut objects: BTreeMap<ObjectKey, Object> = BTreeMap::new();
    for manifest in manifests {
        if let Manifest::Object(object) = manifest {
            objects.insert(object.key(), object);
        }
    }
    let mut forward = Objects::new();
    let mut backward = Objects::new();
    forward.set_file_rejections("any.yaml", rejections.clone());
    backward.set_file_rejections("any.yaml", rejections);
    for object in objects.values() {
        forward.apply(object.clone());
        // An intermediate table must leave no trace in the last one.
        forward.table();
    }
    for object in objects.values().rev() {
        backward.apply(object.clone());
    }
    let table = forward.table();
    assert_same(&table, &backward.table());
    check_frontends(&table);

    for key in objects.keys() {
        forward.delete(key);
    }
    forward.set_file_rejections("any.yaml", Vec::new());
    assert_same(&forward.table(), &ServiceTable::default());
});

#[track_caller]
fn assert_same(left: &ServiceTable, right: &ServiceTable) {
    assert_eq!(left.services, right.services);
    assert_eq!(left.nodes, right.nodes);
    assert_eq!(left.service_cidrs, right.service_cidrs);
    assert_eq!(left.rejections, right.rejections);
}

/// Every frontend that a node serves is some Service's business.
fn check_frontends(table: &ServiceTable) {
    let node_table = NodeTable::new(Arc::new(node(table)), table);
    for service in node_table.services.values() {
        for frontend in service.ports.iter().flat_map(|port| &port.frontends) {
            let packet = Packet {
                source: frontend.frontend.address,
                destination: frontend.frontend.address,
                protocol: frontend.frontend.protocol,
                destination_port: frontend.frontend.port,
                interface: None,
            };
            assert_ne!(node_table.lookup(&packet).value, Verdict::NotService);
        }
    }
}

/// The node that the agent is on: the first of the table, with all its addresses.
fn node(table: &ServiceTable) -> NodeContext {
    let node = table.nodes.values().next();
    let addresses = node.map_or_else(Vec::new, |node| node.addresses.clone());
    NodeContext {
        name: node.map_or_else(|| NodeName::new("a"), |node| node.name.clone()),
        zone: node.and_then(|node| node.zone.clone()),
        local_addresses: addresses.iter().copied().collect(),
        primary_addresses: Vec::new(),
        node_port_addresses: addresses,
        detect_local: DetectLocal::Never,
        masquerade_all: false,
    }
}
