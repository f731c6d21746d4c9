//! Which cluster do the tests speak of?

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ingest::Objects;
use ingest::manifest::{Manifest, parse};
use model::{DetectLocal, NodeContext, NodeName, NodeTable};

use super::at;
use crate::health_check::HealthChecks;
use crate::published::{Applied, Published, Status};

/// One Service of type LoadBalancer with policy Local: an endpoint here, one elsewhere, and one
/// here that is not ready; and a Service without endpoints.
pub(crate) const SHOP: &str = "
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, creationTimestamp: '2026-11-25T08:00:00Z'}
spec:
  type: LoadBalancer
  clusterIP: 10.96.0.10
  externalTrafficPolicy: Local
  healthCheckNodePort: 31000
  sessionAffinity: ClientIP
  ports: [{name: http, port: 80, nodePort: 30080}]
status: {loadBalancer: {ingress: [{ip: 203.0.113.7}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints:
- {addresses: [10.1.0.5], nodeName: a}
- {addresses: [10.2.0.5], nodeName: b, hints: {forZones: [{name: z2}]}}
- {addresses: [10.1.0.6], nodeName: a, conditions: {ready: false, serving: true, terminating: true}}
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: {clusterIP: 10.96.0.11, ports: [{port: 90, protocol: UDP}]}
";

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// What an agent on node `a`, which takes node ports on a loopback address, publishes of the
/// manifests.
pub(crate) fn published(manifests: &str, node_port_address: &str, status: Status) -> Published {
    let mut objects = Objects::new();
    let (read, rejections) = parse("test", manifests);
    assert_eq!(rejections, []);
    for manifest in read {
        if let Manifest::Object(object) = manifest {
            objects.apply(object);
        }
    }
    let node = NodeContext {
        name: NodeName::new("a"),
        zone: None,
        local_addresses: BTreeSet::new(),
        primary_addresses: vec![ip(node_port_address)],
        node_port_addresses: vec![ip(node_port_address)],
        detect_local: DetectLocal::Cidrs(vec!["10.1.0.0/16".parse().unwrap()]),
        masquerade_all: false,
    };
    let table = objects.table();
    let name = node.name.clone();
    let (node, changes) = NodeTable::empty(Arc::new(node)).advance(&table);
    let mut health_checks = HealthChecks::default();
    health_checks.advance(&name, &changes);
    let recent = crate::heard::Recent::default();
    Published { table, node, health_checks, status, recent }
}

/// The kernel has everything.
pub(crate) fn applied() -> Status {
    Status {
        synced: true,
        generation: 3,
        applied: Some(Applied {
            generation: 3,
            at: at(0),
            took: Duration::from_micros(1_500),
            operations: 12,
        }),
        ..Status::default()
    }
}
