//! What is rejected now, over all objects?

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Object, Rejection, ServiceName};

/// What has to change for rejections to go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    File(Arc<str>),
    /// The object by itself.
    Object(Object),
    /// A Service together with its slices.
    Endpoints(ServiceName),
}

/// All rejections, by what has to change for them to go.
#[derive(Debug, Default)]
pub(crate) struct Rejected {
    by_source: BTreeMap<Source, Vec<Rejection>>,
    is_changed: bool,
}

impl Rejected {
    /// Replaces what was wrong with a source.
    pub(crate) fn set(&mut self, source: Source, rejections: Vec<Rejection>) {
        if rejections.is_empty() {
            self.is_changed |= self.by_source.remove(&source).is_some();
        } else if self.by_source.get(&source) != Some(&rejections) {
            self.by_source.insert(source, rejections);
            self.is_changed = true;
        }
    }

    /// The sorted list, if it differs from the one of the last call.
    pub(crate) fn take_changed(&mut self) -> Option<Arc<[Rejection]>> {
        if !std::mem::take(&mut self.is_changed) {
            return None;
        }
        let mut list: Vec<Rejection> = self.by_source.values().flatten().cloned().collect();
        list.sort();
        list.dedup();
        Some(list.into())
    }
}
