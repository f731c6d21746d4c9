//! How is a Pod written, as far as names and readiness go?

use serde::{Deserialize, Serialize};

use super::is_default;
use super::lenient::{list, nullable};
use super::metadata::Metadata;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Pod {
    #[serde(deserialize_with = "nullable")]
    pub metadata: Metadata,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub spec: PodSpec,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub status: PodStatus,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodSpec {
    #[serde(skip_serializing_if = "is_default")]
    pub node_name: Option<String>,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub host_network: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodStatus {
    /// `Succeeded` and `Failed` are an end.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub phase: String,
    #[serde(rename = "podIP", skip_serializing_if = "is_default")]
    pub pod_ip: Option<String>,
    /// The single field is its first item.
    #[serde(rename = "podIPs", deserialize_with = "list", skip_serializing_if = "is_default")]
    pub pod_ips: Vec<PodIp>,
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub conditions: Vec<PodCondition>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodIp {
    #[serde(deserialize_with = "nullable")]
    pub ip: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodCondition {
    /// Of those, only `Ready` is looked at.
    #[serde(rename = "type", deserialize_with = "nullable")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    #[serde(deserialize_with = "nullable")]
    pub status: String,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub reason: String,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub message: String,
}
