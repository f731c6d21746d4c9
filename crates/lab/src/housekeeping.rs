//! How are logs kept from filling the machine?

use std::fs;
use std::io;
use std::path::Path;

use crate::place::Place;

/// A log that is longer is cut: what was written before stays beside it, once.
const LOG_BYTES_MAX: u64 = 4 << 20;

const DEPTH_MAX: usize = 4;

/// Cuts the logs of pods, agents and the site outside.
pub(crate) fn cut_logs(place: &Place) {
    for folder in ["nodes", "outside", "pods"] {
        // A folder that is not there has no log.
        drop(cut_in(&place.root().join(folder), DEPTH_MAX));
    }
}

fn cut_in(folder: &Path, depth: usize) -> io::Result<()> {
    for entry in fs::read_dir(folder)?.filter_map(Result::ok) {
        let path = entry.path();
        let metadata = entry.metadata()?;
        if metadata.is_dir() && depth > 0 {
            cut_in(&path, depth - 1)?;
        } else if path.extension().is_some_and(|it| it == "log") && metadata.len() > LOG_BYTES_MAX {
            // Programs add to the end of the same file, so it is emptied and not renamed.
            fs::copy(&path, path.with_extension("log.1"))?;
            fs::File::options().write(true).truncate(true).open(&path)?;
        }
    }
    Ok(())
}
