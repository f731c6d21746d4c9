//! What does a source of objects say?

use std::sync::Arc;

use ingest::api::{Object, ObjectKey};
use ingest::{Objects, Touched};
use model::Rejection;

/// One statement of a source. Statements come in batches. Up to `Synced` they are parts of what was
/// there at the start; from then on a batch is one change of the world, and whoever acts on it acts
/// on the whole of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The object is new, or is now so.
    Applied(Box<Object>),
    Deleted(ObjectKey),
    /// Parts of the file cannot be used; the list replaces what was said of the file before. What
    /// could be read from it last stays in force.
    FileRejected {
        path: Arc<str>,
        rejections: Vec<Rejection>,
    },
    /// Nothing of the file is rejected any more; also when it is gone.
    FileRepaired {
        path: Arc<str>,
    },
    /// Everything that was there at the start has been said. Comes once, at the end of a batch.
    Synced,
}

impl Event {
    /// Lets `objects` know it; gives what it touches. `None` for `Synced`, which is about no object.
    pub fn apply_to(self, objects: &mut Objects) -> Option<Touched> {
        match self {
            Self::Applied(object) => return Some(objects.apply(*object)),
            Self::Deleted(key) => return Some(objects.delete(&key)),
            Self::FileRejected { path, rejections } => {
                objects.set_file_rejections(&path, rejections);
            }
            Self::FileRepaired { path } => objects.set_file_rejections(&path, Vec::new()),
            Self::Synced => return None,
        }
        Some(Touched::default())
    }
}
