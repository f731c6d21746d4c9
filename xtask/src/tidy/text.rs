//! Does any file hold what no file should: notes of unfinished work, or paths of somebody's machine?

use super::Finding;

/// Notes that say "this is not done". What is not done stands in the documents, by name.
pub(super) const LEFTOVERS: [&str; 3] = ["TODO", "FIXME", "XXX"];

/// Top-level folders that hold one person's or one machine's files.
const PRIVATE_FOLDERS: [&str; 3] = ["root", "work", "home"];

pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let is_markdown = path.ends_with(".md");
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for folder in PRIVATE_FOLDERS {
            if names_folder(line, folder) {
                let message = format!("names a path of one machine: /{folder}/");
                findings.push(Finding::at(path, index, message));
            }
        }
        // Rust files have a finer rule, which knows code from literals.
        if path.ends_with(".rs") {
            continue;
        }
        let prose = if is_markdown { without_code_spans(line) } else { line.to_owned() };
        for word in LEFTOVERS {
            if has_word(&prose, word) {
                findings.push(Finding::at(path, index, leftover(word)));
            }
        }
    }
    findings
}

pub(super) fn leftover(word: &str) -> String {
    format!("left-over {word}: do it, or say in the documents that it is absent")
}

/// Whether the line has an absolute path below the folder. `site.org/home/` and `~/work/` have not.
fn names_folder(line: &str, folder: &str) -> bool {
    let path = format!("/{folder}/");
    line.match_indices(&path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|before| !(before.is_alphanumeric() || "._-~*}".contains(before)))
    })
}

/// Whether the word or phrase stands in the line, not as a part of a longer word.
pub(super) fn has_word(line: &str, word: &str) -> bool {
    let is_edge = |neighbour: Option<char>| {
        neighbour.is_none_or(|neighbour| !(neighbour.is_alphanumeric() || neighbour == '_'))
    };
    line.match_indices(word).any(|(at, _)| {
        let after = &line[at + word.len()..];
        is_edge(line[..at].chars().next_back()) && is_edge(after.chars().next())
    })
}

/// The parts of a Markdown line outside of backticks.
fn without_code_spans(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn expect(path: &str, text: &str, expected: &[&str]) {
        let found: Vec<String> = check(path, text).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        let text = concat!("fine\nsee `/", "home/anna/notes` and /", "root/x");
        expect(
            "a.rs",
            text,
            &[
                concat!("a.rs:2: names a path of one machine: /", "root/"),
                concat!("a.rs:2: names a path of one machine: /", "home/"),
            ],
        );
    }

    #[test]
    fn a_part_of_a_longer_path_is_not() {
        expect("a.md", "https://example.org/home/x ~/work/y $HOME/root/z crates/*/work/", &[]);
    }

    #[test]
    fn an_unfinished_note_is_found() {
        expect(
            "a.toml",
            concat!("a = 1 # TO", "DO: more"),
            &["a.toml:1: left-over TODO: do it, or say in the documents that it is absent"],
        );
    }

    #[test]
    fn a_document_may_name_the_word_itself() {
        expect("a.md", concat!("tidy refuses `TO", "DO`"), &[]);
    }

    #[test]
    fn a_word_is_not_a_part_of_a_word() {
        assert!(has_word("so, for now.", "for now"));
        assert!(!has_word("for nowhere", "for now"));
        assert!(!has_word("a_TODO", "TODO"));
    }
}
