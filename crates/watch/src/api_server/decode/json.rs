//! How is JSON read as far as it tells what is inside?

use std::borrow::Cow;

use ingest::api::{Kind, ListMetadata, Metadata, Object, Status};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Item, Page};

#[derive(Debug, Deserialize)]
pub(super) struct WatchEvent<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) object: &'a RawValue,
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(default)]
    metadata: ListMetadata,
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

/// What every object has.
#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    metadata: Metadata,
}

impl<'a> WatchEvent<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        read(bytes)
    }
}

pub(super) fn page(kind: Kind, bytes: &[u8]) -> Result<Page<'_>, String> {
    let List { metadata, items } = read(bytes)?;
    let items = items.unwrap_or_default().into_iter().map(|it| Item::Json(kind, it)).collect();
    Ok(Page { metadata, items })
}

pub(super) fn status(object: &RawValue) -> Result<Status, String> {
    read(object.get().as_bytes())
}

pub(super) fn metadata(object: &RawValue) -> Result<Metadata, String> {
    let Named { metadata } = read(object.get().as_bytes())?;
    Ok(metadata)
}

pub(super) fn object(kind: Kind, object: &RawValue) -> Result<Object, String> {
    fn typed<'a, T: Deserialize<'a>>(object: &'a RawValue) -> Result<T, String> {
        serde_json::from_str(object.get()).map_err(|error| error.to_string())
    }
    Ok(match kind {
        Kind::Service => Object::Service(typed(object)?),
        Kind::EndpointSlice => Object::EndpointSlice(typed(object)?),
        Kind::Node => Object::Node(typed(object)?),
        Kind::ServiceCidr => Object::ServiceCidr(typed(object)?),
        Kind::Pod => Object::Pod(typed(object)?),
        Kind::Namespace => Object::Namespace(typed(object)?),
        Kind::ServiceImport => Object::ServiceImport(typed(object)?),
        Kind::ConfigMap => Object::ConfigMap(typed(object)?),
        Kind::AddressPool => Object::AddressPool(typed(object)?),
        Kind::IpAddressPool => Object::IpAddressPool(typed(object)?),
        Kind::L2Advertisement => Object::L2Advertisement(typed(object)?),
    })
}

pub(super) fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}
