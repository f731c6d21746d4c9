//! How is a selector of labels written?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::is_default;
use super::lenient::{list, nullable};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LabelSelector {
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub match_labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub match_expressions: Vec<LabelSelectorRequirement>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LabelSelectorRequirement {
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub key: String,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub operator: String,
    #[serde(deserialize_with = "list", skip_serializing_if = "is_default")]
    pub values: Vec<String>,
}
