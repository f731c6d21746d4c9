//! What has this node told of itself, and what has changed since somebody was told?

use std::collections::BTreeMap;
use std::net::IpAddr;

use model::{Mac, NodeName};

use crate::hello::{Change, HELLO_BYTES_MAX, Standing};

/// What a hello takes without changes.
const HELLO_BYTES_FIXED: usize = 88;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Mac(Mac),
    Peer(NodeName),
    Vip(IpAddr),
}

/// The last word on each thing, with the version that brought it.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    version: u64,
    entries: BTreeMap<Key, (Change, u64)>,
    by_version: BTreeMap<u64, Key>,
    /// The newest version that was forgotten.
    forgotten: u64,
}

impl Journal {
    pub(crate) const fn version(&self) -> u64 {
        self.version
    }

    pub(crate) const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Whether that was news.
    pub(crate) fn tell(&mut self, change: Change) -> bool {
        let key = key(&change);
        let known = self.entries.get(&key);
        let is_news = match known {
            Some((known, _)) => *known != change,
            None => !is_default(&change),
        };
        if is_news {
            if let Some((_, version)) = known {
                self.by_version.remove(version);
            }
            self.version += 1;
            self.by_version.insert(self.version, key.clone());
            self.entries.insert(key, (change, self.version));
        }
        is_news
    }

    /// As much of what changed after a version as one hello takes, and the version that it leads to.
    pub(crate) fn since(&self, version: u64) -> (Vec<Change>, u64) {
        let mut changes = Vec::new();
        let mut left = HELLO_BYTES_MAX - HELLO_BYTES_FIXED;
        let mut to = version;
        for (version, key) in self.by_version.range(version + 1..) {
            let Some((change, _)) = self.entries.get(key) else { continue };
            let Some(rest) = left.checked_sub(change.length()) else { return (changes, to) };
            left = rest;
            to = *version;
            changes.push(change.clone());
        }
        (changes, self.version)
    }

    /// Forgets what is as if it had never been told, once all that are there know this version. Whoever
    /// comes back and knows less is told so.
    pub(crate) fn forget_known(&mut self, version: u64) {
        let known: Vec<u64> = self.by_version.range(..=version).map(|(known, _)| *known).collect();
        for known in known {
            let Some(key) = self.by_version.get(&known) else { continue };
            if self.entries.get(key).is_some_and(|(change, _)| is_default(change)) {
                self.entries.remove(key);
                self.by_version.remove(&known);
                self.forgotten = self.forgotten.max(known);
            }
        }
    }
}

fn key(change: &Change) -> Key {
    match change {
        Change::Vip { address, .. } => Key::Vip(*address),
        Change::Peer { node, .. } => Key::Peer(node.clone()),
        Change::Mac { mac, .. } => Key::Mac(*mac),
    }
}

fn is_default(change: &Change) -> bool {
    match change {
        Change::Vip { standing, .. } => *standing == Standing::Standby,
        Change::Peer { is_up, .. } => is_up.is_none(),
        Change::Mac { is_own, .. } => !is_own,
    }
}
