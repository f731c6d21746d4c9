//! What does an API server say beside objects?

use serde::Deserialize;

/// Of a list: which state of the cluster it is, and where it goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ListMetadata {
    pub resource_version: String,
    /// What to ask the next page by. Empty or absent on the last one.
    #[serde(rename = "continue")]
    pub next: Option<String>,
}

/// Why the server does not do what was asked: its answer, or a message of a watch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Status {
    pub code: u16,
    pub reason: String,
    pub message: String,
}
