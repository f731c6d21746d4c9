//! How is a folder followed while it changes?

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ingest::Objects;
use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use thiserror::Error;

use crate::disk::{Disk, read_again};
use crate::event::Event;
use crate::files::{Files, Read};
use crate::settle::Settle;
use crate::walk::identity;

/// The folder is looked through so often even when the kernel says nothing: it may have missed
/// something, as on a network file system.
const LOOK_ANYWAY: Duration = Duration::from_secs(60);

/// The same while something is wrong: an unreadable file, a folder that cannot be watched.
const LOOK_TROUBLED: Duration = Duration::from_secs(2);

/// Before everything has been read once nobody acts on a part, so the first read is told in parts of
/// so many files: the objects of a large cluster are never in memory all at once.
const FIRST_FILES: usize = 64;

/// Why a folder cannot be the source of objects.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("cannot open the folder of manifests: {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the source of manifests is not a folder: {}", .0.display())]
    NotFolder(PathBuf),
}

impl OpenError {
    /// What the reader can do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } => {
                "name a folder that exists and that this user may read".to_owned()
            }
            Self::NotFolder(path) => format!(
                "put the file into a folder and name that, for example {}",
                path.parent().unwrap_or(path).display()
            ),
        }
    }
}

/// Objects from a folder of manifests.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    disk: Disk,
    files: Files,
    signal: Arc<Signal>,
}

/// Ends a running `Folder` from another thread.
#[derive(Debug, Clone)]
pub struct Stopper(Arc<Signal>);

impl Stopper {
    pub fn stop(&self) {
        self.0.lock().is_stopped = true;
        self.0.changed.notify_all();
    }
}

