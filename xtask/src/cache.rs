//! Where is kept what was built of Go modules, and when is it something else?

use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result, ensure};

use crate::go::Go;
use crate::workspace;

/// How many of a kind are kept: each has more than 100 MB. More than one, for those who change branches.
const KEPT: usize = 3;

/// Outside of the tree, so that another clone and a fresh one find it too.
pub(crate) fn folder(kind: &str) -> Result<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME")
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&env::var_os("HOME")?).join(".cache")))
        .context("no folder for caches: neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(cache.join(kind))
}

/// Builds what a module is for, with these arguments, unless that has been done: `build` gets a folder
/// to fill. Gives the folder of what was built.
pub(crate) fn built(
    kind: &str,
    module: &str,
    go: &Go,
    arguments: &[String],
    build: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let cache = folder(kind)?;
    let built = cache.join(key(&workspace::root()?.join(module), go.version(), arguments)?);
    if built.is_dir() {
        return Ok(built);
    }
    // Under a name of its own until it is whole: another build of the same may run at this moment.
    let draft = cache.join(format!("draft-{}", std::process::id()));
    fs::create_dir_all(&draft).with_context(|| format!("cannot make {}", draft.display()))?;
    build(&draft)?;
    if fs::rename(&draft, &built).is_err() {
        // The other build was faster; what it made is the same.
        fs::remove_dir_all(&draft).with_context(|| format!("cannot remove {}", draft.display()))?;
    }
    ensure!(built.is_dir(), "built, and yet missing: {}", built.display());
    remove_old(&cache)?;
    Ok(built)
}

/// The name of what these sources become, with this Go and these arguments.
fn key(module: &Path, go: &str, arguments: &[String]) -> Result<String> {
    let mut hash = DefaultHasher::new();
    let mut add = |part: &[u8]| {
        // Its length first, so that no two lists of parts are the same bytes.
        hash.write_usize(part.len());
        hash.write(part);
    };
    add(go.as_bytes());
    arguments.iter().for_each(|argument| add(argument.as_bytes()));
    for path in sources(module)? {
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        add(path.file_name().unwrap_or_default().as_encoded_bytes());
        add(&text);
    }
    Ok(format!("{:016x}", hash.finish()))
}

/// What a build reads, in an order that is always the same.
fn sources(module: &Path) -> Result<Vec<PathBuf>> {
    let mut sources = Vec::new();
    for entry in
        fs::read_dir(module).with_context(|| format!("cannot read {}", module.display()))?
    {
        let path = entry.with_context(|| format!("cannot read {}", module.display()))?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if matches!(ending, Some("go" | "mod" | "sum")) {
            sources.push(path);
        }
    }
    sources.sort();
    Ok(sources)
}

/// Removes all but the newest. Drafts count: a build that was killed leaves one.
fn remove_old(cache: &Path) -> Result<()> {
    let mut built: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(cache).with_context(|| format!("cannot read {}", cache.display()))? {
        let entry = entry.with_context(|| format!("cannot read {}", cache.display()))?;
        // It may be gone: another build removes too.
        if let Ok(modified) = entry.metadata().and_then(|folder| folder.modified()) {
            built.push((modified, entry.path()));
        }
    }
    built.sort();
    for (_, path) in built.iter().rev().skip(KEPT) {
        println!("removing what was built of older sources: {}", path.display());
        fs::remove_dir_all(path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that goes away with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("pogu-cache-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.0.join(name), text).unwrap();
        }

        fn key(&self, go: &str) -> String {
            key(&self.0, go, &[]).unwrap()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            if let Err(error) = fs::remove_dir_all(&self.0) {
                println!("{}: {error}", self.0.display());
            }
        }
    }

    #[test]
    fn what_a_build_reads_changes_its_name_and_nothing_else_does() {
        let folder = Folder::new("key");
        folder.write("main.go", "package main");
        folder.write("go.mod", "module m");
        let first = folder.key("go1.26");
        folder.write("README.md", "words");
        assert_eq!(folder.key("go1.26"), first);
        assert_ne!(folder.key("go1.27"), first);
        folder.write("main.go", "package main // more");
        assert_ne!(folder.key("go1.26"), first);
    }

    #[test]
    fn the_newest_are_kept() {
        let folder = Folder::new("kept");
        let name = |number: usize| format!("{number:016x}");
        for number in 0..KEPT + 2 {
            let path = folder.0.join(name(number));
            fs::create_dir(&path).unwrap();
            let age = std::time::Duration::from_secs(u64::try_from(number).unwrap());
            let folder = fs::File::open(&path).unwrap();
            folder.set_modified(SystemTime::UNIX_EPOCH + age).unwrap();
        }
        remove_old(&folder.0).unwrap();
        let mut left: Vec<String> = fs::read_dir(&folder.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, (2..KEPT + 2).map(name).collect::<Vec<_>>());
    }
}
