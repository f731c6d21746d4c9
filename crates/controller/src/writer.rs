//! How are conditions and Events written?

use ingest::api::{Kind, ObjectKey};
use serde::Deserialize;
use serde_json::{Value, json};
use watch::{Method, RequestError, Requests};

use crate::conditions::{ACCEPTED, REASON, Writing};
use crate::problem::Problem;

/// Whose the fields are that we apply.
pub const FIELD_MANAGER: &str = "pogu-controller";

/// Who Events come from.
const REPORTER: &str = "pogu.dev/controller";

/// The API refuses longer notes.
const NOTE_BYTES_MAX: usize = 1_024;

/// Where Events of objects without a namespace go.
const NO_NAMESPACE: &str = "default";

/// Says what a Service's condition is to be, or that there is to be none: all that is ours in its
/// status, and nothing else. A Service that is gone needs none.
pub(crate) async fn apply_condition(
    requests: &Requests,
    writing: &Writing,
) -> Result<(), RequestError> {
    let model::ServiceName { namespace, name } = &writing.service;
    let now = || host::rfc3339::seconds(host::clock::wall());
    let conditions: Vec<Value> = writing
        .message
        .iter()
        .map(|message| {
            json!({
                "type": ACCEPTED,
                "status": "False",
                "reason": REASON,
                "message": message,
                "lastTransitionTime": writing.since.clone().unwrap_or_else(now),
            })
        })
        .collect();
    let body = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": &**namespace, "name": &**name},
        "status": {"conditions": conditions},
    });
    let target = format!(
        "/api/v1/namespaces/{namespace}/services/{name}/status?fieldManager={FIELD_MANAGER}&force=true"
    );
    match requests.send(Method::Apply, &target, Some(body.to_string().into())).await {
        Err(error) if error.code() == Some(404) => Ok(()),
        sent => sent.map(drop),
    }
}

/// As far as it matters for counting up.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event {
    series: Option<Series>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Series {
    count: u32,
}

/// Tells a problem by an Event of its object. Its name follows from what it says, so that whoever tells
/// the same again, this process or another, counts up the one that is there.
pub(crate) async fn tell(
    requests: &Requests,
    problem: &Problem,
    uid: &str,
    instance: &str,
) -> Result<(), RequestError> {
    let object = &problem.object;
    let namespace = if object.namespace.is_empty() { NO_NAMESPACE } else { &object.namespace };
    let collection = format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events");
    let name = format!("{}.{:016x}", object.name, print(problem, uid));
    let now = host::rfc3339::micros(host::clock::wall());
    let event = json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"namespace": namespace, "name": name},
        "eventTime": now,
        "reportingController": REPORTER,
        "reportingInstance": instance,
        "action": "Ingest",
        "reason": REASON,
        "type": "Warning",
        "note": cut(&problem.text),
        "regarding": regarding(object, uid),
    });
    match requests.send(Method::Create, &collection, Some(event.to_string().into())).await {
        Err(error) if error.code() == Some(409) => {
            count_up(requests, &format!("{collection}/{name}"), &now).await
        }
        sent => sent.map(drop),
    }
}

async fn count_up(requests: &Requests, target: &str, now: &str) -> Result<(), RequestError> {
    let body = requests.send(Method::Get, target, None).await?;
    let event: Event = serde_json::from_slice(&body).unwrap_or_default();
    // One without a series happened once.
    let count = event.series.map_or(1, |series| series.count).saturating_add(1);
    let patch = json!({"series": {"count": count, "lastObservedTime": now}});
    requests.send(Method::Merge, target, Some(patch.to_string().into())).await.map(drop)
}

fn regarding(object: &ObjectKey, uid: &str) -> Value {
    let mut reference = json!({
        "apiVersion": object.kind.api_version(),
        "kind": object.kind.as_str(),
        "name": object.name,
        // Nodes bear their names as identifiers in Events: kubelets began that, and kubectl looks so.
        "uid": if object.kind == Kind::Node { &object.name } else { uid },
    });
    if !object.namespace.is_empty() {
        reference["namespace"] = json!(object.namespace);
    }
    reference
}

fn cut(text: &str) -> &str {
    let end = (0..=NOTE_BYTES_MAX).rev().find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0).min(text.len())).unwrap_or(text)
}

/// FNV-1a: the same in each process and version.
fn print(problem: &Problem, uid: &str) -> u64 {
    let bytes = [problem.object.kind.as_str(), uid, &problem.text];
    let bytes = bytes.iter().flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |print, byte| {
        (print ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
