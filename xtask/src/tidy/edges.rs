//! Does each crate use only those of our crates that the architecture allows it?

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use crate::workspace::Metadata;

/// The heading in the architecture document below which the table stands.
const HEADING: &str = "## Allowed edges";

/// One row of the table: what a crate may use, and what its tests may use besides.
#[derive(Debug, PartialEq, Eq, Default)]
struct Row {
    uses: BTreeSet<String>,
    tests_use: BTreeSet<String>,
}

/// Compares the table with what the manifests say. A row may allow what nobody uses, and may stand
/// there for a crate that does not exist.
pub(super) fn check(path: &str, document: &str, workspace: &Metadata) -> Vec<Finding> {
    let table = parse(document);
    let mut findings = Vec::new();
    for package in &workspace.packages {
        let name = &package.name;
        let Some(row) = table.get(name) else {
            findings.push(Finding::in_file(path, format!("no row of allowed edges for {name}")));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|used| workspace.has(&used.name)) {
            let is_dev = dependency.kind.as_deref() == Some("dev");
            let is_allowed = row.uses.contains(&dependency.name)
                || (is_dev && row.tests_use.contains(&dependency.name));
            if !is_allowed {
                let what = if is_dev { "edge for tests" } else { "edge" };
                let message = format!("{what} is not allowed: {name} -> {}", dependency.name);
                findings.push(Finding::in_file(path, message));
            }
        }
    }
    findings
}

/// Reads rows of the form ``| `crate` | `used`, `used` | `used by its tests` |``.
fn parse(document: &str) -> BTreeMap<String, Row> {
    document
        .lines()
        .skip_while(|line| *line != HEADING)
        .skip(1)
        .take_while(|line| !line.starts_with('#'))
        .filter(|line| line.starts_with("| `"))
        .filter_map(|line| {
            let mut cells = line.split('|').skip(1).map(names);
            let name = cells.next()?.into_iter().next()?;
            let uses = cells.next().unwrap_or_default();
            let tests_use = cells.next().unwrap_or_default();
            Some((name, Row { uses, tests_use }))
        })
        .collect()
}

fn names(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{Dependency, Package};

    const DOCUMENT: &str = "# Architecture\n\
        | `stray` | `row` | |\n\
        ## Allowed edges\n\
        \n\
        | crate | uses | its tests also use |\n\
        |---|---|---|\n\
        | `model` | nothing | |\n\
        | `nft` | `model` | `testkit`, `ingest` |\n\
        ## More\n\
        | `late` | `row` | |\n";

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        let dependency = |&(name, kind): &(&str, Option<&str>)| Dependency {
            name: name.to_owned(),
            kind: kind.map(str::to_owned),
        };
        Package {
            name: name.to_owned(),
            manifest_path: format!("{name}/Cargo.toml").into(),
            dependencies: dependencies.iter().map(dependency).collect(),
            targets: Vec::new(),
        }
    }

    #[test]
    fn the_table_is_what_stands_below_its_heading() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let nft = Row { uses: set(&["model"]), tests_use: set(&["testkit", "ingest"]) };
        let expected =
            BTreeMap::from([("model".to_owned(), Row::default()), ("nft".to_owned(), nft)]);
        assert_eq!(parse(DOCUMENT), expected);
    }

    #[test]
    fn only_edges_of_the_table_are_allowed() {
        let packages = vec![
            package("model", &[("ipnet", None), ("nft", Some("dev"))]),
            package("nft", &[("model", None), ("testkit", Some("dev")), ("ingest", None)]),
            package("ingest", &[]),
            package("testkit", &[]),
        ];
        let messages: Vec<String> =
            check("docs/a.md", DOCUMENT, &Metadata { packages, target_directory: "target".into() })
                .iter()
                .map(ToString::to_string)
                .collect();
        assert_eq!(
            messages,
            [
                "docs/a.md: edge for tests is not allowed: model -> nft",
                "docs/a.md: edge is not allowed: nft -> ingest",
                "docs/a.md: no row of allowed edges for ingest",
                "docs/a.md: no row of allowed edges for testkit",
            ]
        );
    }
}
