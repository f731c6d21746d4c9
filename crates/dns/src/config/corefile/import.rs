//! Which lines does a Corefile have once every `import` is replaced by what it names?

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::notice::{Notices, quoted};
use super::CorefileText;
use super::token::tokens;
use super::tree::{Line, lines as tree_lines};

/// Imports in what is imported.
const DEPTH_MAX: usize = 8;

/// What all lines together may cost, so that imports of imports end: bytes, and some for each line.
const COST_MAX: usize = 4 * 1024 * 1024;
const LINE_COST: usize = 64;

/// The lines of the whole Corefile: server blocks.
pub(super) fn lines(source: &CorefileText<'_>, notices: &mut Notices) -> Vec<Line> {
    let name: Arc<str> = source.name.into();
    let tokens = tokens(&name, source.text, source.environment, notices);
    let all = tree_lines(&name, tokens, notices);
    let (snippets, files) = (BTreeMap::new(), BTreeMap::new());
    let mut imports = Imports { source, notices, snippets, files, cost: 0, is_full: false };
    let own = imports.without_snippets(all);
    imports.expand(&own, 0)
}

/// `(name) { … }` is a snippet: lines to import.
fn snippet_name(line: &Line) -> Option<&str> {
    let name = line.name().strip_prefix('(')?.strip_suffix(')')?;
    (line.has_body && line.words.len() == 1).then_some(name)
}

struct Imports<'a> {
    source: &'a CorefileText<'a>,
    notices: &'a mut Notices,
    snippets: BTreeMap<String, Arc<[Line]>>,
    /// The files that were read so far.
    files: BTreeMap<&'a str, Arc<[Line]>>,
    cost: usize,
    is_full: bool,
}

impl<'a> Imports<'a> {
    /// Keeps the snippets of a text, to be imported by what follows.
    fn without_snippets(&mut self, lines: Vec<Line>) -> Vec<Line> {
        let mut own = Vec::new();
        for line in lines {
            match snippet_name(&line) {
                Some(name) => {
                    self.snippets.insert(name.to_owned(), Arc::from(line.body));
                }
                None => own.push(line),
            }
        }
        own
    }

    fn expand(&mut self, lines: &[Line], depth: usize) -> Vec<Line> {
        let mut expanded = Vec::new();
        for line in lines {
            self.cost += LINE_COST + line.words.iter().map(String::len).sum::<usize>();
            if self.cost > COST_MAX {
                if !self.is_full {
                    let message = "too much is imported: what follows is ignored";
                    self.notices.add(&line.origin, message);
                }
                self.is_full = true;
                return expanded;
            }
            if line.name() == "import" && !line.has_body {
                expanded.extend(self.import(line, depth));
            } else {
                let body = self.expand(&line.body, depth);
                expanded.push(Line {
                    body,
                    words: line.words.clone(),
                    origin: line.origin.clone(),
                    ..*line
                });
            }
        }
        expanded
    }

    fn import(&mut self, line: &Line, depth: usize) -> Vec<Line> {
        let [pattern, rest @ ..] = line.arguments() else {
            self.notices.add(&line.origin, "import names nothing, ignored");
            return Vec::new();
        };
        if !rest.is_empty() {
            self.notices.add(&line.origin, "arguments of import are not understood, ignored");
        }
        if depth == DEPTH_MAX {
            let message = format!("imports nested deeper than {DEPTH_MAX}, ignored");
            self.notices.add(&line.origin, message);
            return Vec::new();
        }
        if let Some(snippet) = self.snippets.get(pattern) {
            let snippet = Arc::clone(snippet);
            return self.expand(&snippet, depth + 1);
        }
        let wanted = last_part(pattern);
        let source = self.source;
        let found: Vec<(&str, &str)> = source
            .imports
            .iter()
            .filter(|(name, _)| matches(wanted.as_bytes(), last_part(name).as_bytes()))
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        // A pattern may match nothing: that is what it is for.
        if found.is_empty() && !wanted.contains(['*', '?']) {
            let message = format!("import {} is not there, ignored", quoted(pattern));
            self.notices.add(&line.origin, message);
        }
        let mut expanded = Vec::new();
        for (name, text) in found {
            let lines = self.file(name, text);
            expanded.extend(self.expand(&lines, depth + 1));
        }
        expanded
    }

    /// Each file is read once, however often it is imported.
    fn file(&mut self, name: &'a str, text: &str) -> Arc<[Line]> {
        if let Some(lines) = self.files.get(name) {
            return Arc::clone(lines);
        }
        let source: Arc<str> = name.into();
        let tokens = tokens(&source, text, self.source.environment, self.notices);
        let lines = tree_lines(&source, tokens, self.notices);
        let lines: Arc<[Line]> = self.without_snippets(lines).into();
        self.files.insert(name, Arc::clone(&lines));
        lines
    }
}

fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a name matches a pattern, where `*` is any text and `?` any byte.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    // Where to go on after a mismatch: behind the last star, one byte further.
    let mut retry: Option<(usize, usize)> = None;
    let (mut at, mut byte) = (0, 0);
    while byte < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                retry = Some((at + 1, byte));
                at += 1;
            }
            Some(wanted) if *wanted == b'?' || Some(wanted) == name.get(byte) => {
                at += 1;
                byte += 1;
            }
            Some(_) | None => match retry {
                Some((after_star, from)) => {
                    retry = Some((after_star, from + 1));
                    at = after_star;
                    byte = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_file_names() {
        let cases = [
            ("*.server", "a.server", true),
            ("*.server", "a.override", false),
            ("*.server", ".server", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-d", false),
            ("*", "", true),
            ("", "a", false),
            ("a", "a", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }
}
