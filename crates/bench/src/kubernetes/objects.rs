//! Which objects does the measured cluster have, as the API server takes them?

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::site::Site;
use crate::cluster::Number;

const SERVICES: &str = "/api/v1/namespaces/default/services";
const SLICES: &str = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
const NODES: &str = "/api/v1/nodes";
const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const UNRELATED: &str = "unrelated";

/// Something to be written.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) path: String,
    pub(crate) body: Value,
}

/// The Node of each.
pub(crate) const NODE_NAMES: [&str; 2] = ["node-0", "node-1"];

/// Everything that must be there before a program starts.
pub(crate) fn all(site: &Site, services: usize, endpoints: usize) -> Vec<Order> {
    let nodes = NODE_NAMES.iter().zip(&site.nodes).map(|(name, node)| Order {
        path: NODES.to_owned(),
        body: json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
            "status": {"addresses": [
                {"type": "InternalIP", "address": node.address.to_string()},
                {"type": "Hostname", "address": name},
            ]},
        }),
    });
    let other = Order { path: CONFIG_MAPS.to_owned(), body: config_map("") };
    let numbers = || (0..services).map(Number);
    let service = |number| Order { path: SERVICES.to_owned(), body: service(number) };
    let slice = |number: Number| Order {
        path: SLICES.to_owned(),
        body: slice(number, &number.endpoints(endpoints)),
    };
    nodes.chain([other]).chain(numbers().map(service)).chain(numbers().map(slice)).collect()
}

/// Other endpoints for a Service.
pub(crate) fn replacement(number: Number, endpoints: &[Ipv4Addr]) -> Order {
    Order { path: format!("{SLICES}/{}", slice_name(number)), body: slice(number, endpoints) }
}

/// What nobody follows.
pub(crate) fn unrelated(word: &str) -> Order {
    Order { path: format!("{CONFIG_MAPS}/{UNRELATED}"), body: config_map(word) }
}

fn config_map(word: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": UNRELATED},
        "data": {"word": word},
    })
}

fn service(number: Number) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": number.name()},
        "spec": {
            "clusterIP": number.cluster_ip().to_string(),
            "ports": [{"port": 80, "targetPort": 8080}],
        },
    })
}

fn slice_name(number: Number) -> String {
    format!("{}-slice", number.name())
}

fn slice(number: Number, endpoints: &[Ipv4Addr]) -> Value {
    let endpoint = |address: &Ipv4Addr| {
        json!({
            "addresses": [address.to_string()],
            "conditions": {"ready": true, "serving": true, "terminating": false},
            "nodeName": format!("node-{}", address.octets()[3] % 100),
        })
    };
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {
            "name": slice_name(number),
            "labels": {"kubernetes.io/service-name": number.name()},
        },
        "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
        "endpoints": endpoints.iter().map(endpoint).collect::<Vec<_>>(),
    })
}
