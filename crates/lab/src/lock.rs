//! Who has a lab's name?

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::place::Place;
use crate::up::UpError;

/// Held until the process ends, however it ends. The file goes with the value; one that a killed
/// process left is nobody's, and is taken over.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    _file: File,
}

/// Files that others take away between opening and locking.
const TRIES_MAX: usize = 100;

impl Lock {
    pub(crate) fn take(place: &Place) -> Result<Self, UpError> {
        let (labs, path) = (Place::labs(), place.lock());
        fs::create_dir_all(&labs).map_err(failed("create", &labs))?;
        for _ in 0..TRIES_MAX {
            let file = File::options().create(true).truncate(false).write(true).open(&path);
            let file = file.map_err(failed("open", &path))?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => break,
                Err(errno) => return Err(failed("lock", &path)(errno.into())),
            }
            // Its holder may have taken it away meanwhile: what is locked must be what is there.
            let held = file.metadata().map_err(failed("look at", &path))?;
            if fs::metadata(&path).is_ok_and(|there| there.ino() == held.ino()) {
                return Ok(Self { path, _file: file });
            }
        }
        Err(UpError::AlreadyUp(place.name().clone()))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is still locked. If it stays, it is only an empty file.
        drop(fs::remove_file(&self.path));
    }
}

fn failed(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> UpError {
    let path = path.display().to_string();
    move |source| UpError::File { operation, path, source }
}
