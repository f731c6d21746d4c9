//! Which lines does a Corefile have, and which of them stand in the braces of another?

use std::sync::Arc;

use super::super::notice::{Notices, Origin};
use super::token::Token;

/// Braces in braces. A Corefile needs three: block, plugin, option.
const DEPTH_MAX: usize = 8;

/// One line, with the lines of its braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) origin: Origin,
    pub(super) words: Vec<String>,
    pub(super) body: Vec<Self>,
    pub(super) has_body: bool,
}

impl Line {
    /// What it is about: a plugin, an option. (Of a server block: its first zone.)
    pub(super) fn name(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// What follows the name.
    pub(super) fn arguments(&self) -> &[String] {
        self.words.get(1..).unwrap_or_default()
    }

    /// The line as it was written.
    pub(super) fn text(&self) -> String {
        self.words.join(" ")
    }

    fn new(source: &Arc<str>, line: u32) -> Self {
        let origin = Origin::at(source, line);
        Self { origin, words: Vec::new(), body: Vec::new(), has_body: false }
    }
}

/// Lines that are open: each is the one that the next brace belongs to.
struct Tree<'a> {
    source: &'a Arc<str>,
    notices: &'a mut Notices,
    /// The lines around this place, outermost first, each with the lines before it.
    open: Vec<(Vec<Line>, Line)>,
    done: Vec<Line>,
    current: Option<(Line, u32)>,
    /// Braces that are open inside of what is too deep to be read.
    skipped: usize,
}

pub(super) fn lines(source: &Arc<str>, tokens: Vec<Token>, notices: &mut Notices) -> Vec<Line> {
    let (open, done) = (Vec::new(), Vec::new());
    let mut tree = Tree { source, notices, open, done, current: None, skipped: 0 };
    for token in tokens {
        tree.take(token);
    }
    tree.finish()
}

impl Tree<'_> {
    fn take(&mut self, token: Token) {
        let Token { line, word } = token;
        if self.skipped > 0 {
            match word.as_str() {
                "{" => self.skipped += 1,
                "}" => self.skipped -= 1,
                _ => {}
            }
            return;
        }
        match word.as_str() {
            "{" => self.begin_body(line),
            "}" => self.end_body(line),
            _ => self.push_word(line, word),
        }
    }

    fn push_word(&mut self, line: u32, word: String) {
        // Zones may stand on several lines, with commas between.
        let continues = self.open.is_empty()
            && self.current.as_ref().is_some_and(|(current, _)| {
                current.words.last().is_some_and(|word| word.ends_with(','))
            });
        if !continues && self.current.as_ref().is_some_and(|(_, last)| *last != line) {
            self.end_line();
        }
        let source = self.source;
        let (current, last) = self.current.get_or_insert_with(|| (Line::new(source, line), line));
        *last = line;
        current.words.push(word);
    }

    fn end_line(&mut self) {
        if let Some((line, _)) = self.current.take() {
            self.done.push(line);
        }
    }

    fn begin_body(&mut self, line: u32) {
        let (mut owner, _) =
            self.current.take().unwrap_or_else(|| (Line::new(self.source, line), line));
        owner.has_body = true;
        if owner.words.is_empty() {
            self.notices.add(&owner.origin, "braces without a name before them, ignored");
        }
        if self.open.len() == DEPTH_MAX {
            let message = format!("braces nested deeper than {DEPTH_MAX}, ignored");
            self.notices.add(&owner.origin, message);
            self.done.push(owner);
            self.skipped = 1;
            return;
        }
        self.open.push((std::mem::take(&mut self.done), owner));
    }

    fn end_body(&mut self, line: u32) {
        self.end_line();
        match self.open.pop() {
            Some((before, mut owner)) => {
                owner.body = std::mem::replace(&mut self.done, before);
                // What stands in braces without a name belongs to nobody.
                if !owner.words.is_empty() {
                    self.done.push(owner);
                }
            }
            None => {
                let origin = Origin::at(self.source, line);
                self.notices.add(&origin, "a closing brace without an opening one, ignored");
            }
        }
    }

    fn finish(mut self) -> Vec<Line> {
        self.end_line();
        while let Some((_, owner)) = self.open.last() {
            let line = owner.origin.line.unwrap_or(1);
            let message = "a brace that opens here is not closed: read as if it were at the end";
            self.notices.add(&owner.origin.clone(), message);
            self.end_body(line);
        }
        self.done
    }
}
