//! Which objects have been told, in which version, and which of them does a new list no longer have?

use std::collections::BTreeMap;

use ingest::api::{Kind, Metadata, ObjectKey};

use super::fnv::fnv;

/// The objects of one collection that are in force: what they are called, and a number that stands
/// for the version. So a new list is compared object by object, and no second copy is ever held.
#[derive(Debug, Default)]
pub(super) struct Known {
    objects: BTreeMap<Box<str>, Told>,
    /// Counts the lists that were begun.
    list: u32,
}

#[derive(Debug, Clone, Copy)]
struct Told {
    version: u64,
    /// The list that has it last.
    list: u32,
    /// What it is now could not be read; what it was stays in force.
    is_rejected: bool,
    /// The version is another cluster's: it says nothing, though it may be the same number.
    is_foreign: bool,
}

impl Told {
    const fn is(self, version: u64) -> bool {
        self.version == version && !self.is_foreign
    }
}

/// What an object that came in is to those who know the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// It is new, or another than before.
    Changed {
        was_rejected: bool,
    },
    Same,
}

impl Known {
    pub(super) fn begin_list(&mut self) {
        self.list = self.list.wrapping_add(1);
    }

    /// From now on versions are another cluster's: whatever comes is news.
    pub(super) fn forget_versions(&mut self) {
        for told in self.objects.values_mut() {
            told.is_foreign = true;
        }
    }

    /// An object as it is now.
    pub(super) fn see(&mut self, metadata: &Metadata) -> News {
        let version = version(metadata);
        let told = Told { version, list: self.list, is_rejected: false, is_foreign: false };
        let key = key(metadata);
        match self.objects.get_mut(key.as_str()) {
            Some(known) => {
                let old = std::mem::replace(known, told);
                if old.is(version) && !old.is_rejected {
                    News::Same
                } else {
                    News::Changed { was_rejected: old.is_rejected }
                }
            }
            None => {
                self.objects.insert(key.into(), told);
                News::Changed { was_rejected: false }
            }
        }
    }

    /// An object that is there and cannot be read. True when that is news.
    pub(super) fn reject(&mut self, metadata: &Metadata) -> bool {
        let (version, list) = (version(metadata), self.list);
        let told = Told { version, list, is_rejected: true, is_foreign: false };
        let old = self.objects.insert(key(metadata).into(), told);
        old.is_none_or(|old| !old.is(version) || !old.is_rejected)
    }

    /// Whether it was known, and if so, whether it was rejected.
    pub(super) fn remove(&mut self, metadata: &Metadata) -> Option<bool> {
        self.objects.remove(key(metadata).as_str()).map(|told| told.is_rejected)
    }

    /// Forgets what the list that has now ended did not have; gives it, with whether it was rejected.
    pub(super) fn sweep(&mut self, kind: Kind) -> Vec<(ObjectKey, bool)> {
        let mut gone = Vec::new();
        let list = self.list;
        self.objects.retain(|key, told| {
            if told.list != list {
                gone.push((object_key(kind, key), told.is_rejected));
            }
            told.list == list
        });
        gone
    }

    pub(super) fn has(&self, namespace: &str, name: &str) -> bool {
        self.objects.contains_key(format!("{namespace}/{name}").as_str())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.objects.len()
    }
}

/// Namespaces have no slash in their names.
fn key(metadata: &Metadata) -> String {
    format!("{}/{}", metadata.namespace, metadata.name)
}

fn object_key(kind: Kind, key: &str) -> ObjectKey {
    let (namespace, name) = key.split_once('/').unwrap_or(("", key));
    ObjectKey { kind, namespace: namespace.to_owned(), name: name.to_owned() }
}

/// Versions are numbers, and only compared for being the same. Should a server have other ones, a
/// hash stands for them.
fn version(metadata: &Metadata) -> u64 {
    let text = metadata.resource_version.as_deref().unwrap_or_default();
    text.parse().unwrap_or_else(|_number_expected| fnv(text.bytes()))
}
