//! What do the files say together, and what changes when some of them are read again?

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ingest::api::{Object, ObjectKey};
use ingest::manifest::{Manifest, parse};
use model::Rejection;

use crate::event::Event;

/// What became of reading one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Read {
    Text(String),
    /// The file is not there: its folder could be read and does not name it.
    Gone,
    /// Why it cannot be read now. What was last read of it stays in force.
    Failed(String),
}

/// What all files hold. Objects are not kept, only their keys and prints: whoever gets the events
/// has what matters of them, and a second copy would double the memory of a large cluster.
#[derive(Debug, Default)]
pub(crate) struct Files {
    files: BTreeMap<PathBuf, File>,
    /// Which files hold an object, sorted; the first of them counts. Nearly always one.
    holders: BTreeMap<Key, Vec<Arc<Path>>>,
    announced: BTreeMap<Key, Print>,
    told: BTreeMap<PathBuf, Vec<Rejection>>,
}

/// One copy of each key for all maps: with many objects, keys are most of what is kept.
type Key = Arc<ObjectKey>;

#[derive(Debug, Default)]
struct File {
    objects: BTreeMap<Key, Print>,
    /// Of reading it; that others hold its objects too is not among them.
    rejections: Vec<Rejection>,
}

/// What a batch of reads changes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) events: Vec<Event>,
    /// Files that now count for an object, because another file no longer has it. Until they are
    /// read again, the object stays as it is.
    pub(crate) read_again: Vec<PathBuf>,
}

/// Stands for an object's whole content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Print(u64);

