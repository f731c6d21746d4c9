//! Which rights do roles grant, and which were used?

use std::collections::BTreeSet;

use serde_json::Value;
use testkit::control_plane::ControlPlane;

use super::audit::text;

/// Where the chart is installed.
pub(crate) const NAMESPACE: &str = "kube-system";

/// The roles of the chart's accounts, by their kinds.
pub(crate) const AGENT: [&str; 2] = ["clusterrole pogu-agent", "role pogu-dns-configuration"];
pub(crate) const CONTROLLER: [&str; 3] =
    ["clusterrole pogu-controller", "role pogu-controller", "role pogu-dns-configuration"];

/// A request, or a right: then what is empty may be anything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Act {
    pub(crate) verb: String,
    pub(crate) group: String,
    /// With the subresource: `services/status`.
    pub(crate) resource: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Act {
    /// Of a line of the audit log.
    fn asked(line: &Value) -> Self {
        let part = |field: &str| text(&line["objectRef"][field]);
        let sub = Some(part("subresource")).filter(|it| !it.is_empty());
        let sub = sub.map(|it| format!("/{it}")).unwrap_or_default();
        Self {
            verb: text(&line["verb"]),
            group: part("apiGroup"),
            resource: part("resource") + &sub,
            namespace: part("namespace"),
            name: part("name"),
        }
    }

    pub(crate) fn allows(&self, asked: &Self) -> bool {
        let is_any_or = |right: &String, asked: &String| right.is_empty() || right == asked;
        (&self.verb, &self.group, &self.resource) == (&asked.verb, &asked.group, &asked.resource)
            && is_any_or(&self.namespace, &asked.namespace)
            && is_any_or(&self.name, &asked.name)
    }
}

/// What these roles grant, as the server has them.
pub(crate) fn granted(server: &ControlPlane, roles: &[&str]) -> BTreeSet<Act> {
    let of_role = |role: &&str| {
        let namespace = if role.starts_with("role ") { NAMESPACE } else { "" };
        let object = server.kubectl(&format!("-n {NAMESPACE} get {role} -o json"));
        let object: Value = serde_json::from_str(&object).unwrap();
        let rules = object["rules"].as_array().unwrap().clone();
        rules.into_iter().flat_map(move |rule| of_rule(&rule, namespace))
    };
    roles.iter().flat_map(of_role).collect()
}

fn of_rule(rule: &Value, namespace: &str) -> Vec<Act> {
    let all = |field: &str| -> Vec<String> {
        rule[field].as_array().into_iter().flatten().map(text).collect()
    };
    let names = Some(all("resourceNames")).filter(|it| !it.is_empty());
    let names = names.unwrap_or_else(|| vec![String::new()]);
    let mut acts = Vec::new();
    for group in all("apiGroups") {
        for resource in all("resources") {
            for verb in all("verbs") {
                acts.extend(names.iter().map(|name| Act {
                    verb: verb.clone(),
                    group: group.clone(),
                    resource: resource.clone(),
                    namespace: namespace.to_owned(),
                    name: name.clone(),
                }));
            }
        }
    }
    acts
}

/// Of the lines of a log those that were about an object, with what the server decided.
pub(crate) fn decided(lines: &[Value]) -> impl Iterator<Item = (Act, bool)> {
    let of_objects = lines.iter().filter(|it| it["objectRef"]["resource"].is_string());
    of_objects.map(|it| {
        let decision = &it["annotations"]["authorization.k8s.io/decision"];
        (Act::asked(it), decision == "allow")
    })
}
