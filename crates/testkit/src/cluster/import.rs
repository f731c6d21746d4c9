//! Which ServiceImport object do the lines mean?

use ingest::api::{self, Metadata, Object};
use model::ServiceName;

use super::{ImportSpec, PortSpec};

impl ImportSpec {
    pub(super) fn object(&self, name: &ServiceName) -> Object {
        Object::ServiceImport(api::ServiceImport {
            metadata: Metadata {
                name: name.name.to_string(),
                namespace: name.namespace.to_string(),
                ..Metadata::default()
            },
            spec: api::ServiceImportSpec {
                kind: self.kind.clone(),
                ips: self.ips.iter().map(ToString::to_string).collect(),
                ports: self.ports.iter().map(PortSpec::imported).collect(),
            },
        })
    }
}

impl PortSpec {
    /// Without what only a Service of this cluster has.
    fn imported(&self) -> api::ServicePort {
        api::ServicePort {
            name: (!self.name.is_empty()).then(|| self.name.clone()),
            protocol: Some(self.protocol.to_string()),
            port: Some(self.port.get().into()),
            ..api::ServicePort::default()
        }
    }
}