impl Print {
    fn of(object: &Object) -> Self {
        struct Feed(DefaultHasher);
        impl io::Write for Feed {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.write(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut feed = Feed(DefaultHasher::new());
        serde_json::to_writer(&mut feed, object)
            .expect("objects are plain values with text keys, and a hasher takes every byte");
        Self(feed.0.finish())
    }
}

impl Files {
    /// Takes what was read as one change: an object that moves from one file to another is there
    /// all the time.
    pub(crate) fn take(&mut self, reads: Vec<(PathBuf, Read)>) -> Taken {
        let mut fresh = BTreeMap::new();
        let mut keys = BTreeSet::new();
        let mut paths = BTreeSet::new();
        for (path, read) in reads {
            self.take_one(&path, read, &mut keys, &mut fresh);
            paths.insert(path);
        }
        let mut taken = Taken::default();
        for key in &keys {
            self.announce(key, &paths, &mut fresh, &mut taken);
        }
        for key in &keys {
            let holders = self.holders.get(key).into_iter().flatten();
            paths.extend(holders.map(|holder| holder.to_path_buf()));
        }
        taken.events.extend(paths.into_iter().filter_map(|path| self.tell(path)));
        taken.read_again.sort();
        taken.read_again.dedup();
        taken
    }

    fn take_one(
        &mut self,
        path: &Path,
        read: Read,
        keys: &mut BTreeSet<Key>,
        fresh: &mut BTreeMap<(Key, PathBuf), Object>,
    ) {
        let known = self.files.remove(path).unwrap_or_default();
        for key in known.objects.keys() {
            keys.insert(Arc::clone(key));
            self.release(key, path);
        }
        let file = match read {
            Read::Gone => return,
            Read::Failed(reason) => {
                File { rejections: vec![Rejection::new(origin(path), "content", reason)], ..known }
            }
            Read::Text(text) if text.trim().is_empty() && !known.objects.is_empty() => File {
                rejections: vec![Rejection::new(
                    origin(path),
                    "content",
                    "the file is empty, and what it held stays in force; \
                     remove the file to remove its objects",
                )],
                ..known
            },
            Read::Text(text) => read_text(path, &text, known, fresh),
        };
        let shared: Arc<Path> = path.into();
        for key in file.objects.keys() {
            keys.insert(Arc::clone(key));
            let holders = self.holders.entry(Arc::clone(key)).or_default();
            if let Err(at) = holders.binary_search(&shared) {
                holders.insert(at, Arc::clone(&shared));
            }
        }
        self.files.insert(path.to_owned(), file);
    }

    fn release(&mut self, key: &ObjectKey, path: &Path) {
        if let Some(holders) = self.holders.get_mut(key) {
            holders.retain(|holder| **holder != *path);
            if holders.is_empty() {
                self.holders.remove(key);
            }
        }
    }

    /// Says what has become of an object, if it has become something else.
    fn announce(
        &mut self,
        key: &Key,
        paths: &BTreeSet<PathBuf>,
        fresh: &mut BTreeMap<(Key, PathBuf), Object>,
        taken: &mut Taken,
    ) {
        let Some(path) = self.holders.get(key).and_then(|holders| holders.first()) else {
            if self.announced.remove(key).is_some() {
                taken.events.push(Event::Deleted(ObjectKey::clone(key)));
            }
            return;
        };
        let print = self.files.get(&**path).and_then(|file| file.objects.get(key)).copied();
        if print == self.announced.get(key).copied() {
            return;
        }
        match fresh.remove(&(Arc::clone(key), path.to_path_buf())) {
            Some(object) => {
                self.announced.insert(Arc::clone(key), Print::of(&object));
                taken.events.push(Event::Applied(Box::new(object)));
            }
            // It cannot be read just now; the next read that succeeds comes here again.
            None if paths.contains(&**path) => {}
            None => taken.read_again.push(path.to_path_buf()),
        }
    }

    /// Says what is wrong with a file, if that is news.
    fn tell(&mut self, path: PathBuf) -> Option<Event> {
        let rejections = self.rejections(&path);
        let is_news =
            self.told.get(&path).map_or(!rejections.is_empty(), |told| *told != rejections);
        if !is_news {
            return None;
        }
        let name = path.to_string_lossy().as_ref().into();
        if rejections.is_empty() {
            self.told.remove(&path);
            return Some(Event::FileRepaired { path: name });
        }
        self.told.insert(path, rejections.clone());
        Some(Event::FileRejected { path: name, rejections })
    }

    fn rejections(&self, path: &Path) -> Vec<Rejection> {
        let Some(file) = self.files.get(path) else { return Vec::new() };
        let doubles = file.objects.keys().filter_map(|key| {
            let first = self.holders.get(key)?.first()?;
            (**first != *path).then(|| {
                let reason = format!(
                    "the object stands in {} too, and that counts; remove one of the two",
                    first.display()
                );
                Rejection::new(key.to_origin(), "metadata.name", reason)
            })
        });
        file.rejections.iter().cloned().chain(doubles).collect()
    }
}

/// What a file says now. Where a part of it cannot be read, what that part may have held stays: a
/// file that is half written takes nothing down.
fn read_text(
    path: &Path,
    text: &str,
    known: File,
    fresh: &mut BTreeMap<(Key, PathBuf), Object>,
) -> File {
    let (manifests, mut rejections) = parse(&path.to_string_lossy(), text);
    let origin = origin(path);
    let is_whole = rejections.iter().all(|rejection| rejection.object != origin);
    let mut objects: BTreeMap<Key, Print> = known
        .objects
        .into_iter()
        .filter(|(key, _)| {
            let object = key.to_origin();
            !is_whole || rejections.iter().any(|rejection| rejection.object == object)
        })
        .collect();
    let mut seen = BTreeSet::new();
    for manifest in manifests {
        let Manifest::Object(object) = manifest else { continue };
        let key = Arc::new(object.key());
        if seen.insert(Arc::clone(&key)) {
            objects.insert(Arc::clone(&key), Print::of(&object));
            fresh.insert((key, path.to_owned()), object);
        } else {
            let reason = "the object stands in this file twice, and the first counts; \
                          remove one of the two";
            rejections.push(Rejection::new(key.to_origin(), "metadata.name", reason));
        }
    }
    File { objects, rejections }
}

fn origin(path: &Path) -> model::Object {
    model::Object::File(path.to_string_lossy().as_ref().into())
}
