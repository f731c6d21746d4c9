//! Where is the workspace, which files and crates are in it?

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::call::Call;

/// The fuzz targets are a workspace of their own: they link only with a nightly compiler.
pub(crate) const FUZZ_MANIFEST: &str = "fuzz/Cargo.toml";

/// The folder of the workspace. Cargo tells where xtask itself is, one level below.
pub(crate) fn root() -> Result<PathBuf> {
    let xtask = env::var_os("CARGO_MANIFEST_DIR").context("not run through `cargo xtask`")?;
    let root = PathBuf::from(xtask);
    root.parent().map(PathBuf::from).context("xtask is not in a workspace")
}

/// Every file that is tracked or could be: not those that git ignores, nor those just deleted.
pub(crate) fn files() -> Result<Vec<String>> {
    let root = root()?;
    let listed = Call::new("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .read()?;
    let paths = listed.split_terminator('\0').map(str::to_owned);
    Ok(paths.filter(|path| root.join(path).is_file()).collect())
}

/// What cargo knows of the crates of one workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) target_directory: PathBuf,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `dev`, `build`, or absent for an ordinary one.
    pub(crate) kind: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) kind: Vec<String>,
    pub(crate) src_path: PathBuf,
}

impl Metadata {
    /// Of the workspace whose manifest is at `manifest`, a path from our root.
    pub(crate) fn read(manifest: &str) -> Result<Self> {
        let json = Call::cargo(["metadata", "--no-deps", "--format-version=1", "--manifest-path"])
            .arg(manifest)
            .read()?;
        serde_json::from_str(&json).context("cannot read the output of cargo metadata")
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.packages.iter().any(|package| package.name == name)
    }
}

impl Package {
    /// The file that a crate's documentation stands in: the library's, else the program's.
    pub(crate) fn root_file(&self) -> Option<&Path> {
        let of_kind = |kind: &str| {
            self.targets.iter().find(|target| target.kind.iter().any(|known| known == kind))
        };
        of_kind("lib").or_else(|| of_kind("bin")).map(|target| target.src_path.as_path())
    }
}

/// A path as git writes it: from the root of the workspace, for messages and comparisons.
pub(crate) fn relative(path: &Path) -> Result<String> {
    let root = root()?;
    let path = path.strip_prefix(&root).unwrap_or(path);
    path.to_str().map(str::to_owned).with_context(|| format!("not UTF-8: {}", path.display()))
}

/// A path as an argument of a program.
pub(crate) fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("not UTF-8: {}", path.display()))
}
