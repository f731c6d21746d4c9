//! Does the crate do what the API promises? Written with manifests, as people write them.

mod address_pools;
mod address_requests;
mod advertisements;
mod any_object;
mod config_maps;
mod endpoint_names;
mod imports;
mod incremental;
mod manifests;
mod namespaces;
mod nodes;
mod pairing;
mod pods;
mod protobuf;
mod service_addresses;
mod service_ports;
mod services;
mod slices;
mod slices_of_services;
mod write_back;

use std::net::SocketAddr;
use std::sync::Arc;

use model::{Endpoint, NodeName, Service, ServiceName, ServiceTable};

use crate::Objects;
use crate::api::Object;
use crate::manifest::{Manifest, parse};

/// The objects of a text in which nothing is wrong.
fn objects(text: &str) -> Vec<Object> {
    let (manifests, rejections) = parse("test.yaml", text);
    assert_eq!(rejections, [], "{text}");
    let object = |manifest| match manifest {
        Manifest::Object(object) => object,
        Manifest::Other { kind, name } => panic!("{kind} {name} is not of our kinds"),
    };
    manifests.into_iter().map(object).collect()
}

fn object(text: &str) -> Object {
    let [object] = <[Object; 1]>::try_from(objects(text)).expect("one object");
    object
}

fn table(text: &str) -> ServiceTable {
    let mut state = Objects::new();
    for object in objects(text) {
        state.apply(object);
    }
    state.table()
}

fn shown(table: &ServiceTable) -> Vec<String> {
    table.rejections.iter().map(ToString::to_string).collect()
}

fn service(table: &ServiceTable, name: &str) -> Arc<Service> {
    let name = ServiceName::new("default", name);
    Arc::clone(table.services.get(&name).expect("the Service is in the table"))
}

/// A ready endpoint.
fn endpoint(address: &str, node: &str) -> Endpoint {
    let address: SocketAddr = address.parse().expect("the test's address");
    Endpoint {
        address,
        node: (!node.is_empty()).then(|| NodeName::new(node)),
        ready: true,
        serving: true,
        terminating: false,
        hints: None,
        hostname: None,
        pod: None,
        zone: None,
    }
}

/// The endpoints of each port and family, as `PORT FAMILY: ADDRESS…`; empty lists are not shown.
fn lists(service: &Service) -> Vec<String> {
    let mut found = Vec::new();
    for port in &service.ports {
        for family in model::Family::ALL {
            let list = port.endpoints.get(family);
            if !list.is_empty() {
                let addresses: Vec<_> = list.iter().map(|it| it.address.to_string()).collect();
                found.push(format!("{} {family}: {}", port.name, addresses.join(" ")));
            }
        }
    }
    found
}
