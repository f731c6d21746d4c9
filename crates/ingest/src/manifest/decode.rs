//! Which parts of a written object can be used, and what of it was misspelt?

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::schema::{self, Shape};
use super::spelling::nearest;
use crate::api::{EndpointSlice, Kind, Object, ObjectKey};
use crate::report::{Report, quoted};

/// The object, without the parts that are rejected.
pub(super) fn decode(mut value: Value, key: ObjectKey, report: &mut Report) -> Option<Object> {
    prune(&mut value, schema::of(key.kind), "", report);
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("namespace".to_owned(), key.namespace.into());
    }
    match key.kind {
        Kind::Service => typed(value, report).map(Box::new).map(Object::Service),
        Kind::EndpointSlice => typed(value, report).map(with_defaults).map(Object::EndpointSlice),
        Kind::Node => typed(value, report).map(Object::Node),
        Kind::ServiceCidr => typed(value, report).map(Object::ServiceCidr),
        Kind::Pod => typed(value, report).map(Object::Pod),
        Kind::Namespace => typed(value, report).map(Object::Namespace),
        Kind::ServiceImport => typed(value, report).map(Object::ServiceImport),
        Kind::ConfigMap => typed(value, report).map(Object::ConfigMap),
        Kind::AddressPool => typed(value, report).map(Object::AddressPool),
        Kind::IpAddressPool => typed(value, report).map(Object::IpAddressPool),
        Kind::L2Advertisement => typed(value, report).map(Object::L2Advertisement),
    }
}

fn typed<T: DeserializeOwned>(value: Value, report: &mut Report) -> Option<T> {
    report.accept(serde_json::from_value(value), String::new)
}

/// The API server gives a port that has no name the empty one.
fn with_defaults(mut slice: EndpointSlice) -> EndpointSlice {
    for port in &mut slice.ports {
        port.name.get_or_insert_default();
    }
    slice
}

/// Rejects what does not fit the shape. A wrong value becomes null, so that the items of a list keep
/// their indices; a field that is not known is only told of.
fn prune(value: &mut Value, shape: Shape, path: &str, report: &mut Report) {
    match (shape, &mut *value) {
        (Shape::Any, _)
        | (_, Value::Null)
        | (Shape::Text, Value::String(_))
        | (Shape::Number, Value::Number(_) | Value::String(_))
        | (Shape::Flag, Value::Bool(_)) => {}
        (Shape::List(shape), Value::Array(items)) => {
            for (index, item) in items.iter_mut().enumerate() {
                prune(item, *shape, &format!("{path}[{index}]"), report);
            }
        }
        (Shape::Texts, Value::Object(entries)) => {
            entries.retain(|name, value| {
                if value.is_null() {
                    *value = Value::String(String::new());
                }
                let is_text = value.is_string();
                if !is_text {
                    report.reject(format!("{path}[{}]", cut(name)), mismatch("text", value));
                }
                is_text
            });
        }
        (Shape::Struct(fields), Value::Object(entries)) => {
            for (name, value) in entries {
                let path =
                    if path.is_empty() { cut(name) } else { format!("{path}.{}", cut(name)) };
                match fields.iter().find(|(field, _)| field == name) {
                    Some((_, shape)) => prune(value, *shape, &path, report),
                    None => report.reject_with(path, || unknown(name, fields)),
                }
            }
        }
        (Shape::Part(fields), Value::Object(entries)) => {
            for (field, shape) in fields {
                if let Some(value) = entries.get_mut(*field) {
                    prune(value, *shape, &format!("{path}.{field}"), report);
                }
            }
        }
        (shape, value) => {
            report.reject(path, mismatch(expected(shape), value));
            *value = Value::Null;
        }
    }
}

const fn expected(shape: Shape) -> &'static str {
    match shape {
        Shape::Text => "text",
        Shape::Number => "a number",
        Shape::Flag => "true or false",
        Shape::Texts => "names with texts",
        Shape::List(_) => "a list",
        Shape::Struct(_) | Shape::Part(_) => "fields",
        Shape::Any => "anything",
    }
}

fn mismatch(expected: &str, found: &Value) -> String {
    match found {
        Value::Null => format!("expected {expected}, found nothing"),
        Value::Bool(_) | Value::Number(_) if expected == "text" => {
            format!("expected text, found {found}; write it in quotes")
        }
        Value::Bool(_) | Value::Number(_) => format!("expected {expected}, found {found}"),
        Value::String(text) => format!("expected {expected}, found the text {}", quoted(text)),
        Value::Array(_) => format!("expected {expected}, found a list"),
        Value::Object(_) => format!("expected {expected}, found fields"),
    }
}

fn unknown(name: &str, fields: &[(&str, Shape)]) -> String {
    match nearest(name, fields.iter().map(|(field, _)| *field)) {
        Some(field) => format!("unknown field, ignored; did you mean {field}?"),
        None => "unknown field, ignored".to_owned(),
    }
}

/// A name in a path: as it is when it looks like one, else in quotes.
fn cut(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '-' | '_');
    if name.len() <= 64 && name.chars().all(is_plain) { name.to_owned() } else { quoted(name) }
}
