//! How is a trace shown to a person?

use std::fmt::Write as _;

use crate::observation::{Observation, Reaction};
use crate::trace::{Certainty, Hop, Origin, Trace};
use crate::verdict::{Endpoint, Outcome};
use crate::warning::Warning;

/// How the text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    #[default]
    Plain,
    /// With the colours of a terminal.
    Coloured,
}

/// What nobody needs to scroll sideways for.
const WIDTH: usize = 80;

/// Where the text of a hop begins: after the stage and how sure it is.
const INDENT: usize = 22;

/// Endpoints that are listed; of more only their number is told.
const LISTED_MAX: usize = 16;

/// `12 times: 6 answered by pod shop/a, 6 answered by pod shop/b`
fn observed(all: &[Observation]) -> String {
    let mut kinds: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    for seen in all {
        let by = match (&seen.server, seen.endpoint) {
            (Some(server), _) => format!(" by {}, which saw {}", server.pod, server.client.ip()),
            (None, Some(endpoint)) => format!(" by {endpoint}"),
            (None, None) => String::new(),
        };
        let by = if seen.reaction == Reaction::Answered { by } else { String::new() };
        *kinds.entry(format!("{}{by}", seen.reaction.as_str())).or_default() += 1;
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    format!(
        "{} to {}: {}",
        times(all.len()),
        all.first().map_or_else(String::new, |it| it.to.to_string()),
        kinds.join("; ")
    )
}

fn times(n: usize) -> String {
    if n == 1 { "once".to_owned() } else { format!("{n} times") }
}

#[derive(Debug, Clone, Copy)]
enum Paint {
    Bold,
    Dim,
    Green,
    Yellow,
    Red,
    Cyan,
}

impl Trace {
    /// For people: lines of at most 80 columns, as far as names and addresses allow.
    #[must_use]
    pub fn to_text(&self, style: Style) -> String {
        let mut page = Page { text: String::new(), style };
        page.wrap(0, 2, &format!("{} asks for {}", self.from, self.target));
        page.verdict(self);
        page.seen(self);
        page.text.push('\n');
        for hop in &self.hops {
            page.hop(hop);
        }
        page.endpoints(&self.verdict.endpoints);
        if !self.warnings.is_empty() {
            page.text.push('\n');
        }
        for warning in &self.warnings {
            page.warning(warning);
        }
        page.text
    }
}

struct Page {
    text: String,
    style: Style,
}

impl Page {
    fn paint(&self, paint: Paint, text: &str) -> String {
        let code = match paint {
            Paint::Bold => "1",
            Paint::Dim => "2",
            Paint::Green => "32",
            Paint::Yellow => "33",
            Paint::Red => "31",
            Paint::Cyan => "36",
        };
        match self.style {
            Style::Plain => text.to_owned(),
            Style::Coloured => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }

    fn verdict(&mut self, trace: &Trace) {
        let paint = match trace.verdict.outcome {
            Outcome::Forward | Outcome::Direct | Outcome::AnsweredHere | Outcome::Resolved => {
                Paint::Green
            }
            Outcome::Drop | Outcome::Reject | Outcome::NoSuchName | Outcome::Unanswered => {
                Paint::Red
            }
            Outcome::NotService | Outcome::Unknown => Paint::Yellow,
        };
        let word = trace.verdict.outcome.as_str();
        let lines = wrapped(&format!("{word}: {}", trace.verdict.says), WIDTH, WIDTH - 2);
        for (at, line) in lines.iter().enumerate() {
            let indent = if at == 0 { "" } else { "  " };
            let line = self.paint(paint, line);
            self.line(&format!("{indent}{line}"));
        }
    }

    /// What happened when it was tried: what was foretold wrongly comes first.
    fn seen(&mut self, trace: &Trace) {
        for difference in &trace.differences {
            for (at, line) in
                wrapped(&format!("WRONG: {difference}"), WIDTH, WIDTH - 2).iter().enumerate()
            {
                let indent = if at == 0 { "" } else { "  " };
                let line = self.paint(Paint::Red, line);
                self.line(&format!("{indent}{line}"));
            }
        }
        if !trace.observations.is_empty() {
            self.wrap(0, 2, &format!("tried: {}", observed(&trace.observations)));
        }
    }

    fn hop(&mut self, hop: &Hop) {
        let certainty = match hop.certainty {
            Certainty::Expected => Paint::Dim,
            Certainty::Programmed => Paint::Green,
            Certainty::Observed => Paint::Cyan,
        };
        let stage = self.paint(Paint::Bold, &format!("{:<10}", hop.stage.as_str()));
        let sure = self.paint(certainty, &format!("{:<12}", hop.certainty.as_str()));
        let lines = wrapped(&hop.says, WIDTH - INDENT, WIDTH - INDENT);
        let mut head = format!("{stage}{sure}");
        for line in lines {
            self.line(&format!("{head}{line}"));
            head = " ".repeat(INDENT);
        }
        self.origins(INDENT, &hop.origins);
        if let Some(change) = &hop.change {
            self.wrap(INDENT, INDENT + 2, &format!("otherwise with {change}"));
        }
    }

    fn origins(&mut self, indent: usize, origins: &[Origin]) {
        for origin in origins {
            let text = origin.to_string();
            let width = WIDTH - indent - 2;
            for (at, line) in wrapped(&text, width, width).iter().enumerate() {
                let mark = if at == 0 { "· " } else { "  " };
                let line = self.paint(Paint::Dim, &format!("{mark}{line}"));
                self.line(&format!("{}{line}", " ".repeat(indent)));
            }
        }
    }

    fn endpoints(&mut self, endpoints: &[Endpoint]) {
        if endpoints.is_empty() {
            return;
        }
        self.text.push('\n');
        let listed = endpoints.get(..LISTED_MAX).unwrap_or(endpoints);
        let width = listed.iter().map(|it| it.address.to_string().len()).max().unwrap_or(0);
        for endpoint in listed {
            let percent = format!("{:.1} %", endpoint.probability * 100.0);
            let mut line = format!(
                "{:<width$}  {percent:>7}  {}",
                endpoint.address.to_string(),
                endpoint.state.as_str()
            );
            if let Some(node) = &endpoint.node {
                write!(line, ", node {node}").expect("a string takes everything");
            }
            line.push_str(if endpoint.source.is_rewritten {
                ", client hidden"
            } else {
                ", client seen"
            });
            if let Some(pod) = &endpoint.pod {
                write!(line, ", pod/{pod}").expect("a string takes everything");
            }
            self.wrap(2, width + 13, &line);
        }
        if endpoints.len() > listed.len() {
            self.line(&format!("  and {} more", endpoints.len() - listed.len()));
        }
    }

    fn warning(&mut self, warning: &Warning) {
        let mark = self.paint(Paint::Yellow, "!");
        let lines = wrapped(&warning.says, WIDTH - 2, WIDTH - 2);
        for (at, line) in lines.iter().enumerate() {
            let mark = if at == 0 { &*mark } else { " " };
            self.line(&format!("{mark} {line}"));
        }
        self.origins(2, &warning.origins);
    }

    /// The first line begins at one column, the others at another.
    fn wrap(&mut self, first: usize, rest: usize, text: &str) {
        let lines = wrapped(text, WIDTH - first, WIDTH - rest);
        for (at, line) in lines.iter().enumerate() {
            let indent = if at == 0 { first } else { rest };
            self.line(&format!("{}{line}", " ".repeat(indent)));
        }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }
}

/// Breaks at spaces, which stay as they are within a line; a word that is too long stands alone.
fn wrapped(text: &str, first: usize, rest: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line: Option<String> = None;
    for word in text.split(' ') {
        let width = if lines.is_empty() { first } else { rest };
        line = Some(match line {
            None => word.to_owned(),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                format!("{line} {word}")
            }
            Some(line) => {
                lines.push(line);
                word.to_owned()
            }
        });
    }
    lines.extend(line);
    lines
}
