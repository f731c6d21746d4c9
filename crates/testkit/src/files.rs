//! Which scenario files are there, and does an engine agree with all of them?

use std::io;
use std::path::{Path, PathBuf};

use crate::engine::Engine;
use crate::run::{Checked, run};

/// The folder of scenarios of this repository.
#[must_use]
pub fn scenario_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

/// All scenario files below a folder, sorted.
///
/// # Errors
/// A folder cannot be read.
pub fn scenario_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "txt") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Runs every scenario below a folder of this repository's scenarios, each with a new engine.
///
/// # Panics
/// Some scenario fails: all failures are in the message. Or there is no scenario at all.
#[track_caller]
pub fn check_all(folder: &str, engine: &mut dyn FnMut() -> Box<dyn Engine>) -> Checked {
    let files = scenario_files(&scenario_root().join(folder)).expect("scenarios can be read");
    assert!(!files.is_empty(), "no scenario in {folder:?}");
    let mut all = Checked::default();
    let mut failures = Vec::new();
    for path in &files {
        match run(path, engine().as_mut()) {
            Ok(checked) => {
                all.steps += checked.steps;
                all.packets += checked.packets;
            }
            Err(failure) => failures.push(failure.to_string()),
        }
    }
    let (n_failed, n_all) = (failures.len(), files.len());
    assert!(failures.is_empty(), "{n_failed} of {n_all} scenarios fail:\n{}", failures.join("\n"));
    all
}
