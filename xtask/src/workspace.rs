//! Where is the workspace, which files and crates are in it?

use std::env;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

/// The folder of the workspace. Cargo tells where xtask itself is, one level below.
pub(crate) fn root() -> Result<PathBuf> {
    let xtask = env::var_os("CARGO_MANIFEST_DIR").context("not run through `cargo xtask`")?;
    let root = PathBuf::from(xtask);
    root.parent().map(PathBuf::from).context("xtask is not in a workspace")
}
