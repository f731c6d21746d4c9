//! Is a Rust file short, well named, introduced, and free of words that hide what it does?

use super::Finding;
use super::source::Source;
use super::text::{LEFTOVERS, has_word, leftover};

/// Longer files are shown.
const LINES_WANTED: usize = 400;
/// Longer files fail.
const LINES_MAX: usize = 800;

/// The crate's README is the introduction of its root file.
pub(super) const README_INCLUDED: &str = r#"#![doc = include_str!("../README.md")]"#;

/// Names of files and folders that say nothing of what is in them, or that hide a module's name.
const BANNED_FILE_NAMES: [&str; 9] =
    ["common", "helper", "helpers", "misc", "mod", "types", "util", "utils", "consts"];

/// Endings of type names that say nothing of what the type is. (`Data` says little too, but it is
/// nftables' own word for what an element holds.)
const BANNED_TYPE_ENDINGS: [&str; 6] = ["Manager", "Handler", "Factory", "Helper", "Util", "Info"];

/// Phrases that tell of the past or of a plan, instead of what is.
const BANNED_PHRASES: [&str; 3] = ["for now", "previously", "now uses"];

/// Code that lets a test or the compiler look away, and what to do instead.
const BANNED_CODE: [(&str, &str); 3] = [
    ("#[ignore", "a test runs, or says why not and fails in CI"),
    ("#[should_panic", "compare the error"),
    ("allow(dead_code", "delete what nobody uses"),
];

pub(super) fn check(path: &str, text: &str, source: &Source) -> Vec<Finding> {
    let mut findings = check_file(path, text);
    for (index, line) in source.code.lines().enumerate() {
        findings.extend(code(line).into_iter().map(|message| Finding::at(path, index, message)));
    }
    for (index, line) in source.comments.lines().enumerate() {
        findings.extend(prose(line).into_iter().map(|message| Finding::at(path, index, message)));
    }
    findings
}

fn check_file(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let first = text.lines().next().unwrap_or_default();
    if !first.starts_with("//!") && first != README_INCLUDED {
        let message = "begin with `//!` and the question that the file answers";
        findings.push(Finding::at(path, 0, message));
    }
    let lines = text.lines().count();
    if lines > LINES_MAX {
        findings.push(Finding::in_file(path, format!("{lines} lines, more than {LINES_MAX}")));
    } else if lines > LINES_WANTED {
        let message = format!("{lines} lines, more than {LINES_WANTED}");
        findings.push(Finding::in_file(path, message).into_warning());
    }
    for part in path.split('/') {
        let name = part.strip_suffix(".rs").unwrap_or(part);
        if BANNED_FILE_NAMES.contains(&name) {
            findings.push(Finding::in_file(path, format!("name says nothing: {name}")));
        }
    }
    findings
}

fn code(line: &str) -> Vec<String> {
    let mut messages = Vec::new();
    for (banned, instead) in BANNED_CODE {
        if line.contains(banned) {
            messages.push(format!("{instead}; not: {banned}"));
        }
    }
    let words: Vec<&str> = line
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|w| !w.is_empty())
        .collect();
    for pair in words.windows(2) {
        let &[keyword, name] = pair else { continue };
        let is_type = matches!(keyword, "struct" | "enum" | "trait" | "type" | "union");
        if is_type && BANNED_TYPE_ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            messages.push(format!("type name says nothing: {name}"));
        }
        // `get_mut` beside `get` is what the standard library calls it.
        if keyword == "fn" && name.starts_with("get_") && name != "get_mut" {
            messages.push(format!("a getter is named for what it gives: {name}"));
        }
    }
    messages
}

fn prose(line: &str) -> Vec<String> {
    let lower = line.to_lowercase();
    let phrases = BANNED_PHRASES.iter().filter(|phrase| has_word(&lower, phrase));
    let leftovers = LEFTOVERS.iter().filter(|word| has_word(line, word));
    phrases
        .map(|phrase| format!("say what is, not what was or will be: {phrase}"))
        .chain(leftovers.map(|word| leftover(word)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::source::split;
    use super::*;

    #[track_caller]
    fn expect(path: &str, text: &str, expected: &[&str]) {
        let found: Vec<String> =
            check(path, text, &split(text)).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_file_begins_with_its_question() {
        let missing = "a.rs:1: begin with `//!` and the question that the file answers";
        expect("a.rs", "", &[missing]);
        expect("a.rs", "// What?\n", &[missing]);
        expect("a.rs", "//! What?\n", &[]);
        expect("lib.rs", &format!("{README_INCLUDED}\n"), &[]);
    }

    #[test]
    fn long_files_are_shown_and_longer_ones_fail() {
        let of_lines = |lines: usize| format!("//! What?\n{}", "\n".repeat(lines - 1));
        expect("a.rs", &of_lines(400), &[]);
        expect("a.rs", &of_lines(401), &["a.rs: warning: 401 lines, more than 400"]);
        expect("a.rs", &of_lines(800), &["a.rs: warning: 800 lines, more than 400"]);
        expect("a.rs", &of_lines(801), &["a.rs: 801 lines, more than 800"]);
    }

    #[test]
    fn names_that_say_nothing_are_found() {
        expect("a/src/utils.rs", "//! What?\n", &["a/src/utils.rs: name says nothing: utils"]);
        expect("a/src/b/mod.rs", "//! What?\n", &["a/src/b/mod.rs: name says nothing: mod"]);
        expect("common/src/a.rs", "//! What?\n", &["common/src/a.rs: name says nothing: common"]);
        expect("a/src/model.rs", "//! What?\n", &[]);
    }

    #[test]
    fn types_and_getters_that_say_nothing_are_found() {
        expect(
            "a.rs",
            "//! What?\npub(crate) struct LeaseManager<T>(T);\nfn get_lease() {}\n",
            &[
                "a.rs:2: type name says nothing: LeaseManager",
                "a.rs:3: a getter is named for what it gives: get_lease",
            ],
        );
        expect("a.rs", "//! What?\nuse x::SignalHandler;\nfn get() {}\n", &[]);
    }

    #[test]
    fn looking_away_is_found() {
        expect(
            "a.rs",
            "//! What?\n#[ignore = \"slow\"]\n#[should_panic]\n#[allow(dead_code)]\n",
            &[
                "a.rs:2: a test runs, or says why not and fails in CI; not: #[ignore",
                "a.rs:3: compare the error; not: #[should_panic",
                "a.rs:4: delete what nobody uses; not: allow(dead_code",
            ],
        );
        expect("a.rs", "//! What?\nlet a = \"#[ignore]\"; // #[ignore]\n", &[]);
    }

    #[test]
    fn the_past_and_the_unfinished_are_found_in_comments() {
        let text = concat!("//! What?\n// For", " now, so.\n// TO", "DO so\nlet previously = 1;\n");
        expect(
            "a.rs",
            text,
            &[
                "a.rs:2: say what is, not what was or will be: for now",
                "a.rs:3: left-over TODO: do it, or say in the documents that it is absent",
            ],
        );
    }
}
