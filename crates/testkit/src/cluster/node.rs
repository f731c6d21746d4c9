//! Which Node and ServiceCIDR objects do the lines mean?

use ingest::api::{self, Metadata, Object};
use ipnet::IpNet;
use model::NodeName;

use super::NodeSpec;

const ZONE_LABEL: &str = "topology.kubernetes.io/zone";

impl NodeSpec {
    pub(super) fn object(&self, name: &NodeName) -> Object {
        let labels = self.zone.iter().map(|zone| (ZONE_LABEL.to_owned(), zone.clone())).collect();
        let pod_cidrs: Vec<String> = self.pod_cidrs.iter().map(ToString::to_string).collect();
        let addresses = self
            .addresses
            .iter()
            .map(|address| api::NodeAddress {
                kind: "InternalIP".to_owned(),
                address: address.to_string(),
            })
            .collect();
        Object::Node(api::Node {
            metadata: Metadata { name: name.to_string(), labels, ..Metadata::default() },
            spec: api::NodeSpec {
                pod_cidr: pod_cidrs.first().cloned(),
                pod_cidrs,
                ..api::NodeSpec::default()
            },
            status: api::NodeStatus { addresses, ..api::NodeStatus::default() },
        })
    }
}

/// The object is named after its CIDRs: the lines have no name for it.
pub(super) fn service_cidr(cidrs: &[IpNet]) -> Object {
    let cidrs: Vec<String> = cidrs.iter().map(ToString::to_string).collect();
    let name = cidrs.join("-").replace([':', '/', '.'], "-");
    Object::ServiceCidr(api::ServiceCidr {
        metadata: Metadata { name, ..Metadata::default() },
        spec: api::ServiceCidrSpec { cidrs },
    })
}
