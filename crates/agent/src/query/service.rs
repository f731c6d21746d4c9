//! How is a Service shown?

use model::{ServiceKind, TrafficPolicy};
use serde::{Deserialize, Serialize};

use super::Wanted;
use super::metadata::Metadata;
use crate::published::Published;

/// As the API writes it, with what validation left of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    pub api_version: String,
    pub kind: String,
    pub metadata: Metadata,
    pub spec: ServiceSpec,
    pub status: ServiceStatus,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceSpec {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_name: Option<String>,
    #[serde(rename = "clusterIPs", default, skip_serializing_if = "Vec::is_empty")]
    pub cluster_ips: Vec<String>,
    #[serde(rename = "externalIPs", default, skip_serializing_if = "Vec::is_empty")]
    pub external_ips: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load_balancer_source_ranges: Vec<String>,
    pub internal_traffic_policy: String,
    pub external_traffic_policy: String,
    pub session_affinity: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_affinity_config: Option<Affinity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_node_port: Option<u16>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<ServicePort>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Affinity {
    #[serde(rename = "clientIP")]
    pub client_ip: ClientIp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientIp {
    pub timeout_seconds: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServicePort {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    pub protocol: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_protocol: Option<String>,
    pub port: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStatus {
    pub load_balancer: LoadBalancer,
    /// Not of the API: how many endpoints there are, over all ports.
    pub endpoints: EndpointCount,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadBalancer {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ingress: Vec<Ingress>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ingress {
    pub ip: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointCount {
    pub ready: usize,
    pub total: usize,
}

/// All Services that the cluster has; those of other proxies too.
pub(super) fn list(published: &Published, wanted: Wanted<'_>) -> Vec<Service> {
    published
        .table
        .services
        .values()
        .filter(|service| wanted.has(&service.name))
        .map(|service| Service::of(service))
        .collect()
}

impl Service {
    fn of(service: &model::Service) -> Self {
        let ingress = service.external.iter().filter(|external| external.load_balancer);
        Self {
            api_version: "v1".to_owned(),
            kind: "Service".to_owned(),
            metadata: Metadata::of_service(service),
            spec: spec(service),
            status: ServiceStatus {
                load_balancer: LoadBalancer {
                    ingress: ingress
                        .map(|external| Ingress { ip: external.address.to_string() })
                        .collect(),
                },
                endpoints: count(service),
            },
        }
    }
}

fn spec(service: &model::Service) -> ServiceSpec {
    let (kind, external_name) = match &service.kind {
        ServiceKind::ClusterIp => ("ClusterIP", None),
        ServiceKind::NodePort => ("NodePort", None),
        ServiceKind::LoadBalancer(_) => ("LoadBalancer", None),
        ServiceKind::ExternalName(name) => ("ExternalName", Some(name.as_ref().to_owned())),
    };
    let ranges =
        service.source_ranges.iter().flat_map(|ranges| ranges.0.v4.iter().chain(&ranges.0.v6));
    let policy = |policy: TrafficPolicy| policy.as_str().to_owned();
    ServiceSpec {
        kind: kind.to_owned(),
        external_name,
        cluster_ips: service.cluster_ips.iter().map(ToString::to_string).collect(),
        external_ips: service
            .external
            .iter()
            .filter(|external| !external.load_balancer)
            .map(|external| external.address.to_string())
            .collect(),
        load_balancer_source_ranges: ranges.map(ToString::to_string).collect(),
        internal_traffic_policy: policy(service.internal_policy),
        external_traffic_policy: policy(service.external_policy),
        session_affinity: service.affinity.map_or("None", |_| "ClientIP").to_owned(),
        session_affinity_config: service.affinity.map(|affinity| Affinity {
            client_ip: ClientIp { timeout_seconds: affinity.timeout_s },
        }),
        health_check_node_port: service.health_check_node_port.map(Into::into),
        ports: service.ports.iter().map(port).collect(),
    }
}

fn port(port: &model::ServicePort) -> ServicePort {
    ServicePort {
        name: port.name.as_ref().to_owned(),
        protocol: port.protocol.to_string(),
        app_protocol: port.app_protocol.as_deref().map(str::to_owned),
        port: port.port.into(),
        node_port: port.node_port.map(Into::into),
    }
}

fn count(service: &model::Service) -> EndpointCount {
    let mut count = EndpointCount { ready: 0, total: 0 };
    for port in &service.ports {
        for endpoint in port.endpoints.v4.iter().chain(port.endpoints.v6.iter()) {
            count.total += 1;
            count.ready += usize::from(endpoint.ready);
        }
    }
    count
}
