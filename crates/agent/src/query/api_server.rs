//! How is the connection to the API server shown?

use serde::{Deserialize, Serialize};
use watch::{ApiServerState, CollectionState, Trouble};

use host::rfc3339;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiServerView {
    /// Absent until it has answered once.
    pub version: Option<String>,
    /// Why nothing at all is heard of the cluster; absent while something is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away: Option<TroubleView>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    pub resources: Vec<ResourceView>,
}

/// One kind of object, or one object where only that is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceView {
    pub name: String,
    /// All objects have been read once.
    pub synced: bool,
    /// The API has no such kind, and need not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub absent: bool,
    pub objects: usize,
    /// Why changes are not heard of; absent while they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<TroubleView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TroubleView {
    /// RFC 3339.
    pub since: String,
    pub reason: String,
}

impl ApiServerView {
    pub(super) fn of(state: &ApiServerState) -> Self {
        Self {
            version: state.version.clone(),
            away: state.away.as_ref().map(TroubleView::of),
            warnings: state.warnings().map(str::to_owned).collect(),
            resources: state.collections.iter().map(ResourceView::of).collect(),
        }
    }
}

impl ResourceView {
    fn of(state: &CollectionState) -> Self {
        Self {
            name: state.name.clone(),
            synced: state.is_read,
            absent: state.is_absent,
            objects: state.objects,
            trouble: state.trouble.as_ref().map(TroubleView::of),
        }
    }
}

impl TroubleView {
    fn of(trouble: &Trouble) -> Self {
        Self { since: rfc3339::format(trouble.since), reason: trouble.reason.clone() }
    }
}
