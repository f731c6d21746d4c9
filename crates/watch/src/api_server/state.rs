//! What is told of the connection to an API server: since when it is good or not, and why?

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// A cheap look at a running source, for all who show it.
#[derive(Debug, Clone, Default)]
pub struct ApiServerStatus(Arc<Mutex<ApiServerState>>);

/// One moment of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiServerState {
    /// What the server says that it is, such as `v1.34.2`.
    pub version: Option<String>,
    /// Since when the server cannot be reached or used at all, and why.
    pub away: Option<Trouble>,
    /// Why the version is not one that this was tried with.
    pub unknown_version: Option<String>,
    /// That there is no Node of the name that this program was given.
    pub missing_node: Option<String>,
    pub collections: Vec<CollectionState>,
}

/// What is wrong, in words, and since when it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub since: SystemTime,
    pub reason: String,
}

/// One kind of object, or one object where only that is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollectionState {
    /// `services`, or `configmaps/coredns`.
    pub name: String,
    /// All objects have been told once.
    pub is_read: bool,
    /// The API has no such kind, and need not.
    pub is_absent: bool,
    pub objects: usize,
    /// The resource version up to which changes were told, where it is a number; else 0.
    pub revision: u64,
    /// Set while changes are not heard of.
    pub trouble: Option<Trouble>,
    pub counts: Counts,
}

/// Since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lists that were begun, as pages or as a stream.
    pub lists: u64,
    pub watches: u64,
    /// Objects that were new, changed or deleted.
    pub changes: u64,
    /// Of the answers' bodies.
    pub bytes: u64,
    /// Failures by kind.
    pub failures: BTreeMap<&'static str, u64>,
}

impl ApiServerStatus {
    #[must_use]
    pub fn state(&self) -> ApiServerState {
        self.lock().clone()
    }

    /// Up to which resource version something was told, of any collection: the larger one is the newer for all
    /// who read from one API server.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.lock().collections.iter().map(|it| it.revision).max().unwrap_or(0)
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut ApiServerState)) {
        change(&mut self.lock());
    }

    /// Gives whether the reason is another than before.
    pub(super) fn set_away(&self, reason: Option<String>, now: SystemTime) -> bool {
        set(&mut self.lock().away, reason, now)
    }

    /// Tells once that there is no such Node, and that there is one after all.
    pub(super) fn note_node(&self, name: &str, is_there: bool) {
        let warning = (!is_there).then(|| {
            format!(
                "there is no Node of this name: {name}\nhint: --node-name must be the name of a \
                 Node object; kubectl get nodes lists them"
            )
        });
        let mut state = self.lock();
        let is_news = state.missing_node != warning;
        state.missing_node.clone_from(&warning);
        drop(state);
        match warning {
            Some(warning) if is_news => tracing::warn!("{warning}"),
            None if is_news => tracing::info!(name, "the Node is there"),
            Some(_) | None => {}
        }
    }

    pub(super) fn change_collection<T: Default>(
        &self,
        index: usize,
        change: impl FnOnce(&mut CollectionState) -> T,
    ) -> T {
        self.lock().collections.get_mut(index).map(change).unwrap_or_default()
    }

    /// Whoever broke while he held the lock has left nothing half done: all fields stand alone.
    fn lock(&self) -> MutexGuard<'_, ApiServerState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ApiServerState {
    /// What a person should know though everything goes on.
    pub fn warnings(&self) -> impl Iterator<Item = &str> {
        [&self.unknown_version, &self.missing_node].into_iter().filter_map(|it| it.as_deref())
    }

    /// Since when some change in the cluster may not have been heard of, and why.
    #[must_use]
    pub fn trouble(&self) -> Option<&Trouble> {
        let troubles = self.collections.iter().filter_map(|it| it.trouble.as_ref());
        self.away.iter().chain(troubles).min_by_key(|trouble| trouble.since)
    }
}

impl CollectionState {
    /// Gives whether the reason is another than before.
    pub(super) fn set_trouble(&mut self, reason: Option<String>, now: SystemTime) -> bool {
        set(&mut self.trouble, reason, now)
    }
}

/// The time stays that of the first failure in a row.
fn set(trouble: &mut Option<Trouble>, reason: Option<String>, now: SystemTime) -> bool {
    let old = trouble.take();
    let is_news = old.as_ref().map(|old| &old.reason) != reason.as_ref();
    let since = old.map_or(now, |old| old.since);
    *trouble = reason.map(|reason| Trouble { since, reason });
    is_news
}
