//! How do the API server's bytes become objects, one by one?

use std::borrow::Cow;

use ingest::api::{Kind, Metadata, Object};
use serde::Deserialize;
use serde_json::value::RawValue;

/// On the bookmark after the last object that was there when a streaming list began.
const END_OF_LIST: &str = "k8s.io/initial-events-end";

/// An object of a list or of a watch.
#[derive(Debug)]
pub(super) enum Decoded {
    Object(Object),
    /// It has a name and cannot be read otherwise: why.
    Broken(Metadata, String),
}

/// A line of a watch.
#[derive(Debug)]
pub(super) enum Line {
    Applied(Decoded),
    Deleted(Metadata),
    /// All changes up to this version have been told.
    Bookmark {
        resource_version: String,
        is_end_of_list: bool,
    },
    Error(Status),
}

/// A page of a list, whose objects are not read yet.
#[derive(Debug, Deserialize)]
pub(super) struct Page<'a> {
    #[serde(default)]
    pub(super) metadata: ListMetadata,
    #[serde(borrow, default)]
    pub(super) items: Option<Vec<&'a RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ListMetadata {
    pub(super) resource_version: String,
    #[serde(rename = "continue")]
    pub(super) next: Option<String>,
}

/// Why the server does not do what was asked: its answer, or a line of a watch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    pub(crate) code: u16,
    pub(crate) reason: String,
    pub(crate) message: String,
}

#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    object: &'a RawValue,
}

/// What every object has.
#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    metadata: Metadata,
}

/// # Errors
/// The bytes are no line of a watch.
pub(super) fn line(kind: Kind, bytes: &[u8]) -> Result<Line, String> {
    let typed: Typed<'_> = read(bytes)?;
    let object = typed.object.get();
    match &*typed.kind {
        "ADDED" | "MODIFIED" => Ok(Line::Applied(decode(kind, object)?)),
        "DELETED" => Ok(Line::Deleted(named(object)?)),
        "BOOKMARK" => {
            let metadata = named(object)?;
            Ok(Line::Bookmark {
                is_end_of_list: metadata.annotations.contains_key(END_OF_LIST),
                resource_version: metadata.resource_version.unwrap_or_default(),
            })
        }
        "ERROR" => Ok(Line::Error(read(object.as_bytes())?)),
        other => Err(format!("expected a type of watch event, found {other:?}")),
    }
}

/// # Errors
/// The bytes are no list.
pub(super) fn page(bytes: &[u8]) -> Result<Page<'_>, String> {
    read(bytes)
}

/// # Errors
/// It has not even a name.
pub(super) fn decode(kind: Kind, json: &str) -> Result<Decoded, String> {
    match object(kind, json) {
        Ok(object) => Ok(Decoded::Object(object)),
        Err(error) => Ok(Decoded::Broken(named(json)?, error.to_string())),
    }
}

fn object(kind: Kind, json: &str) -> serde_json::Result<Object> {
    Ok(match kind {
        Kind::Service => Object::Service(serde_json::from_str(json)?),
        Kind::EndpointSlice => Object::EndpointSlice(serde_json::from_str(json)?),
        Kind::Node => Object::Node(serde_json::from_str(json)?),
        Kind::ServiceCidr => Object::ServiceCidr(serde_json::from_str(json)?),
        Kind::Pod => Object::Pod(serde_json::from_str(json)?),
        Kind::Namespace => Object::Namespace(serde_json::from_str(json)?),
        Kind::ServiceImport => Object::ServiceImport(serde_json::from_str(json)?),
        Kind::ConfigMap => Object::ConfigMap(serde_json::from_str(json)?),
        Kind::AddressPool => Object::AddressPool(serde_json::from_str(json)?),
        Kind::IpAddressPool => Object::IpAddressPool(serde_json::from_str(json)?),
        Kind::L2Advertisement => Object::L2Advertisement(serde_json::from_str(json)?),
    })
}

fn named(json: &str) -> Result<Metadata, String> {
    let named: Named = read(json.as_bytes())?;
    if named.metadata.name.is_empty() && named.metadata.resource_version.is_none() {
        return Err("expected an object with a name".to_owned());
    }
    Ok(named.metadata)
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}
