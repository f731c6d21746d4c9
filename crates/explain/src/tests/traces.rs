//! Whole traces, as people read them: each file of `traces/` has a cluster and what is told of it.
//!
//! `UPDATE_EXPECT=1` writes what is told now into the files.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::asked::{Asked, question};
use crate::Style;

const ASK: &str = "-- ask ";

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/traces");
    let entries = fs::read_dir(folder).expect("the folder of traces");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

/// The cluster's sections, and each question's header.
fn parts(text: &str) -> (&str, Vec<&str>) {
    let (cluster, _) = text.split_once(ASK).expect("a question");
    (cluster, text.lines().filter(|line| line.starts_with(ASK)).collect())
}

fn told(text: &str) -> String {
    let (sections, headers) = parts(text);
    let asked = Asked::new(sections);
    let mut told = sections.to_owned();
    for (at, header) in headers.into_iter().enumerate() {
        let inside = header.strip_prefix(ASK).and_then(|rest| rest.strip_suffix(" --"));
        let (node, words) = inside.and_then(|it| it.split_once(": ")).expect("NODE: WORDS");
        let answer = match asked.ask(node, &question(words)) {
            Ok(trace) => trace.to_text(Style::Plain),
            Err(refusal) => format!("pogu: {}\nhint: {}\n", refusal.what, refusal.hint),
        };
        let gap = if at == 0 { "" } else { "\n" };
        write!(told, "{gap}{header}\n{answer}").expect("a string takes everything");
    }
    told
}

#[test]
fn the_traces_are_as_they_are_written_down() {
    let files = files();
    assert!(files.len() >= 10, "only {} files", files.len());
    for path in files {
        let told = told(&fs::read_to_string(&path).expect("a text"));
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &told).expect("the file can be written");
        }
        let kept = fs::read_to_string(&path).expect("a text");
        assert_eq!(kept, told, "{}; UPDATE_EXPECT=1 makes it anew", path.display());
    }
}

/// But for what cannot be broken: names, addresses and values.
#[test]
fn lines_have_at_most_80_columns() {
    let mut n_checked = 0;
    for path in files() {
        let text = fs::read_to_string(&path).expect("a text");
        let (sections, _) = parts(&text);
        let traces = text.strip_prefix(sections).expect("it is its beginning");
        for line in traces.lines().filter(|line| !line.starts_with(ASK)) {
            let is_one_word = line.trim().trim_start_matches("· ").split(' ').count() == 1;
            assert!(line.chars().count() <= 80 || is_one_word, "{}: {line}", path.display());
            n_checked += 1;
        }
    }
    assert!(n_checked > 100, "only {n_checked} lines");
}
