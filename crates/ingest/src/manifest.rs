//! Which objects are written in a file of manifests, and what in it could not be read?

use model::Rejection;
use serde_json::Value;

use crate::api::{Kind, Object, ObjectKey};
use crate::config_map::configures_dns;
use crate::dns_name::{is_label, is_subdomain};
use crate::report::{Report, quoted};
use crate::yaml;

mod decode;
mod documents;
mod schema;
mod spelling;

pub use spelling::nearest;

use decode::decode;
use documents::{Document, documents};

/// Lists inside lists; nobody writes them, but the format allows them.
const LIST_DEPTH_MAX: usize = 4;

/// An object of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are of the large one")]
pub enum Manifest {
    Object(Object),
    /// An object of a kind that does not concern us; people keep their Deployments in the same file.
    Other {
        kind: String,
        name: String,
    },
}

/// Reads a file of manifests, YAML or JSON, one or many documents.
///
/// What cannot be read is rejected with its place, and everything else of the file is still there. A
/// rejection speaks of the object where its name could be read, else of the file `origin`.
///
/// What the API server fills in for absent fields is filled in here, as there is no other server.
#[must_use]
pub fn parse(origin: &str, text: &str) -> (Vec<Manifest>, Vec<Rejection>) {
    let mut file = File {
        report: Report::new(model::Object::File(origin.into())),
        manifests: Vec::new(),
        rejections: Vec::new(),
    };
    for document in documents(text) {
        file.read_document(&document);
    }
    let mut rejections = file.report.finish();
    rejections.append(&mut file.rejections);
    (file.manifests, rejections)
}

struct File {
    /// What has no name yet that a rejection could speak of.
    report: Report,
    manifests: Vec<Manifest>,
    rejections: Vec<Rejection>,
}

/// What the list around an object says for it.
#[derive(Clone, Copy)]
struct Inherited<'a> {
    api_version: &'a str,
    kind: &'a str,
    depth: usize,
}

impl File {
    fn read_document(&mut self, document: &Document<'_>) {
        let json = leading_json(document.text);
        for (line, value) in json.values {
            self.read_value(value, &format!("line {}", document.line + line), None);
        }
        let (text, line) = (json.rest, document.line + json.rest_line);
        if text.trim().is_empty() {
            return;
        }
        match yaml::parse(text) {
            Ok(value) => self.read_value(value, &format!("line {line}"), None),
            Err(error) => {
                let column = if error.line == 1 { json.rest_indent } else { 0 } + error.column;
                let line = line + error.line.saturating_sub(1);
                self.report.reject(format!("line {line} column {column}"), error.to_string());
            }
        }
    }

    fn read_value(&mut self, value: Value, place: &str, inherited: Option<Inherited<'_>>) {
        if value.is_null() {
            return;
        }
        let text = |field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default();
        let (mut kind, mut api_version) = (text("kind").to_owned(), text("apiVersion").to_owned());
        if !value.is_object() {
            self.report.reject(place, "expected an object with apiVersion, kind and metadata");
            return;
        }
        if let Some(inherited) = inherited {
            if kind.is_empty() {
                inherited.kind.clone_into(&mut kind);
            }
            if api_version.is_empty() {
                inherited.api_version.clone_into(&mut api_version);
            }
        }
        for (field, found) in [("kind", &kind), ("apiVersion", &api_version)] {
            if found.is_empty() {
                self.report.reject(format!("{place} {field}"), "expected a word, found none");
                return;
            }
        }
        let depth = inherited.map_or(0, |inherited| inherited.depth);
        let is_item = |item: &&str| {
            item.is_empty() || Kind::ALL.into_iter().any(|known| known.as_str() == *item)
        };
        match kind.strip_suffix("List").filter(is_item) {
            Some(item) => {
                let inherited = Inherited { api_version: &api_version, kind: item, depth };
                self.read_list(value, place, inherited);
            }
            None => self.read_object(value, place, &kind, &api_version),
        }
    }

