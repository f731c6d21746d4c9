//! Which columns has the table of Services?

use std::time::SystemTime;

use agent::query::{Service, ServicePort};

use super::Shape;
use crate::age::age;
use crate::table::{NONE, Table, join};

pub(super) fn table(services: &[Service], shape: Shape, now: SystemTime) -> Table {
    let mut table = shape.table(
        &["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"],
        &["ENDPOINTS", "INTERNAL", "EXTERNAL", "AFFINITY"],
    );
    for service in services {
        let (metadata, spec) = (&service.metadata, &service.spec);
        let endpoints = service.status.endpoints;
        let cells = vec![
            metadata.name.clone(),
            spec.kind.clone(),
            cluster_ip(service),
            external_ip(service),
            join(spec.ports.iter().map(port).collect::<Vec<_>>().iter().map(String::as_str)),
            age(metadata.creation_timestamp.as_deref(), now),
        ];
        let wide = vec![
            format!("{}/{}", endpoints.ready, endpoints.total),
            spec.internal_traffic_policy.clone(),
            spec.external_traffic_policy.clone(),
            spec.session_affinity.clone(),
        ];
        table.push(shape.row(&metadata.namespace, cells, wide));
    }
    table
}

/// A Service without one is headless, and kubectl writes `None` for it.
fn cluster_ip(service: &Service) -> String {
    match (service.spec.cluster_ips.as_slice(), &service.spec.external_name) {
        ([], Some(_)) => NONE.to_owned(),
        ([], None) => "None".to_owned(),
        (all, _) => all.join(","),
    }
}

fn external_ip(service: &Service) -> String {
    if let Some(name) = &service.spec.external_name {
        return name.clone();
    }
    let ingress = service.status.load_balancer.ingress.iter().map(|ingress| ingress.ip.as_str());
    let all: Vec<&str> =
        ingress.chain(service.spec.external_ips.iter().map(String::as_str)).collect();
    if all.is_empty() && service.spec.kind == "LoadBalancer" {
        return "<pending>".to_owned();
    }
    join(all)
}

fn port(port: &ServicePort) -> String {
    match port.node_port {
        Some(node_port) => format!("{}:{node_port}/{}", port.port, port.protocol),
        None => format!("{}/{}", port.port, port.protocol),
    }
}
