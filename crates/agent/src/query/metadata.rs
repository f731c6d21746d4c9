//! How does an object of an answer say which it is?

use std::time::{Duration, SystemTime};

use model::{Service, ServiceName};
use serde::{Deserialize, Serialize};

use host::rfc3339;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    pub namespace: String,
    pub name: String,
    /// RFC 3339; absent where the object does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation_timestamp: Option<String>,
}

impl Metadata {
    pub(super) fn of(name: &ServiceName) -> Self {
        Self {
            namespace: name.namespace.as_ref().to_owned(),
            name: name.name.as_ref().to_owned(),
            creation_timestamp: None,
        }
    }

    pub(super) fn of_service(service: &Service) -> Self {
        Self { creation_timestamp: created(service.created_s), ..Self::of(&service.name) }
    }
}

/// An object of a file seldom says when it was made.
fn created(created_s: i64) -> Option<String> {
    let since = u64::try_from(created_s).ok().filter(|_| (1..i64::MAX).contains(&created_s))?;
    Some(rfc3339::format(SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(since))?))
}
