//! Where does each document of a file begin and end?
//!
//! A line that begins with `---` or `...` ends a document wherever it stands, inside quotes too: so
//! says YAML. That makes the cut safe without reading anything, and a broken document cannot take
//! the following ones with it.

/// A document that is not empty.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Document<'a> {
    /// The number of its first line in the file, from 1.
    pub(super) line: usize,
    pub(super) text: &'a str,
}

pub(super) fn documents(text: &str) -> Vec<Document<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut found = Vec::new();
    let (mut start, mut first_line) = (0, 1);
    let mut end = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let is_start = is_marker(line, "---");
        if is_start || is_marker(line, "...") {
            found.push((first_line, start..end));
            // What stands behind `---` belongs to the new document, so the line does.
            start = if is_start { end } else { end + line.len() };
            first_line = if is_start { index + 1 } else { index + 2 };
        }
        end += line.len();
    }
    found.push((first_line, start..end));
    let document = |(line, range)| Document { line, text: text.get(range).unwrap_or_default() };
    found.into_iter().map(document).filter(|it| !is_empty(it.text)).collect()
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// Nothing but blank lines, comments and directives.
fn is_empty(text: &str) -> bool {
    let text = text.strip_prefix("---").filter(|_| is_marker(text, "---")).unwrap_or(text);
    text.lines().all(|line| {
        let line = line.trim();
        line.is_empty() || line.starts_with('#') || line.starts_with('%')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_at_markers_and_keeps_line_numbers() {
        let cases: [(&str, &[(usize, &str)]); 10] = [
            ("", &[]),
            ("# only a comment\n---\n---\n", &[]),
            ("a: 1", &[(1, "a: 1")]),
            ("\u{feff}a: 1\n---\nb: 2\n", &[(1, "a: 1\n"), (2, "---\nb: 2\n")]),
            ("a: 1\r\n---\r\nb: 2\r\n", &[(1, "a: 1\r\n"), (2, "---\r\nb: 2\r\n")]),
            (
                "--- # one\na: 1\n...\n# end\n---\nb: 2",
                &[(1, "--- # one\na: 1\n"), (5, "---\nb: 2")],
            ),
            ("--- {a: 1}\n", &[(1, "--- {a: 1}\n")]),
            ("%YAML 1.2\n---\na: 1\n", &[(2, "---\na: 1\n")]),
            (
                "a: |\n  text\n  ---\nb: ----\n----: c\n",
                &[(1, "a: |\n  text\n  ---\nb: ----\n----: c\n")],
            ),
            ("a: \"open\n---\nb: 2\n", &[(1, "a: \"open\n"), (2, "---\nb: 2\n")]),
        ];
        for (text, expected) in cases {
            let found: Vec<_> = documents(text).iter().map(|it| (it.line, it.text)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
