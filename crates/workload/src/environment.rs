//! Which variables and which command line does a container get?

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::api::{Container, Pod};

/// A variable and its value.
pub type Binding = (String, String);

/// What the downward API tells of a Pod beyond its manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodFields {
    pub uid: String,
    pub node_name: String,
    pub pod_ips: Vec<IpAddr>,
    pub host_ips: Vec<IpAddr>,
}

/// The variables of a container, in the order of its `env`. References `$(NAME)` to earlier ones are
/// replaced; `$$` is a dollar sign.
#[must_use]
pub fn environment(pod: &Pod, container: &Container, fields: &PodFields) -> Vec<Binding> {
    let mut known = BTreeMap::new();
    let mut bindings = Vec::with_capacity(container.env.len());
    for variable in &container.env {
        let source = variable.value_from.as_ref().and_then(|source| source.field_ref.as_ref());
        let value = match source {
            Some(field) => field_value(pod, &field.field_path, fields).unwrap_or_default(),
            None => expand(&variable.value, &known),
        };
        known.insert(variable.name.clone(), value.clone());
        bindings.push((variable.name.clone(), value));
    }
    bindings
}

/// The container's `command` and `args`, with references to its variables replaced. Both are empty
/// where the image decides.
#[must_use]
pub fn command_line(container: &Container, bindings: &[Binding]) -> (Vec<String>, Vec<String>) {
    let known = bindings.iter().cloned().collect();
    let expanded = |words: &[String]| words.iter().map(|word| expand(word, &known)).collect();
    (expanded(&container.command), expanded(&container.args))
}

/// Whether the downward API has such a field.
pub(crate) fn is_known_field_path(path: &str) -> bool {
    subscript(path).is_some()
        || matches!(
            path,
            "metadata.name"
                | "metadata.namespace"
                | "metadata.uid"
                | "spec.nodeName"
                | "spec.serviceAccountName"
                | "status.hostIP"
                | "status.hostIPs"
                | "status.podIP"
                | "status.podIPs"
        )
}

fn field_value(pod: &Pod, path: &str, fields: &PodFields) -> Option<String> {
    let metadata = &pod.metadata;
    if let Some((map, key)) = subscript(path) {
        let map = if map == "labels" { &metadata.labels } else { &metadata.annotations };
        return map.get(key).cloned();
    }
    let first = |ips: &[IpAddr]| ips.first().map(IpAddr::to_string);
    let all = |ips: &[IpAddr]| ips.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(",");
    match path {
        "metadata.name" => Some(metadata.name.clone()),
        "metadata.namespace" => Some(metadata.namespace.clone()),
        "metadata.uid" => Some(fields.uid.clone()),
        "spec.nodeName" => Some(fields.node_name.clone()),
        "spec.serviceAccountName" => {
            Some(pod.spec.service_account_name.clone().unwrap_or_else(|| "default".to_owned()))
        }
        "status.hostIP" => first(&fields.host_ips),
        "status.hostIPs" => Some(all(&fields.host_ips)),
        "status.podIP" => first(&fields.pod_ips),
        "status.podIPs" => Some(all(&fields.pod_ips)),
        _ => None,
    }
}

/// `metadata.labels['app']` is `labels` and `app`.
fn subscript(path: &str) -> Option<(&str, &str)> {
    let (map, rest) = path.strip_prefix("metadata.")?.split_once("['")?;
    let key = rest.strip_suffix("']")?;
    (matches!(map, "labels" | "annotations") && !key.is_empty()).then_some((map, key))
}

/// What names no variable stays as it is written.
fn expand(text: &str, known: &BTreeMap<String, String>) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            expanded.push('$');
            rest = after;
            continue;
        }
        let reference = rest.strip_prefix('(').and_then(|inner| inner.split_once(')'));
        match reference.map(|(name, after)| (known.get(name), after)) {
            Some((Some(value), after)) => {
                expanded.push_str(value);
                rest = after;
            }
            Some((None, _)) | None => expanded.push('$'),
        }
    }
    expanded.push_str(rest);
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_references_to_earlier_variables() {
        let known = BTreeMap::from([("A".to_owned(), "1".to_owned())]);
        let cases = [
            ("$(A)-$(A)", "1-1"),
            ("$$(A)", "$(A)"),
            ("$(B) $A $", "$(B) $A $"),
            ("$(A", "$(A"),
            ("$$$(A)", "$1"),
        ];
        for (text, expected) in cases {
            assert_eq!(expand(text, &known), expected, "{text}");
        }
    }

    #[test]
    fn fills_in_the_downward_api() {
        let pod: Pod = serde_json::from_str(
            r#"{"metadata":{"name":"web-0","namespace":"shop","labels":{"app":"web"}}}"#,
        )
        .expect("the test's Pod");
        let container: Container = serde_json::from_str(
            r#"{"name":"c","args":["--me=$(NAME)"],"env":[
                {"name":"NAME","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}},
                {"name":"APP","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['app']"}}},
                {"name":"IPS","valueFrom":{"fieldRef":{"fieldPath":"status.podIPs"}}},
                {"name":"URL","value":"http://$(NAME).$(LATER)/"},
                {"name":"LATER","value":"x"}]}"#,
        )
        .expect("the test's container");
        let pod_ips = ["10.0.0.1", "fd00::1"].map(|ip| ip.parse().expect("an address")).to_vec();
        let fields = PodFields { pod_ips, ..PodFields::default() };
        let bindings = environment(&pod, &container, &fields);
        let expected = [
            ("NAME", "web-0"),
            ("APP", "web"),
            ("IPS", "10.0.0.1,fd00::1"),
            ("URL", "http://web-0.$(LATER)/"),
            ("LATER", "x"),
        ];
        assert_eq!(bindings, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let (command, args) = command_line(&container, &bindings);
        assert_eq!((command, args), (vec![], vec!["--me=web-0".to_owned()]));
    }
}
