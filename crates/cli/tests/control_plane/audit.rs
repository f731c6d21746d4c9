//! What was asked of the API server, by its own word?

use std::collections::BTreeSet;

use serde_json::Value;
use testkit::control_plane::ControlPlane;

/// The lines of its log: a watch has one for its beginning and one for its end.
pub(crate) fn lines(server: &ControlPlane) -> Vec<Value> {
    let log = server.audit_log();
    // The last one may not be whole yet.
    log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Those of a user by pogu.
pub(crate) fn of_pogu(server: &ControlPlane, user: &str) -> Vec<Value> {
    let mut all = lines(server);
    all.retain(|it| it["user"]["username"] == user && text(&it["userAgent"]).starts_with("pogu/"));
    all
}

/// The requests of a user by pogu: verb, resource, and the answer's code.
pub(crate) fn requests(server: &ControlPlane, user: &str) -> BTreeSet<String> {
    let all = of_pogu(server, user).into_iter();
    let of_resources = all.filter(|it| {
        it["objectRef"]["resource"].is_string() && it["responseStatus"]["code"].is_number()
    });
    let told = of_resources.map(|it| {
        let part = |field: &str| text(&it["objectRef"][field]);
        let (resource, sub) = (part("resource"), part("subresource"));
        let slash = if sub.is_empty() { "" } else { "/" };
        let (verb, code) = (text(&it["verb"]), &it["responseStatus"]["code"]);
        format!("{verb} {resource}{slash}{sub} {code}")
    });
    told.collect()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
