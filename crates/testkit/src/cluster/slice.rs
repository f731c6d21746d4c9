//! Which EndpointSlice objects do the endpoint lines mean?

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use ingest::api::{self, Metadata, Object};
use model::{Family, Protocol, ServiceName};

use super::{ConditionsSpec, EndpointSpec, PortSpec, Target};
use crate::scenario::Problem;

const SOURCE_CLUSTER: &str = "multicluster.kubernetes.io/source-cluster";

/// Who made the endpoints known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Cluster,
    ClusterSet,
}

/// One slice holds what agrees in these, as the API wants it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct SliceKey {
    slice: String,
    cluster: Option<String>,
    family: Family,
    ports: Vec<SlicePort>,
}

type SlicePort = (String, Protocol, NonZeroU16);

/// The slices of a Service, or of one that is imported.
pub(super) fn slices(
    name: &ServiceName,
    ports: &[PortSpec],
    endpoints: &[EndpointSpec],
    origin: Origin,
) -> Result<Vec<Object>, Problem> {
    let mut slices: BTreeMap<SliceKey, Vec<api::Endpoint>> = BTreeMap::new();
    for endpoint in endpoints {
        let ports = slice_ports(ports, endpoint)?;
        for address in &endpoint.addresses {
            let key = SliceKey {
                slice: endpoint.slice.clone(),
                cluster: endpoint.cluster.clone(),
                family: Family::of(*address),
                ports: ports.clone(),
            };
            let object = endpoint.object(name, &address.to_string());
            slices.entry(key).or_default().push(object);
        }
    }
    Ok(slices.into_iter().map(|(key, endpoints)| key.object(name, endpoints, origin)).collect())
}

fn slice_ports(ports: &[PortSpec], endpoint: &EndpointSpec) -> Result<Vec<SlicePort>, Problem> {
    let mut chosen_ports = Vec::new();
    for port in ports {
        let given = match &endpoint.ports {
            None => None,
            Some(chosen) => match chosen.get(&port.name) {
                None => continue,
                Some(number) => *number,
            },
        };
        let number = match (given, &port.target) {
            (Some(number), _) => number,
            (None, Target::Number(number)) => *number,
            (None, Target::Name(name)) => return Err(Problem::NoPortNumber(name.clone())),
        };
        chosen_ports.push((port.name.clone(), port.protocol, number));
    }
    Ok(chosen_ports)
}

impl SliceKey {
    fn object(
        self,
        service: &ServiceName,
        endpoints: Vec<api::Endpoint>,
        origin: Origin,
    ) -> Object {
        let label = match origin {
            Origin::Cluster => "kubernetes.io/service-name",
            Origin::ClusterSet => "multicluster.kubernetes.io/service-name",
        };
        let mut labels = BTreeMap::from([(label.to_owned(), service.name.to_string())]);
        let source = self.cluster.clone();
        labels.extend(source.map(|cluster| (SOURCE_CLUSTER.to_owned(), cluster)));
        Object::EndpointSlice(api::EndpointSlice {
            metadata: Metadata {
                name: self.name(service, origin),
                namespace: service.namespace.to_string(),
                labels,
                ..Metadata::default()
            },
            address_type: self.family.as_str().to_owned(),
            endpoints,
            ports: self
                .ports
                .into_iter()
                .map(|(name, protocol, number)| api::EndpointPort {
                    name: Some(name),
                    protocol: Some(protocol.to_string()),
                    port: Some(number.get().into()),
                    ..api::EndpointPort::default()
                })
                .collect(),
        })
    }

    fn name(&self, service: &ServiceName, origin: Origin) -> String {
        let prefix = match origin {
            Origin::Cluster => "",
            Origin::ClusterSet => "imported",
        };
        let mut parts = vec![prefix.to_owned(), service.name.to_string(), self.slice.clone()];
        parts.extend(self.cluster.clone());
        parts.extend(self.ports.iter().map(|(port, protocol, n)| format!("{port}{protocol}{n}")));
        parts.push(self.family.to_string());
        parts.retain(|part| !part.is_empty());
        parts.join("-").to_ascii_lowercase()
    }
}

impl EndpointSpec {
    fn object(&self, service: &ServiceName, address: &str) -> api::Endpoint {
        let named = |name: String| api::ForName { name };
        let hints = api::Hints {
            for_zones: self.zones.iter().cloned().map(named).collect(),
            for_nodes: self.nodes.iter().map(|node| named(node.to_string())).collect(),
        };
        api::Endpoint {
            addresses: vec![address.to_owned()],
            conditions: self.conditions.map(ConditionsSpec::object).unwrap_or_default(),
            node_name: self.node.as_ref().map(ToString::to_string),
            hints: (hints != api::Hints::default()).then_some(hints),
            hostname: self.hostname.clone(),
            zone: self.zone.clone(),
            target_ref: self.pod.as_ref().map(|pod| api::ObjectReference {
                kind: Some("Pod".to_owned()),
                namespace: Some(service.namespace.to_string()),
                name: Some(pod.clone()),
                ..api::ObjectReference::default()
            }),
        }
    }
}

impl ConditionsSpec {
    const fn object(self) -> api::Conditions {
        api::Conditions {
            ready: Some(self.ready),
            serving: Some(self.serving),
            terminating: Some(self.terminating),
        }
    }
}
