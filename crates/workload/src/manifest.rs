//! Which Pods, Deployments and Services are written in a file, and what in it is wrong?
//!
//! Services, slices and Nodes are read by `ingest`, with its rejections; here the same text is read
//! once more for what nodes have no use for. A document that is broken is told of there.

use std::collections::BTreeMap;

use ingest::manifest as ingested;
use model::{Object as Named, Rejection, ServiceName};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::api::{Deployment, Pod, Service};
use crate::known_fields;
use crate::validate;

/// An object of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    Pod(Box<Pod>),
    Deployment(Box<Deployment>),
    Service(Box<Service>),
    /// Of a kind that nodes read, and that nothing runs for: passed on as it is.
    Other(Box<ingest::api::Object>),
}

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifests {
    /// Pods and Deployments in their order, then the others in theirs.
    pub objects: Vec<Object>,
    /// Kinds that have no meaning here.
    pub ignored: Vec<Ignored>,
    pub rejections: Vec<Rejection>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ignored {
    pub kind: String,
    pub name: String,
}

/// Reads a file of manifests, YAML or JSON, one or many documents.
#[must_use]
pub fn parse(origin: &str, text: &str) -> Manifests {
    let mut found = Manifests::default();
    let mut selectors = BTreeMap::new();
    for value in values(text) {
        read(value, &mut selectors, &mut found);
    }
    let (manifests, rejections) = ingested::parse(origin, text);
    for manifest in manifests {
        match manifest {
            ingested::Manifest::Object(ingest::api::Object::Service(object)) => {
                let metadata = &object.metadata;
                let name = ServiceName::new(&*metadata.namespace, &*metadata.name);
                let selector = selectors.get(&name).cloned().unwrap_or_default();
                found
                    .objects
                    .push(Object::Service(Box::new(Service { object: *object, selector })));
            }
            // One that runs elsewhere; it was read above as one that is to run.
            ingested::Manifest::Object(ingest::api::Object::Pod(_)) => {}
            ingested::Manifest::Object(object) => {
                found.objects.push(Object::Other(Box::new(object)))
            }
            ingested::Manifest::Other { kind, name } => {
                if !matches!(kind.as_str(), "Pod" | "Deployment") {
                    found.ignored.push(Ignored { kind, name });
                }
            }
        }
    }
    found.rejections.extend(rejections);
    found
}

type Selectors = BTreeMap<ServiceName, BTreeMap<String, String>>;

fn read(value: Value, selectors: &mut Selectors, found: &mut Manifests) {
    let word = |field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default();
    match (word("apiVersion"), word("kind")) {
        ("v1", "List" | "PodList" | "ServiceList") | ("apps/v1", "DeploymentList") => {
            let kind = word("kind").trim_end_matches("List").to_owned();
            let api_version = word("apiVersion").to_owned();
            for mut item in
                value.get("items").and_then(Value::as_array).cloned().into_iter().flatten()
            {
                if let Some(fields) = item.as_object_mut().filter(|_| !kind.is_empty()) {
                    fields.entry("kind").or_insert_with(|| kind.clone().into());
                    fields.entry("apiVersion").or_insert_with(|| api_version.clone().into());
                }
                read(item, selectors, found);
            }
        }
        ("v1", "Pod") => {
            if let Some(mut pod) = decode::<Pod>("Pod", value, found) {
                default_namespace(&mut pod.metadata.namespace);
                let wrong = validate::pod(&pod);
                if wrong.is_empty() {
                    found.objects.push(Object::Pod(Box::new(pod)));
                }
                found.rejections.extend(wrong);
            }
        }
        ("apps/v1", "Deployment") => {
            if let Some(mut deployment) = decode::<Deployment>("Deployment", value, found) {
                default_namespace(&mut deployment.metadata.namespace);
                let wrong = validate::deployment(&deployment);
                if wrong.is_empty() {
                    found.objects.push(Object::Deployment(Box::new(deployment)));
                }
                found.rejections.extend(wrong);
            }
        }
        ("v1", "Service") => read_selector(&value, selectors),
        (version, kind @ ("Pod" | "Deployment")) => {
            let expected = if kind == "Pod" { "v1" } else { "apps/v1" };
            let reason = format!("expected {expected}, found {version:?}");
            found.rejections.push(Rejection::new(named(kind, &value), "apiVersion", reason));
        }
        _ => {}
    }
}

fn default_namespace(namespace: &mut String) {
    if namespace.is_empty() {
        "default".clone_into(namespace);
    }
}

/// A selector that is no map of texts is rejected by `ingest`, and the rest of it stays.
fn read_selector(value: &Value, selectors: &mut Selectors) {
    let name = |field: &str| value.pointer(field).and_then(Value::as_str).unwrap_or_default();
    let namespace = match name("/metadata/namespace") {
        "" => "default",
        namespace => namespace,
    };
    let written = value.pointer("/spec/selector").and_then(Value::as_object);
    let selector = written
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    selectors.insert(ServiceName::new(namespace, name("/metadata/name")), selector);
}

fn named(kind: &str, value: &Value) -> Named {
    let name = |field: &str| value.pointer(field).and_then(Value::as_str);
    let namespace = name("/metadata/namespace").unwrap_or("default");
    validate::named(kind, namespace, name("/metadata/name").unwrap_or_default())
}

/// The object, with a rejection for each field that nobody knows; or only one for the first field
/// that has a wrong value.
fn decode<T: DeserializeOwned>(kind: &str, value: Value, found: &mut Manifests) -> Option<T> {
    let object = named(kind, &value);
    let mut unknown = Vec::new();
    let mut note = |path: serde_ignored::Path<'_>| unknown.push(shown(&path));
    let mut track = serde_path_to_error::Track::new();
    let deserializer = serde_path_to_error::Deserializer::new(value, &mut track);
    let result = T::deserialize(serde_ignored::Deserializer::new(deserializer, &mut note));
    for field in unknown {
        if let Some(reason) = known_fields::judge(&field) {
            found.rejections.push(Rejection::new(object.clone(), field, reason));
        }
    }
    match result {
        Ok(decoded) => Some(decoded),
        Err(error) => {
            let field = track.path().to_string();
            let field = if field == "." { String::new() } else { field };
            let reason = format!("{error}; the {kind} is refused");
            found.rejections.push(Rejection::new(object, field, reason));
            None
        }
    }
}

/// A path as rejections write it: `spec.containers[0].image`.
fn shown(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}[{index}]", shown(parent)),
        Path::Map { parent, key } => match shown(parent) {
            parent if parent.is_empty() => key.clone(),
            parent => format!("{parent}.{key}"),
        },
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => shown(parent),
    }
}

/// The documents of a text that can be read.
fn values(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut document = String::new();
    let is_marker = |line: &str| line.starts_with("---") || line.trim_end() == "...";
    for line in text.strip_prefix('\u{feff}').unwrap_or(text).split_inclusive('\n') {
        if is_marker(line) {
            found.append(&mut document_values(&std::mem::take(&mut document)));
        } else {
            document.push_str(line);
        }
    }
    found.append(&mut document_values(&document));
    found
}

fn document_values(text: &str) -> Vec<Value> {
    let text = text.trim();
    if text.is_empty() {
        return Vec::new();
    }
    if text.starts_with('{') {
        let stream = serde_json::Deserializer::from_str(text).into_iter();
        if let Ok(values) = stream.collect() {
            return values;
        }
    }
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).ok().into_iter().collect()
}
