//! How are pools of load balancer addresses written, ours and MetalLB's?

use serde::{Deserialize, Serialize};

use super::is_default;
use super::label_selector::LabelSelector;
use super::lenient::{IntOrString, list, nullable};
use super::metadata::Metadata;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AddressPool {
    #[serde(deserialize_with = "nullable")]
    pub metadata: Metadata,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub spec: AddressPoolSpec,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AddressPoolSpec {
    /// Each an address, a CIDR or `first-last`, of either family.
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub addresses: Vec<String>,
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub reserved: Vec<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub avoid_edges: Option<bool>,
    #[serde(skip_serializing_if = "is_default")]
    pub auto_assign: Option<bool>,
    #[serde(skip_serializing_if = "is_default")]
    pub disabled: Option<bool>,
    #[serde(skip_serializing_if = "is_default")]
    pub announce: Option<bool>,
    #[serde(flatten)]
    pub admits: ServiceAllocation,
}

/// Whom a pool is for, and when it is asked: in our pools in the middle of the spec, in MetalLB's apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceAllocation {
    #[serde(skip_serializing_if = "is_default")]
    pub priority: Option<IntOrString>,
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub namespaces: Vec<String>,
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub namespace_selectors: Vec<LabelSelector>,
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub service_selectors: Vec<LabelSelector>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct IpAddressPool {
    #[serde(deserialize_with = "nullable")]
    pub metadata: Metadata,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub spec: IpAddressPoolSpec,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct IpAddressPoolSpec {
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub addresses: Vec<String>,
    #[serde(rename = "avoidBuggyIPs", skip_serializing_if = "is_default")]
    pub avoid_buggy_ips: Option<bool>,
    #[serde(skip_serializing_if = "is_default")]
    pub auto_assign: Option<bool>,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub service_allocation: ServiceAllocation,
}
