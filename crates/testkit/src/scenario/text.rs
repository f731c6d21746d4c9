//! Which sections and lines does the text have?

use super::error::Problem;

/// A section: `-- HEADER --` and the lines up to the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section<'a> {
    pub(super) line: usize,
    pub(super) header: &'a str,
    pub(super) body: Vec<Line<'a>>,
}

/// A line with its number; comments are still in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) number: usize,
    pub(super) raw: &'a str,
}

impl<'a> Line<'a> {
    /// The line up to its comment, without white space around it.
    pub(super) fn content(self) -> &'a str {
        without_comment(self.raw).trim()
    }

    pub(super) fn is_indented(self) -> bool {
        self.raw.starts_with([' ', '\t'])
    }
}

/// A `#` begins a comment at the start of a line or after white space.
fn without_comment(raw: &str) -> &str {
    let begins =
        |(at, _): &(usize, &str)| raw[..*at].chars().next_back().is_none_or(char::is_whitespace);
    raw.match_indices('#').find(begins).map_or(raw, |(at, _)| &raw[..at])
}

/// Splits the text after its goal line. Lines before the first section must be empty or comments.
pub(super) fn sections(text: &str) -> Result<(&str, Vec<Section<'_>>), (usize, Problem)> {
    let mut lines = text.lines().enumerate().map(|(at, raw)| Line { number: at + 1, raw });
    let goal = lines
        .next()
        .and_then(|line| line.raw.strip_prefix("goal: "))
        .map(str::trim)
        .filter(|goal| !goal.is_empty())
        .ok_or((1, Problem::Missing("goal: the behaviour, as the first line")))?;
    let mut sections: Vec<Section<'_>> = Vec::new();
    for line in lines {
        let header = line.content().strip_prefix("-- ").and_then(|rest| rest.strip_suffix(" --"));
        match (header, sections.last_mut()) {
            (Some(header), _) => {
                let header = header.trim();
                sections.push(Section { line: line.number, header, body: Vec::new() });
            }
            (None, Some(section)) => section.body.push(line),
            (None, None) if line.content().is_empty() => {}
            (None, None) => {
                return Err((line.number, Problem::expected("-- cluster --", line.content())));
            }
        }
    }
    Ok((goal, sections))
}
