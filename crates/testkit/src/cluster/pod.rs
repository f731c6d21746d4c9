//! Which Pod object does a line mean?

use ingest::api::{self, Metadata, Object};
use model::PodName;

use super::PodSpec;

impl PodSpec {
    pub(super) fn object(&self, name: &PodName) -> Object {
        let ips: Vec<api::PodIp> =
            self.addresses.iter().map(|address| api::PodIp { ip: address.to_string() }).collect();
        Object::Pod(api::Pod {
            metadata: Metadata {
                name: name.name.to_string(),
                namespace: name.namespace.to_string(),
                ..Metadata::default()
            },
            spec: api::PodSpec {
                node_name: self.node.as_ref().map(ToString::to_string),
                host_network: self.host_network,
            },
            status: api::PodStatus {
                phase: "Running".to_owned(),
                pod_ip: ips.first().map(|first| first.ip.clone()),
                pod_ips: ips,
                ..api::PodStatus::default()
            },
        })
    }
}
