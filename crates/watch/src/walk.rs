//! Which files of manifests are in a folder?

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Files beyond this are not looked for: somebody named the wrong folder.
const FILES_MAX: usize = 100_000;

/// Folders inside folders.
const DEPTH_MAX: usize = 32;

/// What is there, and where one could not look.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) files: BTreeMap<PathBuf, Found>,
    /// Folders that cannot be listed: what is known of them stays.
    pub(crate) unlisted: BTreeMap<PathBuf, io::Error>,
}

#[derive(Debug)]
pub(crate) enum Found {
    /// A file, by what tells whether it is still the one that was read.
    File(Stamp),
    /// It is named and cannot be looked at: a link to nowhere, a pipe.
    Unusable(io::Error),
}

/// Differs when a file has been written or replaced, but for two writes of the same length within
/// one tick of the kernel's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl From<&Metadata> for Stamp {
    fn from(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Which folder a path leads to now; links may be turned.
pub(crate) fn identity(folder: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::metadata(folder)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Lists a folder and those inside it, following links. Only the folder itself must be readable.
pub(crate) fn walk(root: &Path) -> io::Result<Listing> {
    let mut walk = Walk { listing: Listing::default(), above: BTreeSet::new() };
    walk.folder(root, 0)?;
    Ok(walk.listing)
}

struct Walk {
    listing: Listing,
    /// The folders that we are in, so that a link upwards ends.
    above: BTreeSet<(u64, u64)>,
}

impl Walk {
    fn folder(&mut self, folder: &Path, depth: usize) -> io::Result<()> {
        if depth > DEPTH_MAX {
            let reason = format!("it lies in more than {DEPTH_MAX} folders");
            return Err(io::Error::new(io::ErrorKind::InvalidFilename, reason));
        }
        let identity = identity(folder)?;
        if !self.above.insert(identity) {
            return Ok(());
        }
        let listed = self.entries(folder, depth);
        self.above.remove(&identity);
        listed
    }

    fn entries(&mut self, folder: &Path, depth: usize) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if is_hidden(&path) {
                continue;
            }
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => {
                    if let Err(error) = self.folder(&path, depth + 1) {
                        self.listing.unlisted.insert(path, error);
                    }
                }
                Ok(metadata) if is_manifest(&path) => {
                    let found = if metadata.is_file() {
                        Found::File(Stamp::from(&metadata))
                    } else {
                        Found::Unusable(io::Error::other("it is not a regular file"))
                    };
                    self.listing.files.insert(path, found);
                }
                Ok(_) => {}
                Err(error) if is_manifest(&path) => {
                    self.listing.files.insert(path, Found::Unusable(error));
                }
                // It went while we looked, or is a link to nowhere that names no manifest.
                Err(_) => {}
            }
            if self.listing.files.len() > FILES_MAX {
                let reason = format!("there are more than {FILES_MAX} files");
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
            }
        }
        Ok(())
    }
}

/// Hidden files are not manifests: editors' own, and the folders that a mounted ConfigMap turns
/// its links between.
fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|it| it == "yaml" || it == "yml" || it == "json")
}
