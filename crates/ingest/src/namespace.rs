//! How does a Namespace object become a Namespace?

use model::Namespace;

use crate::api;
use crate::names::Names;

/// Nothing in it can be wrong: labels are texts of any kind here.
pub(crate) fn read(object: &api::Namespace, names: &mut Names) -> Namespace {
    let metadata = &object.metadata;
    Namespace { name: names.text(&metadata.name), labels: names.labels(&metadata.labels) }
}
