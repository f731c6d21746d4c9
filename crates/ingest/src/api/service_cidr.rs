//! How is a ServiceCIDR written?

use serde::{Deserialize, Serialize};

use super::is_default;
use super::lenient::{list, nullable};
use super::metadata::Metadata;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceCidr {
    #[serde(deserialize_with = "nullable")]
    pub metadata: Metadata,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub spec: ServiceCidrSpec,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceCidrSpec {
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub cidrs: Vec<String>,
}
