//! Does the page about conformance name every case, and nothing that is not there?

use std::collections::BTreeSet;
use std::path::Path;

use super::GROUPS;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");

/// Where the page leads to, with the text of each link.
fn links(page: &str) -> BTreeSet<(String, String)> {
    let all = page.match_indices("](").filter_map(|(at, _)| {
        let (_, text) = page[..at].rsplit_once('[')?;
        let (target, _) = page[at + 2..].split_once(')')?;
        Some((text.trim_matches('`').to_owned(), target.to_owned()))
    });
    all.collect()
}

#[test]
fn the_page_names_each_case_and_what_it_names_is_there() {
    let page = std::fs::read_to_string(Path::new(DOCS).join("conformance.md")).unwrap();
    let links = links(&page);
    let is_here = |target: &str| Path::new(DOCS).join(target).exists();
    let missing: Vec<_> = links.iter().filter(|(_, target)| !is_here(target)).collect();
    assert_eq!(missing, Vec::<&(String, String)>::new());
    let is_test = |(name, target): &&(String, String)| {
        let text = std::fs::read_to_string(Path::new(DOCS).join(target)).unwrap();
        !target.ends_with(".rs") || text.contains(&format!("\nfn {name}("))
    };
    let absent: Vec<_> = links.iter().filter(|link| !is_test(link)).collect();
    assert_eq!(absent, Vec::<&(String, String)>::new());
    let folder = "../crates/cli/tests/lab/conformance/";
    let named: BTreeSet<(String, String)> =
        links.into_iter().filter(|(_, target)| target.starts_with(folder)).collect();
    let cases = GROUPS.iter().flat_map(|(file, cases)| {
        cases.iter().map(move |(name, _)| ((*name).to_owned(), format!("{folder}{file}.rs")))
    });
    assert_eq!(named, cases.collect());
}
