//! Which words does a Corefile consist of?

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::notice::{Notices, Origin, quoted};
use super::COREFILE_BYTES_MAX;

/// Bytes that words may have together, once variables are replaced.
const REPLACED_MAX: usize = 4 * COREFILE_BYTES_MAX;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// Counted from one.
    pub(super) line: u32,
    pub(super) word: String,
}

/// Splits a text into words. Quotes hold a word together, over lines too; `#` begins a comment;
/// variables of the environment are replaced.
pub(super) fn tokens(
    source: &Arc<str>,
    text: &str,
    environment: &BTreeMap<String, String>,
    notices: &mut Notices,
) -> Vec<Token> {
    if text.len() > COREFILE_BYTES_MAX {
        let message = format!("longer than {COREFILE_BYTES_MAX} bytes: nothing of it is read");
        notices.add(&Origin::new(source), message);
        return Vec::new();
    }
    let mut replaced = REPLACED_MAX;
    let mut tokens = Vec::new();
    let mut line: u32 = 1;
    let mut rest = text.trim_start_matches('\u{feff}');
    while let Some(first) = rest.chars().next() {
        let mut length = first.len_utf8();
        if first.is_whitespace() {
            line += u32::from(first == '\n');
        } else if first == '#' {
            length = rest.find('\n').unwrap_or(rest.len());
        } else {
            let origin = Origin::at(source, line);
            let begins = line;
            let (word, taken) = if first == '"' { quoted_word(rest) } else { bare_word(rest) };
            line += u32::try_from(rest[..taken].matches('\n').count()).unwrap_or(u32::MAX);
            length = taken;
            let word = replace(&word, environment, &mut replaced, &origin, notices);
            tokens.push(Token { line: begins, word });
        }
        rest = &rest[length..];
    }
    tokens
}

/// Up to the next blank.
fn bare_word(text: &str) -> (String, usize) {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    (text[..end].to_owned(), end)
}

/// Up to the next quote, or to the end of the text. `\"` is a quote in the word, and every other
/// backslash is itself: patterns are full of them.
fn quoted_word(text: &str) -> (String, usize) {
    let mut word = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = chars.next() {
        match character {
            '"' => return (word, at + 1),
            '\\' if chars.next_if(|(_, next)| *next == '"').is_some() => word.push('"'),
            _ => word.push(character),
        }
    }
    (word, text.len())
}

/// Puts the values of variables for `{$NAME}` and `{%NAME%}`.
fn replace(
    word: &str,
    environment: &BTreeMap<String, String>,
    budget: &mut usize,
    origin: &Origin,
    notices: &mut Notices,
) -> String {
    let mut out = String::new();
    let mut rest = word;
    while let Some((at, name, end)) = variable(rest) {
        out.push_str(&rest[..at]);
        match environment.get(name) {
            Some(value) if value.len() <= *budget => {
                *budget -= value.len();
                out.push_str(value);
            }
            Some(_) => notices
                .add(origin, format!("variable {} is too long, taken as empty", quoted(name))),
            None => {
                notices.add(origin, format!("variable {} is not set, taken as empty", quoted(name)))
            }
        }
        rest = &rest[end..];
    }
    out + rest
}

/// The first variable: where it begins, its name, where it ends.
fn variable(text: &str) -> Option<(usize, &str, usize)> {
    let mut from = 0;
    while let Some(at) = text[from..].find('{').map(|at| from + at) {
        let rest = &text[at..];
        for (open, close) in [("{$", "}"), ("{%", "%}")] {
            let inner = rest.strip_prefix(open).and_then(|rest| rest.split_once(close));
            if let Some((name, _)) = inner {
                return Some((at, name, at + open.len() + name.len() + close.len()));
            }
        }
        from = at + 1;
    }
    None
}
