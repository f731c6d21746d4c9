//! Which Service object do the lines mean?

use std::net::IpAddr;

use ingest::api::{self, IntOrString, Metadata, Object};
use model::{Family, ServiceName, TrafficPolicy};

use super::{AffinitySpec, ClusterIps, PortSpec, ServiceSpec, Target};

impl ServiceSpec {
    pub(super) fn object(&self, name: &ServiceName) -> Object {
        let metadata = Metadata {
            name: name.name.to_string(),
            namespace: name.namespace.to_string(),
            labels: self.labels.clone(),
            creation_timestamp: self.created.clone(),
            ..Metadata::default()
        };
        let service = api::Service { metadata, spec: self.api_spec(), status: self.status() };
        Object::Service(Box::new(service))
    }

    fn api_spec(&self) -> api::ServiceSpec {
        let cluster_ips: Vec<String> = match &self.cluster_ips {
            ClusterIps::Absent => Vec::new(),
            ClusterIps::None => vec!["None".to_owned()],
            ClusterIps::Addresses(addresses) => texts(addresses),
        };
        let policy = |policy: TrafficPolicy| policy.as_str().to_owned();
        let ranges = self.source_ranges.iter().map(ToString::to_string).collect();
        api::ServiceSpec {
            kind: self.kind.clone(),
            cluster_ip: cluster_ips.first().cloned(),
            cluster_ips,
            ip_families: self.families(),
            external_ips: texts(&self.external_ips),
            external_name: self.external_name.clone(),
            external_traffic_policy: self.external.map(policy),
            internal_traffic_policy: self.internal.map(policy),
            session_affinity: self.affinity.map(|_| "ClientIP".to_owned()),
            session_affinity_config: self.affinity.and_then(AffinitySpec::config),
            load_balancer_source_ranges: ranges,
            health_check_node_port: self.health_check_node_port.map(|port| port.get().into()),
            ports: self.ports.iter().map(PortSpec::object).collect(),
            ..api::ServiceSpec::default()
        }
    }

    fn families(&self) -> Vec<String> {
        match &self.cluster_ips {
            ClusterIps::Absent | ClusterIps::None => Vec::new(),
            ClusterIps::Addresses(addresses) => {
                addresses.iter().map(|address| Family::of(*address).to_string()).collect()
            }
        }
    }

    fn status(&self) -> api::ServiceStatus {
        let addresses = self.load_balancer_ips.iter().map(|address| api::Ingress {
            ip: Some(address.to_string()),
            ip_mode: self.load_balancer_mode.clone(),
            ..api::Ingress::default()
        });
        let hosts = self
            .load_balancer_host
            .iter()
            .map(|host| api::Ingress { hostname: Some(host.clone()), ..api::Ingress::default() });
        let ingress = addresses.chain(hosts).collect();
        api::ServiceStatus {
            load_balancer: api::LoadBalancerStatus { ingress },
            ..api::ServiceStatus::default()
        }
    }
}

impl AffinitySpec {
    fn config(self) -> Option<api::SessionAffinityConfig> {
        match self {
            Self::Unconfigured => None,
            Self::Seconds(seconds) => {
                let timeout_seconds = Some(IntOrString::Int(seconds.into()));
                let client_ip = Some(api::ClientIpConfig { timeout_seconds });
                Some(api::SessionAffinityConfig { client_ip })
            }
        }
    }
}

impl PortSpec {
    fn object(&self) -> api::ServicePort {
        api::ServicePort {
            name: (!self.name.is_empty()).then(|| self.name.clone()),
            protocol: Some(self.protocol.to_string()),
            port: Some(self.port.get().into()),
            target_port: Some(match &self.target {
                Target::Number(number) => number.get().into(),
                Target::Name(name) => IntOrString::String(name.clone()),
            }),
            node_port: self.node_port.map(|port| port.get().into()),
            ..api::ServicePort::default()
        }
    }
}

fn texts(addresses: &[IpAddr]) -> Vec<String> {
    addresses.iter().map(ToString::to_string).collect()
}
