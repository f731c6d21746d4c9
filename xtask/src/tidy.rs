//! Is the tree kept as the project wants it, in what compilers do not look at?
//!
//! Each rule is a function from text to findings, in a module of its own; here they are applied to
//! the files, one file at a time.

mod crates;
mod documents;
mod edges;
mod modules;
mod rust;
mod source;
mod text;

use std::fmt;
use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::workspace::{self, FUZZ_MANIFEST, Metadata};

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    /// Counted from 1; absent when it is about the file as a whole.
    line: Option<usize>,
    severity: Severity,
    message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Severity {
    /// Shown, and that is all.
    Warning,
    Failure,
}

impl Finding {
    fn in_file(path: &str, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line: None,
            severity: Severity::Failure,
            message: message.into(),
        }
    }

    /// In a line, counted from 0 as iterators do.
    fn at(path: &str, index: usize, message: impl Into<String>) -> Self {
        Self { line: Some(index + 1), ..Self::in_file(path, message) }
    }

    fn into_warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        match self.severity {
            Severity::Warning => write!(f, ": warning: {}", self.message),
            Severity::Failure => write!(f, ": {}", self.message),
        }
    }
}

/// Shows all findings; fails when one is more than a warning.
pub(crate) fn run() -> Result<()> {
    let findings = check_tree()?;
    for finding in &findings {
        println!("{finding}");
    }
    let failures = findings.iter().filter(|finding| finding.severity == Severity::Failure).count();
    if failures > 0 {
        bail!("findings of tidy: {failures}");
    }
    Ok(())
}

const ARCHITECTURE: &str = "docs/architecture.md";

fn check_tree() -> Result<Vec<Finding>> {
    let root = workspace::root()?;
    let workspace = Metadata::read("Cargo.toml")?;
    let mut modules = modules::Modules::default();
    modules.add_roots(&workspace)?;
    modules.add_roots(&Metadata::read(FUZZ_MANIFEST)?)?;
    let mut findings = Vec::new();
    for path in workspace::files()? {
        let bytes = fs::read(root.join(&path)).with_context(|| format!("cannot read {path}"))?;
        // A fuzz corpus is not text; what could be read in it still counts.
        let text = String::from_utf8_lossy(&bytes);
        findings.extend(check_file(&path, &text, &mut modules));
    }
    findings.extend(modules.orphans());
    findings.extend(crates::check(&workspace)?);
    let architecture = fs::read_to_string(root.join(ARCHITECTURE))
        .with_context(|| format!("cannot read {ARCHITECTURE}"))?;
    findings.extend(edges::check(ARCHITECTURE, &architecture, &workspace));
    findings.sort();
    Ok(findings)
}

fn check_file(path: &str, text: &str, modules: &mut modules::Modules) -> Vec<Finding> {
    let mut findings = text::check(path, text);
    if path.ends_with(".rs") {
        let source = source::split(text);
        modules.add_file(path, &source.code);
        findings.extend(rust::check(path, text, &source));
    } else if path.ends_with(".md") {
        findings.extend(documents::check_markdown(path, text));
    } else if path.ends_with(".go") {
        findings.extend(documents::check_go(path, text));
    }
    if path.starts_with("scenarios/") {
        findings.extend(documents::check_scenario(path, text));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_tidy() {
        let findings = check_tree().unwrap();
        let failures: Vec<String> = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Failure)
            .map(ToString::to_string)
            .collect();
        assert_eq!(failures, [""; 0]);
    }

    #[test]
    fn each_kind_of_file_meets_its_rules() {
        let messages = |path: &str, text: &str| -> Vec<String> {
            let findings = check_file(path, text, &mut modules::Modules::default());
            findings.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            messages("crates/model/src/a.rs", "fn a() {}\n"),
            ["crates/model/src/a.rs:1: begin with `//!` and the question that the file answers"]
        );
        assert_eq!(
            messages("test/a/a.go", "package main\n"),
            ["test/a/a.go:1: begin with `//` and the question that the file answers"]
        );
        assert_eq!(messages("docs/a.md", "no title\n"), ["docs/a.md: has 0 `# ` titles, not one"]);
        assert_eq!(
            messages("scenarios/a.scenario", "-- cluster --\n"),
            ["scenarios/a.scenario:1: begin with `goal:` and what the scenario shows"]
        );
    }

    #[test]
    fn a_warning_says_that_it_is_one() {
        let finding = Finding::at("a.rs", 6, "long").into_warning();
        assert_eq!(finding.to_string(), "a.rs:7: warning: long");
    }
}
