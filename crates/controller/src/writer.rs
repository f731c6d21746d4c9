//! How are conditions and Events written?

use ingest::api::{Kind, ObjectKey};
use serde_json::{Value, json};
use watch::{Method, Report, RequestError, Requests};

use crate::conditions::{ACCEPTED, REASON, Writing};
use crate::problem::Problem;

/// Whose the fields are that we apply.
pub const FIELD_MANAGER: &str = "pogu-controller";

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

/// Tells a problem by an Event of its object.
pub(crate) async fn tell(
    requests: &Requests,
    problem: &Problem,
    uid: &str,
    instance: &str,
) -> Result<(), RequestError> {
    let ObjectKey { kind, namespace, name } = &problem.object;
    // Nodes bear their names as identifiers in Events: kubelets began that, and kubectl looks so.
    let uid = if *kind == Kind::Node { name } else { uid };
    let report = Report {
        api_version: kind.api_version().to_owned(),
        kind: kind.as_str().to_owned(),
        namespace: namespace.clone(),
        name: name.clone(),
        uid: uid.to_owned(),
        field: String::new(),
        is_warning: true,
        reason: REASON.to_owned(),
        note: problem.text.clone(),
        action: "Ingest".to_owned(),
        reporter: REPORTER,
        instance: instance.to_owned(),
    };
    let now = host::rfc3339::micros(host::clock::wall());
    watch::report(requests, &report, &now).await
}
