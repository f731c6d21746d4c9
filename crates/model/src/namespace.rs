//! What is a Namespace, as far as its name and labels go?

use std::collections::BTreeMap;
use std::sync::Arc;

/// A Namespace object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    pub name: Arc<str>,
    pub labels: BTreeMap<Arc<str>, Arc<str>>,
}
