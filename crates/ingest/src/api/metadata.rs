//! What does every object say of itself?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::is_default;
use super::lenient::{annotations, list, nullable};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metadata {
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub name: String,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub namespace: String,
    #[serde(skip_serializing_if = "is_default")]
    pub uid: Option<String>,
    /// Stands for this state of the object; only an API server says it.
    #[serde(skip_serializing_if = "is_default")]
    pub resource_version: Option<String>,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub labels: BTreeMap<String, String>,
    /// Without the copy of the whole object that `kubectl apply` writes there.
    #[serde(deserialize_with = "annotations", skip_serializing_if = "is_default")]
    pub annotations: BTreeMap<String, String>,
    /// RFC 3339.
    #[serde(skip_serializing_if = "is_default")]
    pub creation_timestamp: Option<String>,
    /// Counts the changes of what the object asks for, where the server does so.
    #[serde(skip_serializing_if = "is_default")]
    pub generation: Option<i64>,
    /// What has to be done before the object may go.
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub finalizers: Vec<String>,
    /// Set while the object waits for its finalizers.
    #[serde(skip_serializing_if = "is_default")]
    pub deletion_timestamp: Option<String>,
}

/// What an endpoint stands for: mostly a Pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ObjectReference {
    #[serde(skip_serializing_if = "is_default")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub namespace: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub uid: Option<String>,
}
