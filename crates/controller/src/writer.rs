//! How are conditions and Events written?

use ingest::ALLOCATED;
use ingest::api::{Kind, ObjectKey};
use loadbalancer::{Event, FINALIZER, HELD, RELEASED, Status, Step};
use serde_json::{Value, json};
use watch::{Method, Report, RequestError, Requests};

use crate::addresses;
use crate::conditions::{ACCEPTED, REASON, Writing};
use crate::problem::Problem;

/// Whose the fields are that we apply.
pub const FIELD_MANAGER: &str = "pogu-controller";

/// Whose fields those are that are about addresses: apart, since each manager says at once all that is
/// its own.
pub const ADDRESS_MANAGER: &str = "pogu-load-balancer";

/// Who Events come from.
const REPORTER: &str = "pogu.dev/controller";

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

/// What an Event says.
struct Said<'a> {
    is_warning: bool,
    reason: &'a str,
    note: &'a str,
    action: &'a str,
}

/// Tells a problem by an Event of its object.
pub(crate) async fn tell(
    requests: &Requests,
    problem: &Problem,
    uid: &str,
    instance: &str,
) -> Result<(), RequestError> {
    let said = Said { is_warning: true, reason: REASON, note: &problem.text, action: "Ingest" };
    say(requests, &problem.object, &said, uid, instance).await
}

async fn say(
    requests: &Requests,
    object: &ObjectKey,
    said: &Said<'_>,
    uid: &str,
    instance: &str,
) -> Result<(), RequestError> {
    let ObjectKey { kind, namespace, name } = object;
    // Nodes bear their names as identifiers in Events: kubelets began that, and kubectl looks so.
    let uid = if *kind == Kind::Node { name } else { uid };
    let report = Report {
        api_version: kind.api_version().to_owned(),
        kind: kind.as_str().to_owned(),
        namespace: namespace.clone(),
        name: name.clone(),
        uid: uid.to_owned(),
        field: String::new(),
        is_warning: said.is_warning,
        reason: said.reason.to_owned(),
        note: said.note.to_owned(),
        action: said.action.to_owned(),
        reporter: REPORTER,
        instance: instance.to_owned(),
    };
    let now = host::rfc3339::micros(host::clock::wall());
    watch::report(requests, &report, &now).await
}

/// Writes what is due of a Service's addresses, if the object is still the one that it is due for. A
/// Service that is gone needs nothing.
pub(crate) async fn write_address(
    requests: &Requests,
    writing: &addresses::Writing,
) -> Result<(), RequestError> {
    let model::ServiceName { namespace, name } = &writing.service;
    let path = format!("/api/v1/namespaces/{namespace}/services/{name}");
    let version = &*writing.version;
    let (method, target, body) = match &writing.step {
        Step::AddFinalizer => {
            let metadata = json!({
                "resourceVersion": version,
                "finalizers": [FINALIZER],
                "annotations": {HELD: "true"},
            });
            let body = json!({"metadata": metadata});
            (Method::StrategicMerge, format!("{path}?fieldManager={ADDRESS_MANAGER}"), body)
        }
        Step::RemoveFinalizer => {
            let gone = json!([FINALIZER]);
            let metadata = json!({
                "resourceVersion": version,
                "$deleteFromPrimitiveList/finalizers": gone,
                "annotations": {HELD: null},
            });
            let target = format!("{path}?fieldManager={ADDRESS_MANAGER}");
            (Method::StrategicMerge, target, json!({"metadata": metadata}))
        }
        Step::Status { status, .. } => {
            let body = json!({
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"namespace": &**namespace, "name": &**name, "resourceVersion": version},
                "status": status_of(status),
            });
            let force = writing.force;
            let target = format!("{path}/status?fieldManager={ADDRESS_MANAGER}&force={force}");
            (Method::Apply, target, body)
        }
    };
    match requests.send(method, &target, Some(body.to_string().into())).await {
        Err(error) if error.code() == Some(404) => Ok(()),
        sent => sent.map(drop),
    }
}

/// All that is ours in a status. What is left out is given up, and stays where others say it too.
fn status_of(status: &Status) -> Value {
    let Some(condition) = &status.condition else { return json!({}) };
    let now = || host::rfc3339::seconds(host::clock::wall());
    let mut written = json!({
        "type": ALLOCATED,
        "status": if condition.is_true { "True" } else { "False" },
        "reason": condition.reason,
        "message": condition.message,
        "lastTransitionTime": condition.since.clone().unwrap_or_else(now),
    });
    if let Some(generation) = condition.observed_generation {
        written["observedGeneration"] = json!(generation);
    }
    let mut all = json!({"conditions": [written]});
    // An empty list takes away what others wrote, who gave addresses before.
    if !status.ingress.is_empty() || condition.reason != RELEASED {
        all["loadBalancer"] = json!({"ingress": status.ingress});
    }
    all
}

/// Tells what became of a Service's addresses.
pub(crate) async fn tell_of_address(
    requests: &Requests,
    object: &ObjectKey,
    event: &Event,
    uid: &str,
    instance: &str,
) -> Result<(), RequestError> {
    let Event { is_warning, reason, text } = event;
    let said = Said { is_warning: *is_warning, reason, note: text, action: "Allocate" };
    say(requests, object, &said, uid, instance).await
}
