//! How is it told that an object of the API cannot be read?

use ingest::api::{Kind, Metadata, ObjectKey};
use model::Rejection;

use crate::event::Event;

pub(super) fn key(kind: Kind, metadata: &Metadata) -> ObjectKey {
    ObjectKey { kind, namespace: metadata.namespace.clone(), name: metadata.name.clone() }
}

/// What could be read of it last stays in force.
pub(super) fn rejected(key: &ObjectKey, reason: String) -> Event {
    let rejection = Rejection::new(key.to_origin(), String::new(), reason);
    Event::FileRejected { path: path(key), rejections: vec![rejection] }
}

pub(super) fn repaired(key: &ObjectKey) -> Event {
    Event::FileRepaired { path: path(key) }
}

fn path(key: &ObjectKey) -> std::sync::Arc<str> {
    format!("API server: {key}").into()
}
