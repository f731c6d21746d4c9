//! Does the page about the rows of the DNS name every scenario, and nothing that is not there?

use std::collections::BTreeSet;
use std::path::Path;

use crate::{scenario_files, scenario_root};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/dns-rows.md");

/// What the page links to among the scenarios, without the folder and the extension.
fn linked() -> BTreeSet<String> {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let links = page.split("(../../scenarios/dns/").skip(1);
    links.filter_map(|rest| rest.split_once(".txt)")).map(|(path, _)| path.to_owned()).collect()
}

fn present(root: &Path) -> BTreeSet<String> {
    let files = scenario_files(root).unwrap();
    let relative = |path: &Path| path.strip_prefix(root).unwrap().with_extension("");
    files.iter().map(|path| relative(path).to_str().unwrap().to_owned()).collect()
}

#[test]
fn the_page_of_rows_names_every_scenario_and_no_other() {
    assert_eq!(linked(), present(&scenario_root().join("dns")));
}
