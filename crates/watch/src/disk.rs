//! Which files have changed since they were last read?

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::files::Read;
use crate::walk::{Found, Stamp, walk};

/// A larger file is not read. A List of 20,000 Services is some 20 MB.
const BYTES_MAX: u64 = 128 << 20;

/// What is known of the folder on the disk.
#[derive(Debug)]
pub(crate) struct Disk {
    root: PathBuf,
    known: BTreeMap<PathBuf, Known>,
    /// Folders that could not be listed, the root among them.
    unlisted: BTreeSet<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Read(Stamp),
    /// To be tried again at the next look.
    Failed,
    /// It was there before and was not at the last look. Only the second look in a row believes it.
    Missed,
}

/// What one look found.
#[derive(Debug, Default)]
pub(crate) struct Look {
    pub(crate) reads: Vec<(PathBuf, Read)>,
    /// Something could not be read, and is worth another look before long.
    pub(crate) is_troubled: bool,
    /// Some files are missed: look again at once, to believe it or not.
    pub(crate) is_unsure: bool,
    /// The folder itself could be listed.
    pub(crate) is_listed: bool,
}

impl Disk {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, known: BTreeMap::new(), unlisted: BTreeSet::new() }
    }

    /// Looks at the whole folder and reads what differs from what was read, and `named` anyway.
    pub(crate) fn look(&mut self, named: &BTreeSet<PathBuf>) -> Look {
        let mut look = Look::default();
        let listing = match walk(&self.root) {
            Ok(listing) => listing,
            Err(error) => {
                self.unlisted.insert(self.root.clone());
                look.is_troubled = true;
                let reason = format!("cannot list the folder: {error}");
                look.reads.push((self.root.clone(), Read::Failed(reason)));
                return look;
            }
        };
        look.is_listed = true;
        self.note_folders(&listing.unlisted, &mut look);
        for (path, found) in &listing.files {
            self.look_at(path, found, named.contains(path), &mut look);
        }
        let is_out_of_sight =
            |path: &Path| listing.unlisted.keys().any(|folder| path.starts_with(folder));
        let absent: Vec<PathBuf> = self
            .known
            .keys()
            .filter(|path| !listing.files.contains_key(*path) && !is_out_of_sight(path))
            .cloned()
            .collect();
        for path in absent {
            if self.known.insert(path.clone(), Known::Missed) == Some(Known::Missed) {
                self.known.remove(&path);
                look.reads.push((path, Read::Gone));
            } else {
                look.is_unsure = true;
            }
        }
        look
    }

    /// A folder that cannot be listed is told like a file that cannot be read.
    fn note_folders(&mut self, unlisted: &BTreeMap<PathBuf, io::Error>, look: &mut Look) {
        for (path, error) in unlisted {
            look.is_troubled = true;
            let reason = format!("cannot list the folder: {error}");
            look.reads.push((path.clone(), Read::Failed(reason)));
        }
        let now: BTreeSet<PathBuf> = unlisted.keys().cloned().collect();
        let listed_again = self.unlisted.difference(&now).cloned();
        look.reads.extend(listed_again.map(|path| (path, Read::Gone)));
        self.unlisted = now;
    }

    fn look_at(&mut self, path: &Path, found: &Found, is_named: bool, look: &mut Look) {
        let result = match found {
            Found::Unusable(error) => Err(io::Error::new(error.kind(), error.to_string())),
            Found::File(stamp)
                if !is_named && self.known.get(path) == Some(&Known::Read(*stamp)) =>
            {
                return;
            }
            Found::File(_) => read(path),
        };
        let (known, read) = match result {
            Ok((text, stamp)) => (Known::Read(stamp), Read::Text(text)),
            Err(error) => {
                look.is_troubled = true;
                (Known::Failed, failed(error))
            }
        };
        self.known.insert(path.to_owned(), known);
        look.reads.push((path.to_owned(), read));
    }
}

/// Reads a file whatever its stamp: it counts now for an object that another file held.
pub(crate) fn read_again(path: PathBuf) -> (PathBuf, Read) {
    let read = read(&path).map_or_else(failed, |(text, _)| Read::Text(text));
    (path, read)
}

fn failed(error: io::Error) -> Read {
    Read::Failed(format!("cannot read the file: {error}"))
}

/// The text, and the stamp from before it was read: whoever writes meanwhile changes it.
fn read(path: &Path) -> io::Result<(String, Stamp)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut text = String::new();
    file.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > BYTES_MAX {
        return Err(io::Error::other(format!("it has more than {BYTES_MAX} bytes")));
    }
    Ok((text, Stamp::from(&metadata)))
}