    fn read_list(&mut self, mut value: Value, place: &str, list: Inherited<'_>) {
        let items = match value.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => items,
            Some(Value::Null) | None => return,
            Some(_) => {
                self.report.reject(format!("{place} items"), "expected a list of objects");
                return;
            }
        };
        if list.depth == LIST_DEPTH_MAX {
            let reason = format!("expected at most {LIST_DEPTH_MAX} lists inside each other");
            self.report.reject(format!("{place} items"), reason);
            return;
        }
        // Items of the kind `List` say themselves what they are; those of a `ServiceList` need not.
        let api_version = if list.kind.is_empty() { "" } else { list.api_version };
        let inherited = Inherited { api_version, kind: list.kind, depth: list.depth + 1 };
        for (index, item) in items.into_iter().enumerate() {
            self.read_value(item, &format!("{place} items[{index}]"), Some(inherited));
        }
    }

    fn read_object(&mut self, value: Value, place: &str, kind: &str, api_version: &str) {
        let metadata = |field: &str| {
            let metadata = value.get("metadata");
            metadata.and_then(|it| it.get(field)).and_then(Value::as_str).unwrap_or_default()
        };
        let name = metadata("name").to_owned();
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let known = Kind::ALL.into_iter().find(|it| it.as_str() == kind && it.group() == group);
        let known = known.filter(|known| match known {
            Kind::Pod => has_address(&value),
            Kind::ConfigMap => configures_dns(metadata("namespace"), &name),
            Kind::Service
            | Kind::EndpointSlice
            | Kind::Node
            | Kind::ServiceCidr
            | Kind::Namespace
            | Kind::ServiceImport
            | Kind::AddressPool
            | Kind::IpAddressPool
            | Kind::L2Advertisement => true,
        });
        let Some(known) = known else {
            self.manifests.push(Manifest::Other { kind: kind.to_owned(), name });
            return;
        };
        if api_version != known.api_version() && Some(api_version) != known.older_api_version() {
            let (expected, found) = (known.api_version(), quoted(api_version));
            let reason = format!("expected {expected} for {known} {name}, found {found}");
            self.report.reject(format!("{place} apiVersion"), reason);
            return;
        }
        let is_name = match known {
            Kind::Service | Kind::ServiceImport | Kind::Namespace => is_label,
            Kind::EndpointSlice
            | Kind::Node
            | Kind::ServiceCidr
            | Kind::Pod
            | Kind::ConfigMap
            | Kind::AddressPool
            | Kind::IpAddressPool
            | Kind::L2Advertisement => is_subdomain,
        };
        let namespace = match metadata("namespace") {
            _ if !known.is_namespaced() => "",
            "" => "default",
            namespace => namespace,
        };
        let judged = [
            ("metadata.name", name.as_str(), is_name(&name)),
            ("metadata.namespace", namespace, namespace.is_empty() || is_label(namespace)),
        ];
        for (field, found, is_right) in judged {
            if !is_right {
                let found = quoted(found);
                let reason =
                    format!("expected a DNS name in lower case for a {known}, found {found}");
                self.report.reject(format!("{place} {field}"), reason);
                return;
            }
        }
        let key = ObjectKey { kind: known, namespace: namespace.to_owned(), name };
        let mut report = Report::new(key.to_origin());
        let object = decode(value, key, &mut report);
        self.manifests.extend(object.map(Manifest::Object));
        self.rejections.append(&mut report.finish());
    }
}

/// A Pod without an address is somebody's wish for one, and no traffic is about it.
fn has_address(pod: &Value) -> bool {
    let status = |field: &str| pod.get("status").and_then(|status| status.get(field));
    status("podIP").or_else(|| status("podIPs")).is_some_and(|it| !it.is_null())
}

/// The JSON values at the start of a text, and what follows them. Lines count from 0.
struct LeadingJson<'a> {
    values: Vec<(usize, Value)>,
    rest: &'a str,
    rest_line: usize,
    /// Characters before the rest on its first line.
    rest_indent: usize,
}

/// YAML is a superset of JSON, but several JSON values in a row are no YAML, and reading JSON as
/// JSON is several times faster.
fn leading_json(text: &str) -> LeadingJson<'_> {
    let mut json = LeadingJson { values: Vec::new(), rest: text, rest_line: 0, rest_indent: 0 };
    if !text.trim_start().starts_with('{') {
        return json;
    }
    let newlines = |text: &str| text.matches('\n').count();
    let mut stream = serde_json::Deserializer::from_str(text).into_iter();
    let mut end = 0;
    while let Some(Ok(value)) = stream.next() {
        let read = text.get(end..stream.byte_offset()).unwrap_or_default();
        let (blank, _) = read.split_at(read.len() - read.trim_start().len());
        json.values.push((json.rest_line + newlines(blank), value));
        json.rest_line += newlines(read);
        end = stream.byte_offset();
    }
    let (read, rest) = text.split_at_checked(end).unwrap_or_default();
    json.rest = rest;
    json.rest_indent = read.rsplit('\n').next().unwrap_or_default().chars().count();
    json
}
