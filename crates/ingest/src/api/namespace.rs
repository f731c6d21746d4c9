//! How is a Namespace written, as far as its name and labels go?

use serde::{Deserialize, Serialize};

use super::lenient::nullable;
use super::metadata::Metadata;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Namespace {
    #[serde(deserialize_with = "nullable")]
    pub metadata: Metadata,
}
