//! Which pages of the documents are generated, and are they current?

mod reasons;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::workspace;

#[derive(Args)]
pub(crate) struct Options {
    /// Write nothing; fail when a page is not current.
    #[arg(long)]
    pub(crate) check: bool,
}

/// A page that is made from code.
struct Page {
    path: &'static str,
    render: fn() -> String,
}

/// All of them: a page is added by a line here.
const PAGES: [Page; 1] = [Page { path: "docs/reference/reasons.md", render: reasons::render }];

pub(crate) fn run(options: &Options) -> Result<()> {
    let root = workspace::root()?;
    if options.check { check(&root) } else { write(&root) }
}

fn check(root: &Path) -> Result<()> {
    let outdated = outdated(root);
    if !outdated.is_empty() {
        let paths: Vec<&str> = outdated.iter().map(|page| page.path).collect();
        bail!("not current: {}\nhint: run `cargo xtask docs`", paths.join(", "));
    }
    Ok(())
}

fn write(root: &Path) -> Result<()> {
    for page in outdated(root) {
        let path = root.join(page.path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        fs::write(&path, (page.render)()).with_context(|| format!("cannot write {}", page.path))?;
        println!("written: {}", page.path);
    }
    Ok(())
}

/// The pages that are missing, unreadable, or differ from what the code says.
fn outdated(root: &Path) -> Vec<&'static Page> {
    let is_current = |page: &Page| {
        fs::read_to_string(root.join(page.path)).is_ok_and(|text| text == (page.render)())
    };
    PAGES.iter().filter(|page| !is_current(page)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_are_current() {
        let root = workspace::root().unwrap();
        let paths: Vec<&str> = outdated(&root).iter().map(|page| page.path).collect();
        assert_eq!(paths, [""; 0]);
    }

    #[test]
    fn a_missing_or_changed_page_is_not_current_until_written() {
        let root = std::env::temp_dir().join(format!("pogu-xtask-docs-{}", std::process::id()));
        let missing = check(&root).unwrap_err().to_string();
        write(&root).unwrap();
        let written = check(&root).map_err(|error| error.to_string());
        fs::write(root.join(PAGES[0].path), "# Reasons\n").unwrap();
        let changed = check(&root).unwrap_err().to_string();
        fs::remove_dir_all(&root).unwrap();
        let expected =
            "not current: docs/reference/reasons.md\nhint: run `cargo xtask docs`".to_owned();
        assert_eq!((missing, written, changed), (expected.clone(), Ok(()), expected));
    }
}
