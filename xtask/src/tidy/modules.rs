//! Is every Rust file a module of some crate? An orphan is compiled and tested by nobody.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::Finding;
use crate::workspace::{self, Metadata};

/// The files of all crates: where each crate begins, and which modules each file declares.
#[derive(Default)]
pub(super) struct Modules {
    roots: BTreeSet<String>,
    declared: BTreeMap<String, Vec<String>>,
}

impl Modules {
    pub(super) fn add_roots(&mut self, metadata: &Metadata) -> Result<()> {
        for target in metadata.packages.iter().flat_map(|package| &package.targets) {
            self.roots.insert(workspace::relative(&target.src_path)?);
        }
        Ok(())
    }

    /// A file by its path, with its code as `source::split` gives it.
    pub(super) fn add_file(&mut self, path: &str, code: &str) {
        let modules = code.lines().filter_map(declared_module).map(str::to_owned).collect();
        self.declared.insert(path.to_owned(), modules);
    }

    /// The files that no crate reaches.
    pub(super) fn orphans(&self) -> Vec<Finding> {
        let mut reached = BTreeSet::new();
        let mut queue: Vec<String> = self.roots.iter().cloned().collect();
        while let Some(path) = queue.pop() {
            let Some(modules) = self.declared.get(&path) else { continue };
            let folder = self.folder_of_modules(&path);
            queue.extend(modules.iter().map(|module| format!("{folder}/{module}.rs")));
            reached.insert(path);
        }
        self.declared
            .keys()
            .filter(|path| !reached.contains(*path))
            .map(|path| Finding::in_file(path, "no crate has this file as a module"))
            .collect()
    }

    /// Modules of a crate's root are beside it, those of another file in the folder of its name.
    fn folder_of_modules<'a>(&self, path: &'a str) -> &'a str {
        if self.roots.contains(path) {
            path.rsplit_once('/').map_or("", |(folder, _)| folder)
        } else {
            path.strip_suffix(".rs").unwrap_or(path)
        }
    }
}

/// The name in `mod name;`, whatever attribute and visibility stand before it on the line.
fn declared_module(line: &str) -> Option<&str> {
    let before = line.trim().strip_suffix(';')?;
    let (before, name) = before.rsplit_once(char::is_whitespace)?;
    let is_module = before == "mod" || before.ends_with(" mod");
    is_module.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules(roots: &[&str], files: &[(&str, &str)]) -> Modules {
        let mut modules = Modules::default();
        modules.roots.extend(roots.iter().map(|root| (*root).to_owned()));
        for (path, code) in files {
            modules.add_file(path, code);
        }
        modules
    }

    #[test]
    fn a_file_that_no_module_names_is_an_orphan() {
        let found = modules(
            &["a/src/lib.rs"],
            &[
                ("a/src/lib.rs", "mod here;\npub(crate) mod open;\n#[cfg(test)] mod tests;\n"),
                ("a/src/here.rs", "mod below;"),
                ("a/src/here/below.rs", ""),
                ("a/src/open.rs", "mod inline {}"),
                ("a/src/tests.rs", ""),
                ("a/src/below.rs", ""),
                ("a/src/open/inline.rs", ""),
            ],
        );
        let orphan = |path| Finding::in_file(path, "no crate has this file as a module");
        assert_eq!(found.orphans(), [orphan("a/src/below.rs"), orphan("a/src/open/inline.rs")]);
    }

    #[test]
    fn every_target_is_a_root() {
        let found = modules(
            &["a/src/bin/one.rs", "a/tests/two.rs"],
            &[("a/src/bin/one.rs", ""), ("a/tests/two.rs", "mod three;"), ("a/tests/three.rs", "")],
        );
        assert_eq!(found.orphans(), []);
    }

    #[test]
    fn only_declarations_declare() {
        assert_eq!(declared_module("    pub(in crate::a) mod name;"), Some("name"));
        assert_eq!(declared_module("use modular;"), None);
        assert_eq!(declared_module("mod inline {"), None);
        assert_eq!(declared_module("let commod = x;"), None);
    }
}
