//! How is a ServiceImport written? Alike in all of its versions.

use serde::{Deserialize, Serialize};

use super::is_default;
use super::lenient::{list, nullable};
use super::metadata::Metadata;
use super::service::ServicePort;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceImport {
    #[serde(deserialize_with = "nullable")]
    pub metadata: Metadata,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub spec: ServiceImportSpec,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceImportSpec {
    /// `ClusterSetIP` (also when absent) or `Headless`.
    #[serde(rename = "type", skip_serializing_if = "is_default")]
    pub kind: Option<String>,
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub ips: Vec<String>,
    /// Without node ports and target ports.
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub ports: Vec<ServicePort>,
}
