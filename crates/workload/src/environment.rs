//! Which variables and which command line does a container get?

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::api::{Container, EnvFrom, EnvVar, KeyRef, Pod, Quantity, ResourceFieldRef};
use crate::known::{Known, Missing, Reference};
use crate::quantity::divided;
use crate::service_variables::service_variables;

/// A variable and its value.
pub type Binding = (String, String);

/// What the downward API tells of a Pod beyond its manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodFields {
    pub uid: String,
    pub node_name: String,
    pub pod_ips: Vec<IpAddr>,
    pub host_ips: Vec<IpAddr>,
    /// What the node has of each resource, which a container without limits may use.
    pub allocatable: BTreeMap<String, Quantity>,
}

/// The variables of a container: those of Services, then those of `envFrom`, then those of `env` in
/// their order, each of which may replace an earlier one. References `$(NAME)` to earlier ones are
/// replaced; `$$` is a dollar sign.
pub fn environment(
    pod: &Pod,
    container: &Container,
    fields: &PodFields,
    known: &Known,
) -> Result<Vec<Binding>, Missing> {
    let services = known.services.as_ref().ok_or(Missing::Unread("the list of Services"))?;
    let namespace = &pod.metadata.namespace;
    let has_links = pod.spec.enable_service_links.unwrap_or(true);
    let mut all = service_variables(services, namespace, has_links);
    for from in &container.env_from {
        all.extend(of_all_keys(from, namespace, known)?);
    }
    for variable in &container.env {
        if let Some(value) = value(variable, &all, pod, container, fields, known)? {
            all.insert(variable.name.clone(), value);
        }
    }
    Ok(all.into_iter().collect())
}

/// Keys that can be no names of variables are left out.
fn of_all_keys(from: &EnvFrom, namespace: &str, known: &Known) -> Result<Vec<Binding>, Missing> {
    let map = from.config_map_ref.as_ref().map(|it| (false, it));
    let sources = map.into_iter().chain(from.secret_ref.as_ref().map(|it| (true, it)));
    let mut bindings = Vec::new();
    for (is_secret, source) in sources {
        let reference = Reference::of_keys(is_secret, namespace, &source.name);
        let content = known.content_if(&reference, source.optional)?;
        for (key, bytes) in content.into_iter().flatten() {
            let name = format!("{}{key}", from.prefix);
            if !name.is_empty() && !name.contains('=') {
                bindings.push((name, String::from_utf8_lossy(bytes).into_owned()));
            }
        }
    }
    Ok(bindings)
}

/// The value of a variable; none when what it refers to is optional and absent.
fn value(
    variable: &EnvVar,
    earlier: &BTreeMap<String, String>,
    pod: &Pod,
    container: &Container,
    fields: &PodFields,
    known: &Known,
) -> Result<Option<String>, Missing> {
    let Some(source) = &variable.value_from else {
        return Ok(Some(expand(&variable.value, earlier)));
    };
    if let Some(field) = &source.field_ref {
        return Ok(Some(field_value(pod, &field.field_path, fields).unwrap_or_default()));
    }
    if let Some(resource) = &source.resource_field_ref {
        return resource_value(container, resource, fields).map(Some);
    }
    let namespace = &pod.metadata.namespace;
    if let Some(key) = &source.config_map_key_ref {
        return of_key(key, false, namespace, known);
    }
    source.secret_key_ref.as_ref().map_or(Ok(None), |key| of_key(key, true, namespace, known))
}

fn of_key(
    key: &KeyRef,
    is_secret: bool,
    namespace: &str,
    known: &Known,
) -> Result<Option<String>, Missing> {
    let KeyRef { name, key, optional } = key;
    let reference = Reference::of_keys(is_secret, namespace, name);
    let Some(content) = known.content_if(&reference, *optional)? else { return Ok(None) };
    match content.get(key) {
        Some(bytes) => Ok(Some(String::from_utf8_lossy(bytes).into_owned())),
        None if *optional => Ok(None),
        None => {
            let kind = if is_secret { "Secret" } else { "ConfigMap" };
            let why = format!("couldn't find key {key} in {kind} {namespace}/{name}");
            Err(Missing::Absent(why))
        }
    }
}

/// `limits.memory` in units of its divisor; what the node has, where nothing limits the container.
pub(crate) fn resource_value(
    container: &Container,
    reference: &ResourceFieldRef,
    fields: &PodFields,
) -> Result<String, Missing> {
    let ResourceFieldRef { resource, divisor, .. } = reference;
    let unknown = || Missing::Absent(format!("there is no such resource: {resource}"));
    let (kind, name) = resource.split_once('.').ok_or_else(unknown)?;
    let quantity = match kind {
        "limits" => container.resources.limits.get(name).or_else(|| fields.allocatable.get(name)),
        "requests" => {
            let none = Quantity::default();
            let asked = container.resources.requests.get(name).unwrap_or(&none);
            return divided(asked, divisor).map(|value| value.to_string()).ok_or_else(unknown);
        }
        _ => None,
    };
    let value = quantity.and_then(|quantity| divided(quantity, divisor)).ok_or_else(unknown)?;
    Ok(value.to_string())
}

/// A text with references to variables replaced.
pub(crate) fn expanded(text: &str, bindings: &[Binding]) -> String {
    expand(text, &bindings.iter().cloned().collect())
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

pub(crate) fn field_value(pod: &Pod, path: &str, fields: &PodFields) -> Option<String> {
    let metadata = &pod.metadata;
    if let Some((map, key)) = subscript(path) {
        let map = if map == "labels" { &metadata.labels } else { &metadata.annotations };
        return map.get(key).cloned();
    }
    let first = |ips: &[IpAddr]| ips.first().map(IpAddr::to_string);
    let all = |ips: &[IpAddr]| ips.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(",");
    match path {
        // Only files have these.
        "metadata.labels" => Some(lines(&metadata.labels)),
        "metadata.annotations" => Some(lines(&metadata.annotations)),
        "metadata.name" => Some(metadata.name.clone()),
        "metadata.namespace" => Some(metadata.namespace.clone()),
        "metadata.uid" => Some(fields.uid.clone()),
        "spec.nodeName" => Some(fields.node_name.clone()),
        "spec.serviceAccountName" => Some(pod.spec.service_account().to_owned()),
        "status.hostIP" => first(&fields.host_ips),
        "status.hostIPs" => Some(all(&fields.host_ips)),
        "status.podIP" => first(&fields.pod_ips),
        "status.podIPs" => Some(all(&fields.pod_ips)),
        _ => None,
    }
}

/// `app="web"`, a line each.
fn lines(all: &BTreeMap<String, String>) -> String {
    let lines: Vec<String> = all.iter().map(|(key, value)| format!("{key}={value:?}")).collect();
    lines.join("\n")
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
        let bindings = environment(&pod, &container, &fields, &Known::nothing());
        let bindings = bindings.expect("nothing else is needed");
        let expected = [
            ("APP", "web"),
            ("IPS", "10.0.0.1,fd00::1"),
            ("LATER", "x"),
            ("NAME", "web-0"),
            ("URL", "http://web-0.$(LATER)/"),
        ];
        assert_eq!(bindings, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let (command, args) = command_line(&container, &bindings);
        assert_eq!((command, args), (vec![], vec!["--me=web-0".to_owned()]));
    }
}
