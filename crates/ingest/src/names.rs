//! Which names do thousands of endpoints and Services share?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{Hints, Labels, NodeName, ServiceName};

use crate::api;
use crate::intern::Interned;

/// The names and hints in use, each held once.
#[derive(Debug, Default)]
pub(crate) struct Names {
    texts: Interned<str>,
    hints: Interned<Hints>,
}

impl Names {
    pub(crate) fn text(&mut self, text: &str) -> Arc<str> {
        self.texts.intern(text)
    }

    pub(crate) fn node(&mut self, name: &str) -> NodeName {
        NodeName(self.text(name))
    }

    pub(crate) fn labels(&mut self, labels: &BTreeMap<String, String>) -> Labels {
        labels.iter().map(|(label, value)| (self.text(label), self.text(value))).collect()
    }

    pub(crate) fn service(&mut self, namespace: &str, name: &str) -> ServiceName {
        ServiceName { namespace: self.text(namespace), name: self.text(name) }
    }

    /// Absent when the hints name nothing: then there is no hint.
    pub(crate) fn hints(&mut self, hints: &api::Hints) -> Option<Arc<Hints>> {
        let named = |names: &[api::ForName]| -> Vec<String> {
            names.iter().map(|hint| hint.name.clone()).filter(|name| !name.is_empty()).collect()
        };
        let zones: BTreeSet<_> =
            named(&hints.for_zones).iter().map(|zone| self.text(zone)).collect();
        let nodes: BTreeSet<_> =
            named(&hints.for_nodes).iter().map(|node| self.node(node)).collect();
        if zones.is_empty() && nodes.is_empty() {
            return None;
        }
        Some(self.hints.intern(Hints { zones, nodes }))
    }
}
