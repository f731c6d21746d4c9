//! Which characters of a Rust file are code, and which are prose?
//!
//! Enough of Rust's lexical grammar to tell comments and literals from code, so that a rule about
//! code does not stumble over a string that speaks of it.

/// The file twice, line for line and column for column: what does not belong is blank.
/// The contents of string and character literals are in neither.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) code: String,
    pub(super) comments: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Code,
    Comment,
    Literal,
}

pub(super) fn split(text: &str) -> Source {
    let chars: Vec<char> = text.chars().collect();
    let mut source = Source {
        code: String::with_capacity(text.len()),
        comments: String::with_capacity(text.len()),
    };
    let mut at = 0;
    while at < chars.len() {
        let (class, length) = next(&chars, at);
        // A literal that does not end (the file is being written) ends with the file.
        let end = chars.len().min(at + length);
        for &character in &chars[at..end] {
            source.push(class, character);
        }
        at = end;
    }
    source
}

impl Source {
    fn push(&mut self, class: Class, character: char) {
        let keep = |wanted| {
            if character == '\n' || class == wanted { character } else { ' ' }
        };
        self.code.push(keep(Class::Code));
        self.comments.push(keep(Class::Comment));
    }
}

/// What begins at `at`, and how many characters long it is.
fn next(chars: &[char], at: usize) -> (Class, usize) {
    let rest = &chars[at..];
    match rest {
        ['/', '/', ..] => (Class::Comment, until(rest, |rest| rest[0] == '\n')),
        ['/', '*', ..] => (Class::Comment, block_comment(rest)),
        ['\'', '\\', ..] => (Class::Literal, 3 + until(&rest[3.min(rest.len())..], is_quote) + 1),
        ['\'', _, '\'', ..] => (Class::Literal, 3),
        _ => {
            let begins_word = at == 0 || !is_word(chars[at - 1]);
            match string_literal(rest, begins_word) {
                Some(length) => (Class::Literal, length),
                None => (Class::Code, 1),
            }
        }
    }
}

fn is_quote(rest: &[char]) -> bool {
    rest[0] == '\''
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// How many characters come before the first place where `stop` holds.
fn until(rest: &[char], stop: impl Fn(&[char]) -> bool) -> usize {
    (0..rest.len()).find(|&at| stop(&rest[at..])).unwrap_or(rest.len())
}

/// Block comments nest.
fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => {
                depth += 1;
                at += 2;
            }
            ['*', '/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    at
}

/// The length of a string literal, with its prefix, if one begins here.
fn string_literal(rest: &[char], begins_word: bool) -> Option<usize> {
    let mut at = 0;
    if begins_word {
        at += usize::from(matches!(rest.first(), Some('b' | 'c')));
        if rest.get(at) == Some(&'r') {
            let hashes = rest[at + 1..].iter().take_while(|character| **character == '#').count();
            let open = at + 1 + hashes;
            if rest.get(open) == Some(&'"') {
                let is_end = |rest: &[char]| {
                    rest[0] == '"' && rest[1..].iter().take_while(|c| **c == '#').count() >= hashes
                };
                return Some(open + 1 + until(&rest[open + 1..], is_end) + 1 + hashes);
            }
            return None;
        }
    }
    if rest.get(at) != Some(&'"') {
        return None;
    }
    at += 1;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    Some(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, code: &str, comments: &str) {
        let source = split(text);
        let trim = |text: &str| {
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
        };
        let (found_code, found_comments): (Vec<String>, Vec<String>) =
            (trim(&source.code), trim(&source.comments));
        assert_eq!(
            (found_code.join("|"), found_comments.join("|")),
            (code.into(), comments.into())
        );
        assert_eq!(source.code.chars().count(), text.chars().count());
        assert_eq!(source.comments.chars().count(), text.chars().count());
    }

    #[test]
    fn comments_are_apart_from_code() {
        check("let a = 1; // one\nlet b;", "let a = 1;|let b;", "// one|");
        check("a /* b /* c */ d */ e", "a e", "/* b /* c */ d */");
        check("a /* open\n never", "a|", "/* open|never");
    }

    #[test]
    fn literals_are_in_neither() {
        check(r#"f("// not \" a comment") // yes"#, "f( )", "// yes");
        check(r##"f(r#"a " b"#, br"c\", c"d", b"e") g"##, "f( , , , ) g", "");
        check("f('\"', '\\'', '\\u{41}', b'x') g", "f( , , , b ) g", "");
        check("f(\"never ends", "f(", "");
        check("'\\", "", "");
    }

    #[test]
    fn lifetimes_and_names_are_code() {
        check("fn f<'a>(x: &'a str, r#type: bar)", "fn f<'a>(x: &'a str, r#type: bar)", "");
        check("sub\"text\"", "sub", "");
    }

    #[test]
    fn lines_stay_where_they_are() {
        check("a\n\"b\nc\"\n// d\ne", "a||||e", "|||// d|");
    }
}