/// What the kernel said since the last look. It grows with the files that change, not with how
/// often they do.
#[derive(Debug, Default)]
struct Signal {
    said: Mutex<Said>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Said {
    paths: BTreeSet<PathBuf>,
    is_news: bool,
    is_stopped: bool,
}

impl Signal {
    /// A thread that broke while it held the lock has left nothing half done: all fields stand alone.
    fn lock(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, paths: impl IntoIterator<Item = PathBuf>) {
        let mut said = self.lock();
        said.paths.extend(paths);
        said.is_news = true;
        drop(said);
        self.changed.notify_all();
    }
}

/// What ended a wait.
enum Woken {
    News(BTreeSet<PathBuf>),
    InTime,
    Stopped,
}

impl Folder {
    /// Checks that there is a folder which can be listed; reads nothing of it yet.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, OpenError> {
        let root = root.into();
        let unreadable = |source| OpenError::Unreadable { path: root.clone(), source };
        if !std::fs::metadata(&root).map_err(unreadable)?.is_dir() {
            return Err(OpenError::NotFolder(root));
        }
        drop(std::fs::read_dir(&root).map_err(unreadable)?);
        Ok(Self {
            disk: Disk::new(root.clone()),
            root,
            files: Files::default(),
            signal: Arc::default(),
        })
    }

    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.signal))
    }

    /// Reads everything that is there now, once, into these.
    #[must_use]
    pub fn read_once(self, mut objects: Objects) -> Objects {
        self.run(|events| {
            let mut flow = ControlFlow::Continue(());
            for event in events {
                if event.apply_to(&mut objects).is_none() {
                    flow = ControlFlow::Break(());
                }
            }
            flow
        });
        objects
    }

    /// Follows the folder on this thread, until it is stopped or `emit` breaks. From `Synced` on,
    /// each call of `emit` is one change.
    pub fn run(mut self, mut emit: impl FnMut(Vec<Event>) -> ControlFlow<()>) {
        let mut is_synced = false;
        let mut watcher: Option<Watcher> = None;
        let mut named = BTreeSet::new();
        let mut held = BTreeMap::new();
        loop {
            // First watch, then look: what changes in between is seen twice and not missed.
            let watching = self.watch(&mut watcher);
            let look = self.disk.look(&named);
            let is_troubled = look.is_troubled || watching.is_err();
            let is_held = !held.is_empty();
            held.extend(look.reads);
            if look.is_listed {
                // The folder as a whole stands for whether it can be watched.
                let read = watching.err().map_or(Read::Gone, Read::Failed);
                held.insert(self.root.clone(), read);
            }
            let mut settle = Settle::default();
            if look.is_unsure {
                settle.note(now());
            }
            // A file that is missed may come again, or its objects in another file: one change.
            if !look.is_unsure || is_held {
                while !is_synced && held.len() > FIRST_FILES {
                    let first: BTreeMap<PathBuf, Read> =
                        (0..FIRST_FILES).filter_map(|_| held.pop_first()).collect();
                    let events = self.take(first);
                    if !events.is_empty() && emit(events).is_break() {
                        return;
                    }
                }
                let mut events = self.take(std::mem::take(&mut held));
                if look.is_listed && !is_synced {
                    is_synced = true;
                    events.push(Event::Synced);
                }
                if !events.is_empty() && emit(events).is_break() {
                    return;
                }
            }
            let anyway = now() + if is_troubled { LOOK_TROUBLED } else { LOOK_ANYWAY };
            match self.wait_until_due(settle, anyway) {
                Some(paths) => named = paths,
                None => return,
            }
        }
    }

    /// Waits until it is time to look again; gives the files that were named meanwhile, or nothing
    /// when it is stopped.
    fn wait_until_due(&self, mut settle: Settle, anyway: Instant) -> Option<BTreeSet<PathBuf>> {
        let mut named = BTreeSet::new();
        loop {
            let due = settle.due().map_or(anyway, |due| due.min(anyway));
            match self.wait(due) {
                Woken::Stopped => return None,
                Woken::InTime => return Some(named),
                Woken::News(paths) => {
                    named.extend(paths);
                    settle.note(now());
                }
            }
        }
    }

    /// Makes one change of all that was read.
    fn take(&mut self, reads: BTreeMap<PathBuf, Read>) -> Vec<Event> {
        let mut taken = self.files.take(reads.into_iter().collect());
        let mut events = std::mem::take(&mut taken.events);
        while !taken.read_again.is_empty() {
            let reads = taken.read_again.into_iter().map(read_again).collect();
            taken = self.files.take(reads);
            events.append(&mut taken.events);
        }
        events
    }

    /// Keeps the kernel telling us, also when the path leads to another folder than before.
    fn watch(&self, watcher: &mut Option<Watcher>) -> Result<(), String> {
        let identity = identity(&self.root).map_err(|error| error.to_string())?;
        if watcher.as_ref().is_some_and(|watcher| watcher.identity == identity) {
            return Ok(());
        }
        *watcher = None;
        let notify = watch(&self.root, Arc::clone(&self.signal)).map_err(|error| {
            let every_s = LOOK_TROUBLED.as_secs();
            format!("cannot watch the folder, so it is looked through every {every_s} s: {error}")
        })?;
        *watcher = Some(Watcher { identity, _notify: notify });
        Ok(())
    }

    fn wait(&self, due: Instant) -> Woken {
        let mut said = self.signal.lock();
        loop {
            if said.is_stopped {
                return Woken::Stopped;
            }
            if said.is_news {
                said.is_news = false;
                return Woken::News(std::mem::take(&mut said.paths));
            }
            let left = due.saturating_duration_since(now());
            if left.is_zero() {
                return Woken::InTime;
            }
            said = self
                .signal
                .changed
                .wait_timeout(said, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

/// Alive for as long as the kernel shall tell us.
struct Watcher {
    identity: (u64, u64),
    _notify: RecommendedWatcher,
}

fn watch(root: &Path, signal: Arc<Signal>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        match event {
            Ok(event) if is_change(event.kind) => signal.say(event.paths),
            // Our own reading is told too.
            Ok(_) => {}
            // The kernel's queue ran over, or a folder went: then everything is looked at.
            Err(_) => signal.say([]),
        }
    })?;
    watcher.watch(root, RecursiveMode::Recursive)?;
    Ok(watcher)
}

fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => true,
    }
}

#[expect(clippy::disallowed_methods, reason = "following a folder is waiting in real time")]
fn now() -> Instant {
    Instant::now()
}
