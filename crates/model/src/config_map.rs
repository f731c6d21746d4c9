//! What is a ConfigMap? Only those that say how the cluster DNS works are in the table.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A ConfigMap's namespace and name. Sorted by namespace, then by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigMapName {
    pub namespace: Arc<str>,
    pub name: Arc<str>,
}

impl ConfigMapName {
    pub fn new(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for ConfigMapName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The texts of a ConfigMap, by key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigMap {
    pub name: ConfigMapName,
    pub data: BTreeMap<Arc<str>, Arc<str>>,
}
