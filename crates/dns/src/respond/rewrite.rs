//! Which question is answered in place of another, and how is its answer changed back?

use std::borrow::Cow;

use regex_lite::{Captures, Regex};

use crate::config::{AnswerChange, Change, NameMatch, Rewrite};
use crate::wire::{Class, RecordType};

/// Rules in order, ready to be matched.
#[derive(Debug, Clone, Default)]
pub struct Rewrites(Vec<Rule>);

#[derive(Debug, Clone)]
struct Rule {
    change: Change,
    pattern: Option<Regex>,
    answers: Vec<(AnswerChange, Option<Regex>)>,
    continues: bool,
}

/// A question after all rules that matched. Names are texts in lower case without the final dot.
#[derive(Debug, Clone)]
pub(super) struct Rewritten<'r> {
    pub(super) name: String,
    pub(super) rtype: RecordType,
    pub(super) class: Class,
    changes: Vec<&'r (AnswerChange, Option<Regex>)>,
    ttl: Option<(u32, u32)>,
}

impl Rewrites {
    /// A pattern that is none matches nothing: whoever read the rules has told so.
    #[must_use]
    pub fn new(rules: &[Rewrite]) -> Self {
        let rule = |rewrite: &Rewrite| {
            let (from, answers) = match &rewrite.change {
                Change::Name { from, answers, .. } => (Some(from), answers.as_slice()),
                Change::Ttl { from, .. } => (Some(from), &[][..]),
                Change::Type { .. } | Change::Class { .. } => (None, &[][..]),
            };
            let pattern = from.and_then(|from| match from {
                NameMatch::Regex(pattern) => Regex::new(pattern).ok(),
                NameMatch::Exact(_)
                | NameMatch::Prefix(_)
                | NameMatch::Suffix(_)
                | NameMatch::Substring(_) => None,
            });
            let answers = answers.iter().map(|answer| match answer {
                AnswerChange::Auto => (answer.clone(), None),
                AnswerChange::Name { pattern, .. } | AnswerChange::Value { pattern, .. } => {
                    (answer.clone(), Regex::new(pattern).ok())
                }
            });
            Rule {
                change: rewrite.change.clone(),
                pattern,
                answers: answers.collect(),
                continues: rewrite.continues,
            }
        };
        Self(rules.iter().map(rule).collect())
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The question in place of this one; `None` where no rule matches.
    pub(super) fn apply(
        &self,
        name: &str,
        rtype: RecordType,
        class: Class,
    ) -> Option<Rewritten<'_>> {
        let changes = Vec::new();
        let mut now = Rewritten { name: name.to_owned(), rtype, class, changes, ttl: None };
        let mut has_matched = false;
        for rule in &self.0 {
            if !rule.apply(&mut now) {
                continue;
            }
            has_matched = true;
            if !rule.continues {
                break;
            }
        }
        has_matched.then_some(now)
    }
}

impl Rule {
    fn apply<'r>(&'r self, now: &mut Rewritten<'r>) -> bool {
        match &self.change {
            Change::Name { from, to, .. } => {
                let Some(changed) = replace(&now.name, from, self.pattern.as_ref(), to) else {
                    return false;
                };
                now.name = changed;
                now.changes.extend(&self.answers);
                true
            }
            Change::Type { from, to } => {
                let matches = now.rtype.0 == *from;
                now.rtype = RecordType(if matches { *to } else { now.rtype.0 });
                matches
            }
            Change::Class { from, to } => {
                let matches = now.class.0 == *from;
                now.class = Class(if matches { *to } else { now.class.0 });
                matches
            }
            Change::Ttl { from, min, max } => {
                let matches = replace(&now.name, from, self.pattern.as_ref(), "").is_some();
                if matches {
                    now.ttl = Some((*min, *max));
                }
                matches
            }
        }
    }
}

impl Rewritten<'_> {
    /// A record's TTL.
    pub(super) fn ttl(&self, ttl: u32) -> u32 {
        self.ttl.map_or(ttl, |(min, max)| ttl.min(max).max(min))
    }

    /// The name of a record's owner, where a rule says so.
    pub(super) fn owner<'n>(&self, name: &'n str) -> Cow<'n, str> {
        self.change(name, |change| match change {
            AnswerChange::Name { to, .. } => Some(to),
            AnswerChange::Auto | AnswerChange::Value { .. } => None,
        })
    }

    /// A name that a record holds.
    pub(super) fn value<'n>(&self, name: &'n str) -> Cow<'n, str> {
        self.change(name, |change| match change {
            AnswerChange::Value { to, .. } => Some(to),
            AnswerChange::Auto | AnswerChange::Name { .. } => None,
        })
    }

    fn change<'n>(
        &self,
        name: &'n str,
        to: impl Fn(&AnswerChange) -> Option<&std::sync::Arc<str>>,
    ) -> Cow<'n, str> {
        let dotted = format!("{name}.");
        let changed = self.changes.iter().find_map(|(change, pattern)| {
            let captures = pattern.as_ref()?.captures(&dotted)?;
            Some(fill(to(change)?, &captures))
        });
        changed.map_or(Cow::Borrowed(name), Cow::Owned)
    }
}

fn replace(name: &str, from: &NameMatch, pattern: Option<&Regex>, to: &str) -> Option<String> {
    match from {
        NameMatch::Exact(text) => (name == &**text).then(|| to.to_owned()),
        NameMatch::Prefix(text) => Some(format!("{to}{}", name.strip_prefix(&**text)?)),
        NameMatch::Suffix(text) => Some(format!("{}{to}", name.strip_suffix(&**text)?)),
        NameMatch::Substring(text) => {
            name.contains(&**text).then(|| name.replacen(&**text, to, usize::MAX))
        }
        NameMatch::Regex(_) => {
            let dotted = format!("{name}.");
            Some(fill(to, &pattern?.captures(&dotted)?))
        }
    }
}

/// `{1}` is the first group.
fn fill(template: &str, captures: &Captures<'_>) -> String {
    let mut filled = template.to_owned();
    for (index, group) in captures.iter().enumerate() {
        let group = group.map_or("", |group| group.as_str());
        filled = filled.replace(&format!("{{{index}}}"), group.trim_end_matches('.'));
    }
    filled.trim_end_matches('.').to_owned()
}
