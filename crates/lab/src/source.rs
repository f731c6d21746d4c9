//! What do the given files say, and what changed in them?

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use model::{Object as Named, Rejection};
use workload::manifest::{self, Object};

use crate::cluster::Key;
use crate::kind;

/// Folders inside folders, and files of all of them.
const DEPTH_MAX: usize = 16;
const FILES_MAX: usize = 10_000;

/// Something that a person should know of what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub text: String,
    pub hint: Option<String>,
    /// It was left out though it was meant; otherwise, it only has no meaning here.
    pub is_error: bool,
}

/// One step from what was known to what is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Apply(Box<Object>),
    Delete(Key),
}

#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) changes: Vec<Change>,
    pub(crate) notices: Vec<Notice>,
}

/// The files, and what each held when it was last read.
#[derive(Debug)]
pub(crate) struct Source {
    paths: Vec<PathBuf>,
    files: BTreeMap<PathBuf, Held>,
}

#[derive(Debug)]
struct Held {
    stamp: Option<Stamp>,
    objects: BTreeMap<Key, Object>,
}

/// Differs when a file was written or replaced.
type Stamp = (u64, u64, u64, i64, i64);

impl Source {
    pub(crate) const fn new(paths: Vec<PathBuf>) -> Self {
        Self { paths, files: BTreeMap::new() }
    }

    /// Reads what is new since the last time. A file that cannot be read, or has become empty of
    /// sense, keeps what it held.
    pub(crate) fn read(&mut self) -> Read {
        let mut read = Read::default();
        let listed = self.list(&mut read.notices);
        let gone: Vec<PathBuf> =
            self.files.keys().filter(|path| !listed.contains_key(*path)).cloned().collect();
        let mut deleted = Vec::new();
        for path in gone {
            if let Some(held) = self.files.remove(&path) {
                deleted.extend(held.objects.into_keys());
            }
        }
        for (path, stamp) in listed {
            let held = self.files.get(&path);
            if held.is_some_and(|held| held.stamp.is_some() && held.stamp == stamp) {
                continue;
            }
            deleted.extend(self.read_file(path, stamp, &mut read));
        }
        // What moved from one file to another is not gone.
        deleted.retain(|key| !self.files.values().any(|held| held.objects.contains_key(key)));
        read.changes.splice(0..0, deleted.into_iter().map(Change::Delete));
        read
    }

    /// The keys that the file no longer has.
    fn read_file(&mut self, path: PathBuf, stamp: Option<Stamp>, read: &mut Read) -> Vec<Key> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                if !self.files.contains_key(&path) || stamp.is_some() {
                    read.notices.push(unreadable(&path, &error));
                }
                let held = Held { stamp, objects: BTreeMap::new() };
                self.files.entry(path).and_modify(|held| held.stamp = stamp).or_insert(held);
                return Vec::new();
            }
        };
        let parsed = parse(&path.display().to_string(), &text);
        read.notices.extend(parsed.notices);
        let before = self.files.remove(&path).map(|held| held.objects).unwrap_or_default();
        if parsed.objects.is_empty() && parsed.is_broken && !before.is_empty() {
            self.files.insert(path, Held { stamp, objects: before });
            return Vec::new();
        }
        let mut objects = BTreeMap::new();
        for object in parsed.objects {
            let key = Key::of(&object);
            if before.get(&key) != Some(&object) {
                read.changes.push(Change::Apply(Box::new(object.clone())));
            }
            objects.insert(key, object);
        }
        let gone = before.into_keys().filter(|key| !objects.contains_key(key)).collect();
        self.files.insert(path, Held { stamp, objects });
        gone
    }

    fn list(&self, notices: &mut Vec<Notice>) -> BTreeMap<PathBuf, Option<Stamp>> {
        let mut found = BTreeMap::new();
        for path in &self.paths {
            if path.is_dir() {
                walk(path, DEPTH_MAX, &mut found, notices);
            } else {
                found.insert(path.clone(), stamp(path));
            }
        }
        found
    }
}

/// What a text says, with what a person should know of it.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub(crate) objects: Vec<Object>,
    pub(crate) notices: Vec<Notice>,
    /// Something in it could not be taken.
    pub(crate) is_broken: bool,
}

pub(crate) fn parse(origin: &str, text: &str) -> Parsed {
    let manifests = manifest::parse(origin, text);
    let mut parsed = Parsed { objects: manifests.objects, ..Parsed::default() };
    for rejection in &manifests.rejections {
        parsed.notices.push(Notice::rejected(origin, rejection));
    }
    for ignored in manifests.ignored {
        parsed.notices.push(kind::notice(origin, &ignored));
    }
    parsed.is_broken = parsed.notices.iter().any(|notice| notice.is_error);
    parsed
}

impl Notice {
    pub(crate) fn error(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { text: text.into(), hint: Some(hint.into()), is_error: true }
    }

    pub(crate) fn rejected(origin: &str, rejection: &Rejection) -> Self {
        let is_file = matches!(rejection.object, Named::File(_));
        let text = match (origin.is_empty() || is_file, rejection.field.is_empty()) {
            (true, false) => rejection.to_string(),
            (true, true) => format!("{}: {}", rejection.object, rejection.reason),
            (false, false) => format!("{origin}: {rejection}"),
            (false, true) => format!("{origin}: {}: {}", rejection.object, rejection.reason),
        };
        Self { text, hint: None, is_error: true }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Notice {
    let hint = "-f takes a file or a folder of manifests, in YAML or JSON";
    Notice::error(format!("cannot read {}: {error}", path.display()), hint)
}

fn walk(
    folder: &Path,
    depth: usize,
    found: &mut BTreeMap<PathBuf, Option<Stamp>>,
    notices: &mut Vec<Notice>,
) {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            notices.push(unreadable(folder, &error));
            return;
        }
    };
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if is_hidden || found.len() >= FILES_MAX {
            continue;
        }
        if path.is_dir() {
            if depth > 0 {
                walk(&path, depth - 1, found, notices);
            }
        } else if is_manifest(&path) {
            let stamp = stamp(&path);
            found.insert(path, stamp);
        }
    }
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("yaml" | "yml" | "json"))
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    let (seconds, nanoseconds) = (metadata.mtime(), metadata.mtime_nsec());
    Some((metadata.dev(), metadata.ino(), metadata.size(), seconds, nanoseconds))
}
