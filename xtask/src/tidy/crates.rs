//! Does each crate say what it is for, in a README that is also its documentation?

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::Finding;
use super::rust::README_INCLUDED;
use crate::workspace::{self, Metadata};

pub(super) fn check(workspace: &Metadata) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for package in &workspace.packages {
        let folder = package.manifest_path.parent().unwrap_or_else(|| Path::new(""));
        let manifest = workspace::relative(&package.manifest_path)?;
        let readme = folder.join("README.md").is_file();
        let root_file = package
            .root_file()
            .with_context(|| format!("crate has neither library nor program: {}", package.name))?;
        let code = fs::read_to_string(root_file)
            .with_context(|| format!("cannot read {}", root_file.display()))?;
        findings.extend(check_crate(&manifest, readme, &workspace::relative(root_file)?, &code));
    }
    Ok(findings)
}

fn check_crate(manifest: &str, has_readme: bool, root_file: &str, code: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !has_readme {
        findings.push(Finding::in_file(manifest, "the crate has no README.md"));
    }
    if !code.lines().any(|line| line == README_INCLUDED) {
        findings.push(Finding::in_file(root_file, format!("must have {README_INCLUDED}")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_says_what_it_is_for() {
        let silent = check_crate("a/Cargo.toml", false, "a/src/lib.rs", "//! a\n");
        let messages: Vec<String> = silent.iter().map(ToString::to_string).collect();
        assert_eq!(
            messages,
            [
                "a/Cargo.toml: the crate has no README.md",
                "a/src/lib.rs: must have #![doc = include_str!(\"../README.md\")]",
            ]
        );
        let code = format!("{README_INCLUDED}\nmod a;\n");
        assert_eq!(check_crate("a/Cargo.toml", true, "a/src/lib.rs", &code), []);
    }
}
