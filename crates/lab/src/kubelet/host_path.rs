//! Which path of the host does a hostPath volume mean?
//!
//! Nothing is made on the host. A path that it has not is the node's own, in the lab's folder.

use std::fs::{self, File};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use workload::api::HostPath;

/// The path, made in the folder of the node where its type says so; else why there is none.
pub(super) fn find(volume: &HostPath, node_folder: &Path) -> Result<PathBuf, String> {
    let HostPath { path, kind } = volume;
    let refused = || format!("hostPath type check failed: {path} is not a {kind}");
    let own = node_folder.join(path.trim_start_matches('/'));
    let there = [Path::new(path), &own].into_iter().find(|it| it.exists());
    let Some(there) = there else {
        return make(&own, kind)?.then_some(own).ok_or_else(refused);
    };
    let metadata = fs::metadata(there).map_err(|error| format!("{path}: {error}"))?;
    let is_of_kind = match kind.as_str() {
        "" => true,
        "Directory" | "DirectoryOrCreate" => metadata.is_dir(),
        "File" | "FileOrCreate" => metadata.is_file(),
        "Socket" => metadata.file_type().is_socket(),
        "CharDevice" => metadata.file_type().is_char_device(),
        "BlockDevice" => metadata.file_type().is_block_device(),
        _ => false,
    };
    if is_of_kind { Ok(there.to_owned()) } else { Err(refused()) }
}

/// Whether there may be one that is made.
fn make(own: &Path, kind: &str) -> Result<bool, String> {
    let failed = |error: std::io::Error| format!("cannot make {}: {error}", own.display());
    match kind {
        "" | "DirectoryOrCreate" => fs::create_dir_all(own).map_err(failed)?,
        "FileOrCreate" => {
            own.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
            drop(File::create(own).map_err(failed)?);
        }
        _ => return Ok(false),
    }
    Ok(true)
}
