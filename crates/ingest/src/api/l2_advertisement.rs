//! How is it written which pools are announced, and by whom?

use serde::{Deserialize, Serialize};

use super::is_default;
use super::label_selector::LabelSelector;
use super::lenient::{IntOrString, list, nullable};
use super::metadata::Metadata;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct L2Advertisement {
    #[serde(deserialize_with = "nullable")]
    pub metadata: Metadata,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub spec: L2AdvertisementSpec,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct L2AdvertisementSpec {
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub ip_address_pools: Vec<String>,
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub ip_address_pool_selectors: Vec<LabelSelector>,
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub node_selectors: Vec<LabelSelector>,
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub interfaces: Vec<String>,
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub service_selectors: Vec<LabelSelector>,
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub preferred_node_selectors: Vec<PreferredNodeSelector>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PreferredNodeSelector {
    #[serde(skip_serializing_if = "is_default")]
    pub weight: Option<IntOrString>,
    #[serde(deserialize_with = "nullable")]
    pub preference: LabelSelector,
}
