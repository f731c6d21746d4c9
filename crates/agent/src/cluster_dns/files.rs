//! What do the files of a DNS's configuration say now?

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use dns::follow::{Configured, Follower};

/// Files that were read, and when they were changed last.
#[derive(Debug, Default)]
pub(super) struct Files {
    seen: BTreeMap<Arc<str>, Seen>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Read { modified: Option<SystemTime>, len: u64 },
    Failed(io::ErrorKind),
}

impl Files {
    /// Reads what has changed, and what is wanted from then on. A file that cannot be read keeps its
    /// last text.
    pub(super) fn read_all(&mut self, follower: &mut Follower) -> Option<Configured> {
        let mut configured = None;
        // What a Corefile says may want further files, but those want none.
        for _ in 0..2 {
            let texts = self.read(follower.files());
            configured = follower.set_files(texts).or(configured);
        }
        configured
    }

    fn read(&mut self, wanted: &[Arc<str>]) -> BTreeMap<Arc<str>, String> {
        let mut texts = BTreeMap::new();
        for path in wanted {
            let now = look(path);
            if self.seen.get(path) == Some(&now) {
                continue;
            }
            match (&now, fs::read(&**path)) {
                (Seen::Read { .. }, Ok(text)) => {
                    texts.insert(Arc::clone(path), String::from_utf8_lossy(&text).into_owned());
                }
                (_, Err(error)) => tracing::warn!(%error, %path, "cannot read the file"),
                (Seen::Failed(error), Ok(_)) => tracing::debug!(%error, %path, "it is back"),
            }
            self.seen.insert(Arc::clone(path), now);
        }
        texts
    }
}

fn look(path: &str) -> Seen {
    match fs::metadata(path) {
        Ok(found) => Seen::Read { modified: found.modified().ok(), len: found.len() },
        Err(error) => Seen::Failed(error.kind()),
    }
}
