//! How are people told of what became of an object, by an Event?

use serde::Deserialize;
use serde_json::{Value, json};

use super::fnv::fnv;
use super::requests::{Method, RequestError, Requests};

/// The API refuses longer notes.
const NOTE_BYTES_MAX: usize = 1_024;

/// It refuses longer names, too; ours end with a dot and the sixteen digits of a print.
const NAME_BYTES_MAX: usize = 253;
const PRINT_BYTES: usize = 17;

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
    let name = event_name(report);
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
        "note": cut(&report.note, NOTE_BYTES_MAX),
        "regarding": regarding,
    })
}

/// The object's, as far as there is room, and what tells its Events apart.
fn event_name(report: &Report) -> String {
    let name = cut(&report.name, NAME_BYTES_MAX - PRINT_BYTES);
    // A name is cut where a part of it may end.
    let name = name.trim_end_matches(|it: char| !it.is_ascii_alphanumeric());
    format!("{name}.{:016x}", print(report))
}

fn cut(text: &str, bytes_max: usize) -> &str {
    let end = (0..=bytes_max).rev().find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0).min(text.len())).unwrap_or(text)
}

fn print(report: &Report) -> u64 {
    let Report { kind, uid, field, reason, note, .. } = report;
    let texts = [kind, uid, field, reason, note].into_iter();
    fnv(texts.flat_map(|text| text.bytes().chain([0])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_event_is_as_long_as_a_name_may_be_and_no_longer() {
        let name = |name: &str| {
            let report = Report {
                api_version: "v1".to_owned(),
                kind: "Pod".to_owned(),
                namespace: "shop".to_owned(),
                name: name.to_owned(),
                uid: "u".to_owned(),
                field: String::new(),
                is_warning: true,
                reason: "Failed".to_owned(),
                note: "no".to_owned(),
                action: "Starting".to_owned(),
                reporter: "pogu",
                instance: "a".to_owned(),
            };
            event_name(&report).strip_suffix(".3452c558f9d263e3").unwrap().to_owned()
        };
        assert_eq!(name("web"), "web");
        let longest = "x".repeat(236);
        assert_eq!(name(&longest), longest);
        assert_eq!(name(&"x".repeat(253)), longest);
        let with_dot = format!("{}-.{}", "x".repeat(234), "y".repeat(17));
        assert_eq!(name(&with_dot), "x".repeat(234));
    }
}
