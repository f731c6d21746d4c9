//! How do the API server's bytes become objects, one by one?

use ingest::api::{Kind, ListMetadata, Metadata, Object, Status};
use ingest::protobuf;
use serde_json::value::RawValue;

use super::form::Form;

mod json;

/// On the bookmark after the last object that was there when a streaming list began.
const END_OF_LIST: &str = "k8s.io/initial-events-end";

/// An object of a list or of a watch.
#[derive(Debug)]
pub(super) enum Decoded {
    Object(Object),
    /// It has a name and cannot be read otherwise: why.
    Broken(Metadata, String),
}

/// A message of a watch.
#[derive(Debug)]
pub(super) enum Message {
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
#[derive(Debug)]
pub(super) struct Page<'a> {
    pub(super) metadata: ListMetadata,
    pub(super) items: Vec<Item<'a>>,
}

/// An object that has come and is not read yet.
#[derive(Debug, Clone, Copy)]
pub(super) enum Item<'a> {
    Json(Kind, &'a RawValue),
    Protobuf(protobuf::Item<'a>),
}

/// # Errors
/// The bytes are no message of a watch.
pub(super) fn message(form: Form, kind: Kind, bytes: &[u8]) -> Result<Message, String> {
    match form {
        Form::Json => {
            let event = json::WatchEvent::read(bytes)?;
            hear(&event.kind, || Ok(Item::Json(kind, event.object)), || json::status(event.object))
        }
        Form::Protobuf => {
            let event = protobuf::WatchEvent::read(bytes).map_err(reason)?;
            let item = || event.item(kind).map(Item::Protobuf).map_err(reason);
            hear(event.kind, item, || event.status().map_err(reason))
        }
    }
}

fn hear<'a>(
    event: &str,
    item: impl FnOnce() -> Result<Item<'a>, String>,
    status: impl FnOnce() -> Result<Status, String>,
) -> Result<Message, String> {
    match event {
        "ADDED" | "MODIFIED" => Ok(Message::Applied(item()?.decode()?)),
        "DELETED" => Ok(Message::Deleted(item()?.named()?)),
        "BOOKMARK" => {
            let metadata = item()?.named()?;
            Ok(Message::Bookmark {
                is_end_of_list: metadata.annotations.contains_key(END_OF_LIST),
                resource_version: metadata.resource_version.unwrap_or_default(),
            })
        }
        "ERROR" => Ok(Message::Error(status()?)),
        other => Err(format!("expected a type of watch event, found {other:?}")),
    }
}

/// # Errors
/// The bytes are no list. An object of which nothing is known is no empty one.
pub(super) fn page(form: Form, kind: Kind, bytes: &[u8]) -> Result<Page<'_>, String> {
    let page = match form {
        Form::Json => json::page(kind, bytes)?,
        Form::Protobuf => {
            let list = protobuf::List::read(kind, bytes).map_err(reason)?;
            let items = list.items.into_iter().map(Item::Protobuf).collect();
            Page { metadata: list.metadata, items }
        }
    };
    if page.metadata.resource_version.is_empty() {
        return Err("expected a list with a resourceVersion".to_owned());
    }
    Ok(page)
}

/// # Errors
/// The bytes are no Status.
pub(crate) fn status(form: Form, bytes: &[u8]) -> Result<Status, String> {
    match form {
        Form::Json => json::read(bytes),
        Form::Protobuf => protobuf::status(bytes).map_err(reason),
    }
}

fn reason(malformed: protobuf::Malformed) -> String {
    malformed.to_string()
}

impl Item<'_> {
    /// # Errors
    /// It has not even a name.
    pub(super) fn decode(self) -> Result<Decoded, String> {
        match self.object() {
            Ok(object) => Ok(Decoded::Object(object)),
            Err(reason) => Ok(Decoded::Broken(self.named()?, reason)),
        }
    }

    fn object(self) -> Result<Object, String> {
        match self {
            Self::Json(kind, object) => json::object(kind, object),
            Self::Protobuf(item) => item.object().map_err(reason),
        }
    }

    fn named(self) -> Result<Metadata, String> {
        let metadata = match self {
            Self::Json(_, object) => json::metadata(object)?,
            Self::Protobuf(item) => item.metadata().map_err(reason)?,
        };
        if metadata.name.is_empty() && metadata.resource_version.is_none() {
            return Err("expected an object with a name".to_owned());
        }
        Ok(metadata)
    }
}
