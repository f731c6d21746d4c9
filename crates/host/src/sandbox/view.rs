//! How is a place made where the host has none, without the host's having it then?
//!
//! The folder that would have to hold it is covered by an empty one, in which everything that was
//! there is mounted again. So all that is there is the host's as before, sockets and later changes
//! inside of it too, and what is added is seen here alone.

use std::fs::{self, DirBuilder, DirEntry, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, open};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags, OpenTreeFlags,
    fsconfig_create, fsconfig_set_string, fsmount, fsopen, mount_bind, mount_bind_recursive,
    mount_remount, move_mount, open_tree,
};
use rustix::process::{chroot, fchdir};

/// Entries of a folder that are mounted again. One that has more cannot hold a new place.
const ENTRIES_MAX: usize = 2_048;

/// Something of the host that is seen in another place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    pub source: PathBuf,
    pub place: PathBuf,
    pub is_read_only: bool,
    /// Not the host's: places for other mounts may be made in it.
    pub is_ours: bool,
}

/// Why something cannot be seen where it should be.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    #[error("cannot {what}: {source}")]
    Own { what: &'static str, source: io::Error },
    #[error("cannot mount at {}: {source}", place.display())]
    Place { place: PathBuf, source: io::Error },
    #[error("cannot mount {}: {source}", seen.display())]
    Source { seen: PathBuf, source: io::Error },
    #[error("cannot make a place in {}: it has {found} entries, more than {ENTRIES_MAX}", folder.display())]
    Full { folder: PathBuf, found: usize },
}

impl MountError {
    pub(super) const fn own(what: &'static str, source: io::Error) -> Self {
        Self::Own { what, source }
    }

    pub(super) fn at(place: &Path, source: io::Error) -> Self {
        Self::Place { place: place.to_owned(), source }
    }
}

/// A mount whose source was found, and is the same whatever covers the path of it later.
#[derive(Debug)]
pub(super) struct Found<'a> {
    mount: &'a Mount,
    tree: OwnedFd,
    is_folder: bool,
}

/// Finds the source of a mount. That is done for all of them before the first is in its place: one
/// may cover the sources of others.
pub(super) fn find(mount: &Mount) -> Result<Found<'_>, MountError> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE;
    let tree = open_tree(CWD, &mount.source, flags);
    let found = tree.and_then(|tree| Ok((fstat(&tree)?, tree)));
    let unseen =
        |errno: Errno| MountError::Source { seen: mount.source.clone(), source: errno.into() };
    let (stat, tree) = found.map_err(unseen)?;
    Ok(Found { mount, tree, is_folder: FileType::from_raw_mode(stat.st_mode).is_dir() })
}

/// What the calling thread sees, which has a mount namespace of its own.
#[derive(Debug, Default)]
pub(super) struct View {
    /// Below each of them, until another one begins: whether it is ours to write in.
    parts: Vec<(PathBuf, bool)>,
}

impl View {
    pub(super) fn add(&mut self, found: &Found<'_>) -> Result<(), MountError> {
        let Mount { place, is_read_only, is_ours, .. } = found.mount;
        let place = self.make_place(place, found.is_folder)?;
        let failed = |errno: Errno| MountError::at(&place, errno.into());
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
        move_mount(found.tree.as_fd(), c"", CWD, &place, flags).map_err(failed)?;
        if *is_read_only {
            mount_remount(&place, MountFlags::BIND | MountFlags::RDONLY, c"").map_err(failed)?;
        }
        self.parts.push((place, *is_ours && !is_read_only));
        Ok(())
    }

    /// The place without links, made if need be.
    fn make_place(&mut self, place: &Path, is_folder: bool) -> Result<PathBuf, MountError> {
        if let Ok(there) = place.canonicalize() {
            return Ok(there);
        }
        let failed = |source| MountError::at(place, source);
        let known = place.ancestors().skip(1).find_map(|it| Some((it, it.canonicalize().ok()?)));
        let (known, folder) = known.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
        if !self.is_ours(&folder) {
            self.mirror(&folder)?;
        }
        let rest = place.strip_prefix(known).map_err(|error| failed(io::Error::other(error)))?;
        let place = folder.join(rest);
        if is_folder {
            fs::create_dir_all(&place).map_err(failed)?;
        } else {
            place.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
            File::create_new(&place).map_err(failed)?;
        }
        Ok(place)
    }

    fn is_ours(&self, folder: &Path) -> bool {
        let around = self.parts.iter().filter(|(part, _)| folder.starts_with(part));
        // Of two in the same place the later one is seen.
        let inner = around.max_by_key(|(part, _)| part.components().count());
        inner.is_some_and(|(_, is_ours)| *is_ours)
    }

    /// Covers a folder by one of our own that looks the same.
    fn mirror(&mut self, folder: &Path) -> Result<(), MountError> {
        let failed = |source| MountError::at(folder, source);
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries: Vec<DirEntry> = entries.map_err(failed)?;
        if entries.len() > ENTRIES_MAX {
            return Err(MountError::Full { folder: folder.to_owned(), found: entries.len() });
        }
        let covered =
            open(folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        let covered = covered.map_err(|errno| failed(errno.into()))?;
        let cover = cover(folder).map_err(failed)?;
        for entry in &entries {
            match show_again(entry, &covered, &cover) {
                Ok(true) => self.parts.push((folder.join(entry.file_name()), false)),
                // Some went meanwhile: the host goes on.
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                Ok(false) | Err(_) => {}
            }
        }
        if folder == Path::new("/") {
            // Whoever enters the namespace later finds itself there.
            let entered = fchdir(&cover).and_then(|()| chroot(c"."));
            entered.map_err(|errno| failed(errno.into()))?;
        }
        self.parts.push((folder.to_owned(), true));
        Ok(())
    }
}

/// Covers a folder by an empty one with the same owner and rights.
fn cover(folder: &Path) -> io::Result<OwnedFd> {
    let like = fs::metadata(folder)?;
    let memory = fsopen(c"tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (key, value) in [
        ("mode", format!("{:o}", like.mode() & 0o7777)),
        ("uid", like.uid().to_string()),
        ("gid", like.gid().to_string()),
    ] {
        fsconfig_set_string(memory.as_fd(), key, value)?;
    }
    fsconfig_create(memory.as_fd())?;
    let cover = fsmount(memory.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    move_mount(cover.as_fd(), c"", CWD, folder, flags)?;
    Ok(cover)
}

/// Shows an entry of the covered folder in the cover; whether it is a folder.
fn show_again(entry: &DirEntry, covered: &OwnedFd, cover: &OwnedFd) -> io::Result<bool> {
    let below = |folder: &OwnedFd| {
        Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(entry.file_name())
    };
    let (from, to) = (below(covered), below(cover));
    let kind = entry.file_type()?;
    if kind.is_symlink() {
        symlink(fs::read_link(&from)?, &to)?;
        return Ok(false);
    }
    if kind.is_dir() {
        DirBuilder::new().create(&to)?;
        mount_bind_recursive(&from, &to)?;
    } else {
        File::create_new(&to)?;
        mount_bind(&from, &to)?;
    }
    Ok(kind.is_dir())
}
