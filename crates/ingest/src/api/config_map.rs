//! How is a ConfigMap written, as far as its texts go?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::is_default;
use super::lenient::nullable;
use super::metadata::Metadata;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConfigMap {
    #[serde(deserialize_with = "nullable")]
    pub metadata: Metadata,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_default")]
    pub data: BTreeMap<String, String>,
}
