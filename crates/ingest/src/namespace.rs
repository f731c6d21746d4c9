//! How does a Namespace object become a Namespace?

use model::Namespace;

use crate::api;
use crate::names::Names;

/// Nothing in it can be wrong: labels are texts of any kind here.
pub(crate) fn read(object: &api::Namespace, names: &mut Names) -> Namespace {
    let metadata = &object.metadata;
    let labels = metadata.labels.iter();
    Namespace {
        name: names.text(&metadata.name),
        labels: labels.map(|(label, value)| (names.text(label), names.text(value))).collect(),
    }
}
