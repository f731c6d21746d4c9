//! Where is the cluster DNS answered? Each node's agent does, so its Service's endpoints are nodes.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ingest::api;
use model::{Family, NodeName, ServiceName};
use serde_json::{Value, json};

use super::Cluster;

const NAMESPACE: &str = "kube-system";
const NAME: &str = "kube-dns";
const SERVICE_NAME: &str = "kubernetes.io/service-name";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const PORT: u16 = 53;

/// Nodes that one hint may name, as the API says.
const HINTS_MAX: usize = 8;

/// The Service that pods are pointed at, at these addresses.
pub(crate) fn dns_service(addresses: &[IpAddr]) -> Value {
    let addresses: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    let policy = if addresses.len() > 1 { "RequireDualStack" } else { "SingleStack" };
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "clusterIP": addresses.first(),
            "clusterIPs": addresses,
            "ipFamilyPolicy": policy,
            "ports": [
                {"name": "dns", "port": PORT, "protocol": "UDP"},
                {"name": "dns-tcp", "port": PORT, "protocol": "TCP"},
            ],
        },
    })
}

impl Cluster {
    /// Nodes whose agent answers; whether that is news.
    pub(crate) fn set_answering(&mut self, nodes: BTreeSet<NodeName>) -> bool {
        let is_new = self.answering != nodes;
        self.answering = nodes;
        is_new
    }

    /// A slice for each family. A DNS Service with a selector has pods instead, and one whose author
    /// has slices has those.
    pub(crate) fn dns_slices(&self) -> Option<(&ServiceName, Vec<api::EndpointSlice>)> {
        let name = ServiceName::new(NAMESPACE, NAME);
        let (name, service) = self.services.get_key_value(&name)?;
        let is_of = |object: &api::Object| match object {
            api::Object::EndpointSlice(slice) => {
                let of = slice.metadata.labels.get(SERVICE_NAME);
                slice.metadata.namespace == NAMESPACE && of.is_some_and(|it| it == NAME)
            }
            api::Object::Service(_)
            | api::Object::Node(_)
            | api::Object::Namespace(_)
            | api::Object::Pod(_)
            | api::Object::ServiceCidr(_)
            | api::Object::ServiceImport(_)
            | api::Object::ConfigMap(_)
            | api::Object::AddressPool(_)
            | api::Object::IpAddressPool(_)
            | api::Object::L2Advertisement(_) => false,
        };
        if !service.selector.is_empty() || self.others.values().any(is_of) {
            return None;
        }
        let slices = Family::ALL.map(|family| self.dns_slice(family));
        Some((name, slices.into_iter().filter(|it| !it.endpoints.is_empty()).collect()))
    }

    /// An endpoint is for other nodes than its own: a node's own agent is asked past the dataplane, and
    /// when it does not answer there, its endpoint does not either.
    fn dns_hints(&self, number: usize) -> Option<api::Hints> {
        let next = self.nodes.iter().cycle().skip(number + 1);
        let others = next.take(self.nodes.len().saturating_sub(1)).take(HINTS_MAX);
        let for_nodes: Vec<api::ForName> =
            others.map(|node| api::ForName { name: node.name.to_string() }).collect();
        let has_others = !for_nodes.is_empty();
        has_others.then(|| api::Hints { for_nodes, ..api::Hints::default() })
    }

    fn dns_slice(&self, family: Family) -> api::EndpointSlice {
        let is_of = |address: &&IpAddr| Family::of(**address) == family;
        let endpoints = self.nodes.iter().enumerate().filter_map(|(number, node)| {
            let address = self.node_addresses.get(&node.name)?.iter().find(is_of)?;
            let answers = self.answering.contains(&node.name);
            Some(api::Endpoint {
                addresses: vec![address.to_string()],
                conditions: api::Conditions {
                    ready: Some(answers),
                    serving: Some(answers),
                    terminating: Some(false),
                },
                node_name: Some(node.name.to_string()),
                hints: self.dns_hints(number),
                zone: self.topology.get(&node.name).and_then(|it| it.zone.clone()),
                ..api::Endpoint::default()
            })
        });
        let port = |name: &str, protocol: &str| api::EndpointPort {
            name: Some(name.to_owned()),
            protocol: Some(protocol.to_owned()),
            port: Some(PORT.into()),
            ..api::EndpointPort::default()
        };
        let labels = [(SERVICE_NAME, NAME), (MANAGED_BY, "lab.pogu.dev")];
        api::EndpointSlice {
            metadata: api::Metadata {
                name: format!("{NAME}-{}", family.as_str().to_lowercase()),
                namespace: NAMESPACE.to_owned(),
                labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
                ..api::Metadata::default()
            },
            address_type: family.as_str().to_owned(),
            endpoints: endpoints.collect(),
            ports: vec![port("dns", "UDP"), port("dns-tcp", "TCP")],
        }
    }
}
