//! Which Namespace object does a line mean?

use std::collections::BTreeMap;

use ingest::api::{self, Metadata, Object};

/// Only those that lines name are objects; a namespace is there too where something is in it.
pub(super) fn namespace(name: &str, labels: &BTreeMap<String, String>) -> Object {
    let metadata =
        Metadata { name: name.to_owned(), labels: labels.clone(), ..Metadata::default() };
    Object::Namespace(api::Namespace { metadata })
}
