//! Which EndpointSlice objects do the endpoint lines mean?

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use ingest::api::{self, Metadata, Object};
use model::{Family, Protocol, ServiceName};

use super::{ConditionsSpec, EndpointSpec, ServiceSpec, Target};
use crate::scenario::Problem;

/// One slice holds what agrees in these, as the API wants it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct SliceKey {
    slice: String,
    family: Family,
    ports: Vec<(String, Protocol, NonZeroU16)>,
}

impl ServiceSpec {
    pub(super) fn slices(&self, name: &ServiceName) -> Result<Vec<Object>, Problem> {
        let mut slices: BTreeMap<SliceKey, Vec<api::Endpoint>> = BTreeMap::new();
        for endpoint in &self.endpoints {
            let ports = self.slice_ports(endpoint)?;
            for address in &endpoint.addresses {
                let family = Family::of(*address);
                let slice = endpoint.slice.clone();
                let key = SliceKey { slice, family, ports: ports.clone() };
                slices.entry(key).or_default().push(endpoint.object(&address.to_string()));
            }
        }
        Ok(slices.into_iter().map(|(key, endpoints)| key.object(name, endpoints)).collect())
    }

    fn slice_ports(
        &self,
        endpoint: &EndpointSpec,
    ) -> Result<Vec<(String, Protocol, NonZeroU16)>, Problem> {
        let mut ports = Vec::new();
        for port in &self.ports {
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
            ports.push((port.name.clone(), port.protocol, number));
        }
        Ok(ports)
    }
}

impl SliceKey {
    fn object(self, service: &ServiceName, endpoints: Vec<api::Endpoint>) -> Object {
        let label = ("kubernetes.io/service-name".to_owned(), service.name.to_string());
        Object::EndpointSlice(api::EndpointSlice {
            metadata: Metadata {
                name: self.name(service),
                namespace: service.namespace.to_string(),
                labels: BTreeMap::from([label]),
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

    fn name(&self, service: &ServiceName) -> String {
        let mut parts = vec![service.name.to_string(), self.slice.clone()];
        parts.extend(self.ports.iter().map(|(port, protocol, n)| format!("{port}{protocol}{n}")));
        parts.push(self.family.to_string());
        parts.retain(|part| !part.is_empty());
        parts.join("-").to_ascii_lowercase()
    }
}

impl EndpointSpec {
    fn object(&self, address: &str) -> api::Endpoint {
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
            ..api::Endpoint::default()
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
