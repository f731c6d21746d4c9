//! How is the Lease read and written?

use std::time::Duration;

use serde::{Deserialize, Serialize};
use watch::{Method, RequestError, Requests};

use crate::election::Record;

/// Which Lease of which namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseName {
    pub namespace: String,
    pub name: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Lease {
    api_version: String,
    kind: String,
    metadata: Metadata,
    spec: Spec,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    name: String,
    namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    resource_version: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    /// The API refuses the empty text: nobody is null.
    holder_identity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_duration_seconds: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acquire_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    renew_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_transitions: Option<i32>,
}

/// A holder that does not say for how long it is good for holds it for so long.
const UNSAID: i32 = 15;

impl Lease {
    fn record(self) -> Record {
        let seconds = self.spec.lease_duration_seconds.unwrap_or(UNSAID);
        Record {
            holder: self.spec.holder_identity.unwrap_or_default(),
            lease: Duration::from_secs(u64::try_from(seconds).unwrap_or(0)),
            transitions: self.spec.lease_transitions.unwrap_or(0),
            version: self.metadata.resource_version,
            acquired: self.spec.acquire_time,
        }
    }
}

impl LeaseName {
    fn collection(&self) -> String {
        format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", self.namespace)
    }

    pub(crate) fn watch_target(&self) -> String {
        let name = &self.name;
        format!("{}?watch=true&fieldSelector=metadata.name%3D{name}", self.collection())
    }

    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.collection(), self.name)
    }

    fn lease(&self, version: &str, spec: Spec) -> Vec<u8> {
        let metadata = Metadata {
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            resource_version: version.to_owned(),
        };
        let (api_version, kind) = ("coordination.k8s.io/v1".to_owned(), "Lease".to_owned());
        let lease = Lease { api_version, kind, metadata, spec };
        serde_json::to_vec(&lease).expect("texts and numbers can be written")
    }
}

/// `None` when there is none.
pub(crate) async fn read(
    requests: &Requests,
    name: &LeaseName,
) -> Result<Option<Record>, RequestError> {
    match requests.send(Method::Get, &name.path(), None).await {
        Ok(body) => parsed(&body, name).map(Some),
        Err(error) if error.code() == Some(404) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes it, or takes the place of just this record. Who holds it anew is said to have since now.
pub(crate) async fn write(
    requests: &Requests,
    name: &LeaseName,
    from: Option<&Record>,
    holder: &str,
    lease: Duration,
) -> Result<Record, RequestError> {
    let now = host::rfc3339::micros(host::clock::wall());
    let is_same = from.is_some_and(|record| record.holder == holder);
    let transitions =
        from.map_or(0, |record| record.transitions + i32::from(!is_same && !holder.is_empty()));
    let acquired = from.filter(|_| is_same).and_then(|record| record.acquired.clone());
    let spec = Spec {
        holder_identity: (!holder.is_empty()).then(|| holder.to_owned()),
        lease_duration_seconds: i32::try_from(lease.as_secs()).ok(),
        acquire_time: Some(acquired.unwrap_or_else(|| now.clone())),
        renew_time: Some(now),
        lease_transitions: Some(transitions),
    };
    let body = match from {
        None => {
            let lease = name.lease("", spec);
            requests.send(Method::Create, &name.collection(), Some(lease)).await?
        }
        Some(record) => {
            let lease = name.lease(&record.version, spec);
            requests.send(Method::Replace, &name.path(), Some(lease)).await?
        }
    };
    parsed(&body, name)
}

fn parsed(body: &[u8], name: &LeaseName) -> Result<Record, RequestError> {
    let lease: Result<Lease, _> = serde_json::from_slice(body);
    let lost = |error: serde_json::Error| RequestError::Lost {
        verb: "get",
        target: name.path(),
        reason: format!("what came is no Lease: {error}"),
    };
    Ok(lease.map_err(lost)?.record())
}

/// What a line of a watch says of the Lease; nothing where it says something else.
pub(crate) fn parse_change(line: &[u8]) -> Option<Option<Record>> {
    #[derive(Deserialize)]
    struct Change {
        #[serde(rename = "type")]
        kind: String,
        object: Lease,
    }
    let change: Change = serde_json::from_slice(line).ok()?;
    match change.kind.as_str() {
        "ADDED" | "MODIFIED" => Some(Some(change.object.record())),
        "DELETED" => Some(None),
        _ => None,
    }
}
