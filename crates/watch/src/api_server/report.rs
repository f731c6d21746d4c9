//! How are people told of what became of an object, by an Event?

use serde::Deserialize;
use serde_json::{Value, json};

use super::requests::{Method, RequestError, Requests};

/// The API refuses longer notes.
const NOTE_BYTES_MAX: usize = 1_024;

/// Where Events of objects without a namespace go.
const NO_NAMESPACE: &str = "default";

/// What is told of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub api_version: String,
    pub kind: String,
    /// Empty for an object that is in none.
    pub namespace: String,
    pub name: String,
    pub uid: String,
    /// The part of the object: `spec.containers{web}`. May be empty.
    pub field: String,
    pub is_warning: bool,
    pub reason: String,
    pub note: String,
    /// What was done: `Starting`.
    pub action: String,
    pub reporter: &'static str,
    pub instance: String,
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

/// Tells it. The Event's name follows from what it says, so that whoever tells the same again, this
/// process or another, counts up the one that is there. `now` is as the API writes a MicroTime.
///
/// # Errors
/// See [`RequestError`].
pub async fn report(requests: &Requests, report: &Report, now: &str) -> Result<(), RequestError> {
    let namespace = if report.namespace.is_empty() { NO_NAMESPACE } else { &report.namespace };
    let collection = format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events");
    let name = format!("{}.{:016x}", report.name, print(report));
    let event = event(report, namespace, &name, now);
    match requests.send(Method::Create, &collection, Some(event.to_string().into())).await {
        Err(error) if error.code() == Some(409) => {
            count_up(requests, &format!("{collection}/{name}"), now).await
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

fn event(report: &Report, namespace: &str, name: &str, now: &str) -> Value {
    let mut regarding = json!({
        "apiVersion": report.api_version,
        "kind": report.kind,
        "name": report.name,
        "uid": report.uid,
    });
    if !report.namespace.is_empty() {
        regarding["namespace"] = json!(report.namespace);
    }
    if !report.field.is_empty() {
        regarding["fieldPath"] = json!(report.field);
    }
    json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"namespace": namespace, "name": name},
        "eventTime": now,
        "reportingController": report.reporter,
        "reportingInstance": report.instance,
        "action": report.action,
        "reason": report.reason,
        "type": if report.is_warning { "Warning" } else { "Normal" },
        "note": cut(&report.note),
        "regarding": regarding,
    })
}

fn cut(text: &str) -> &str {
    let end = (0..=NOTE_BYTES_MAX).rev().find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0).min(text.len())).unwrap_or(text)
}

/// FNV-1a: the same in each process and version.
fn print(report: &Report) -> u64 {
    let Report { kind, uid, field, reason, note, .. } = report;
    let bytes = [kind, uid, field, reason, note].into_iter();
    let bytes = bytes.flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |print, byte| {
        (print ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
