//! How is an EndpointSlice written?

use serde::{Deserialize, Serialize};

use super::is_default;
use super::lenient::{IntOrString, list, nullable};
use super::metadata::{Metadata, ObjectReference};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EndpointSlice {
    #[serde(deserialize_with = "nullable")]
    pub metadata: Metadata,
    /// `IPv4`, `IPv6` or `FQDN`.
    #[serde(deserialize_with = "nullable")]
    pub address_type: String,
    #[serde(deserialize_with = "list")]
    pub endpoints: Vec<Endpoint>,
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub ports: Vec<EndpointPort>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Endpoint {
    #[serde(deserialize_with = "list")]
    pub addresses: Vec<String>,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub conditions: Conditions,
    #[serde(skip_serializing_if = "is_default")]
    pub hostname: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub node_name: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub zone: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub hints: Option<Hints>,
    #[serde(skip_serializing_if = "is_default")]
    pub target_ref: Option<ObjectReference>,
}

/// Absent is not false: an absent `ready` or `serving` means true.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Conditions {
    #[serde(skip_serializing_if = "is_default")]
    pub ready: Option<bool>,
    #[serde(skip_serializing_if = "is_default")]
    pub serving: Option<bool>,
    #[serde(skip_serializing_if = "is_default")]
    pub terminating: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Hints {
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub for_zones: Vec<ForName>,
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub for_nodes: Vec<ForName>,
}

/// The zone or node that a hint names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ForName {
    #[serde(deserialize_with = "nullable")]
    pub name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EndpointPort {
    /// An absent name is not an empty one: a port without a name belongs to no Service port.
    #[serde(skip_serializing_if = "is_default")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub protocol: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub port: Option<IntOrString>,
    #[serde(skip_serializing_if = "is_default")]
    pub app_protocol: Option<String>,
}
