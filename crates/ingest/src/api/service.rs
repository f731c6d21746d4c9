//! How is a Service written?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::is_default;
use super::lenient::{IntOrString, list, nullable};
use super::metadata::Metadata;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Service {
    #[serde(deserialize_with = "nullable")]
    pub metadata: Metadata,
    #[serde(deserialize_with = "nullable")]
    pub spec: ServiceSpec,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub status: ServiceStatus,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceSpec {
    #[serde(rename = "type", skip_serializing_if = "is_default")]
    pub kind: Option<String>,
    #[serde(rename = "clusterIP", skip_serializing_if = "is_default")]
    pub cluster_ip: Option<String>,
    #[serde(rename = "clusterIPs", deserialize_with = "list", skip_serializing_if = "is_default")]
    pub cluster_ips: Vec<String>,
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub ip_families: Vec<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub ip_family_policy: Option<String>,
    #[serde(rename = "externalIPs", deserialize_with = "list", skip_serializing_if = "is_default")]
    pub external_ips: Vec<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub external_name: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub external_traffic_policy: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub internal_traffic_policy: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub traffic_distribution: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub session_affinity: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub session_affinity_config: Option<SessionAffinityConfig>,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub selector: BTreeMap<String, String>,
    #[serde(rename = "loadBalancerIP", skip_serializing_if = "is_default")]
    pub load_balancer_ip: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub load_balancer_class: Option<String>,
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub load_balancer_source_ranges: Vec<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub allocate_load_balancer_node_ports: Option<bool>,
    #[serde(skip_serializing_if = "is_default")]
    pub health_check_node_port: Option<IntOrString>,
    #[serde(skip_serializing_if = "is_default")]
    pub publish_not_ready_addresses: Option<bool>,
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub ports: Vec<ServicePort>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SessionAffinityConfig {
    #[serde(rename = "clientIP", skip_serializing_if = "is_default")]
    pub client_ip: Option<ClientIpConfig>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClientIpConfig {
    #[serde(skip_serializing_if = "is_default")]
    pub timeout_seconds: Option<IntOrString>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServicePort {
    #[serde(skip_serializing_if = "is_default")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub protocol: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub app_protocol: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub port: Option<IntOrString>,
    #[serde(skip_serializing_if = "is_default")]
    pub target_port: Option<IntOrString>,
    #[serde(skip_serializing_if = "is_default")]
    pub node_port: Option<IntOrString>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceStatus {
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub load_balancer: LoadBalancerStatus,
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub conditions: Vec<Condition>,
}

/// What somebody says of the Service, by the type of what they say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Condition {
    #[serde(rename = "type", deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub status: String,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub reason: String,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub message: String,
    /// The generation of the object that it is true of.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_generation: Option<i64>,
    /// RFC 3339: since when the status is so.
    #[serde(skip_serializing_if = "is_default")]
    pub last_transition_time: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LoadBalancerStatus {
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub ingress: Vec<Ingress>,
}

/// One address or host name at which a load balancer answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Ingress {
    #[serde(skip_serializing_if = "is_default")]
    pub ip: Option<String>,
    /// `VIP` (also when absent) or `Proxy`.
    #[serde(skip_serializing_if = "is_default")]
    pub ip_mode: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub hostname: Option<String>,
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub ports: Vec<IngressPort>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct IngressPort {
    #[serde(skip_serializing_if = "is_default")]
    pub port: Option<IntOrString>,
    #[serde(skip_serializing_if = "is_default")]
    pub protocol: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub error: Option<String>,
}
