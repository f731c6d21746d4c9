//! What does a `rewrite` of a Corefile say?

use std::sync::Arc;

use regex_lite::{Regex, RegexBuilder};

use super::super::notice::Notices;
use super::super::rewrite::{AnswerChange, Change, NameMatch, Rewrite};
use super::super::zone_name::domain;
use super::report::Report;
use super::tree::Line;

/// Bytes of a pattern as text, and of its compiled form.
const PATTERN_MAX: usize = 1024;
const COMPILED_MAX: usize = 256 * 1024;

/// Rules for the answer of one rewrite.
const ANSWERS_MAX: usize = 16;

/// Types by name. Others are written `TYPE123`.
const TYPES: [(&str, u16); 22] = [
    ("A", 1),
    ("NS", 2),
    ("CNAME", 5),
    ("SOA", 6),
    ("PTR", 12),
    ("HINFO", 13),
    ("MX", 15),
    ("TXT", 16),
    ("RP", 17),
    ("AAAA", 28),
    ("LOC", 29),
    ("SRV", 33),
    ("NAPTR", 35),
    ("DNAME", 39),
    ("DS", 43),
    ("SSHFP", 44),
    ("RRSIG", 46),
    ("DNSKEY", 48),
    ("TLSA", 52),
    ("SVCB", 64),
    ("HTTPS", 65),
    ("ANY", 255),
];

const CLASSES: [(&str, u16); 4] = [("IN", 1), ("CH", 3), ("HS", 4), ("ANY", 255)];

/// A rule that is not understood is ignored as a whole: half of one would answer something else.
pub(super) fn read(line: &Line, notices: &mut Notices) -> Option<Rewrite> {
    let mut report = Report { plugin: "rewrite", notices };
    // The form with braces says the same words on several lines.
    let inner = line.body.iter().flat_map(|option| &option.words);
    let words: Vec<&str> = line.arguments().iter().chain(inner).map(String::as_str).collect();
    let (continues, words) = match words.as_slice() {
        ["continue", rest @ ..] => (true, rest),
        ["stop", rest @ ..] => (false, rest),
        all => (false, all),
    };
    let change = match words {
        ["name", rest @ ..] => name(rest),
        ["type", from, to] => numbered(from, to, "a type like AAAA", type_number)
            .map(|(from, to)| Change::Type { from, to }),
        ["class", from, to] => numbered(from, to, "a class like CH", class_number)
            .map(|(from, to)| Change::Class { from, to }),
        ["ttl", rest @ ..] => ttl(rest),
        _ => Err("is not understood, ignored: questions and answers stay as they are".to_owned()),
    };
    match change {
        Ok(change) => Some(Rewrite { change, continues, origin: line.origin.clone() }),
        Err(why) => {
            report.say(line, why);
            None
        }
    }
}

/// `[KIND] FROM TO [answer …]`.
fn name(words: &[&str]) -> Result<Change, String> {
    let (kind, rest) = kind(words, 2);
    let [from, to, rest @ ..] = rest else {
        return Err("wants a name and its replacement, ignored".to_owned());
    };
    let from = name_match(kind, from)?;
    let mut answers = answers(rest)?;
    // Of a whole name it is known what to undo.
    if kind == "exact" && answers.is_empty() {
        answers.push(AnswerChange::Auto);
    }
    let to = to.strip_suffix('.').unwrap_or(to).to_ascii_lowercase().into();
    Ok(Change::Name { from, to, answers })
}

/// `[KIND] FROM TTL`, where the TTL may be a range: `30`, `5-30`, `5-`, `-30`.
fn ttl(words: &[&str]) -> Result<Change, String> {
    let (kind, rest) = kind(words, 2);
    let [from, ttl] = rest else { return Err("wants a name and a TTL, ignored".to_owned()) };
    let from = name_match(kind, from)?;
    let bound =
        |text: &str, default| if text.is_empty() { Some(default) } else { text.parse().ok() };
    let range = match ttl.split_once('-') {
        None => ttl.parse().ok().map(|ttl: u32| (ttl, ttl)),
        Some((min, max)) => bound(min, 0).zip(bound(max, u32::MAX)),
    };
    match range {
        Some((min, max)) if min <= max => Ok(Change::Ttl { from, min, max }),
        Some(_) | None => Err("wants seconds like 30 or 5-30, ignored".to_owned()),
    }
}

/// The kind of match, if it is said; a name could be called the same.
fn kind<'a, 'b>(words: &'b [&'a str], needed: usize) -> (&'a str, &'b [&'a str]) {
    match words {
        [kind @ ("exact" | "prefix" | "suffix" | "substring" | "regex"), rest @ ..]
            if rest.len() >= needed =>
        {
            (kind, rest)
        }
        all => ("exact", all),
    }
}

fn name_match(kind: &str, from: &str) -> Result<NameMatch, String> {
    let lower = from.to_ascii_lowercase();
    match kind {
        "regex" => Ok(NameMatch::Regex(pattern(from)?)),
        "prefix" => Ok(NameMatch::Prefix(lower.into())),
        "substring" => Ok(NameMatch::Substring(lower.into())),
        "suffix" => Ok(NameMatch::Suffix(lower.strip_suffix('.').unwrap_or(&lower).into())),
        _ => domain(from).map(NameMatch::Exact).ok_or_else(|| "wants a name, ignored".to_owned()),
    }
}

/// `answer auto`, `answer name PATTERN TO`, `answer value PATTERN TO`, one after the other.
fn answers(mut words: &[&str]) -> Result<Vec<AnswerChange>, String> {
    let mut answers = Vec::new();
    while !words.is_empty() {
        let rest = match words {
            ["answer", "auto", rest @ ..] => {
                answers.push(AnswerChange::Auto);
                rest
            }
            ["answer", what @ ("name" | "value"), from, to, rest @ ..] => {
                let pattern = pattern(from)?;
                let to = to.strip_suffix('.').unwrap_or(to).to_ascii_lowercase().into();
                answers.push(match *what {
                    "name" => AnswerChange::Name { pattern, to },
                    _ => AnswerChange::Value { pattern, to },
                });
                rest
            }
            _ => return Err("has more than a name rule and its answer rules, ignored".to_owned()),
        };
        if answers.len() > ANSWERS_MAX {
            return Err(format!("has more than {ANSWERS_MAX} answer rules, ignored"));
        }
        words = rest;
    }
    Ok(answers)
}

fn pattern(text: &str) -> Result<Arc<str>, String> {
    match compile(text) {
        Ok(_) => Ok(text.into()),
        Err(why) => Err(format!("has a pattern that is wrong, ignored: {why}")),
    }
}

fn compile(text: &str) -> Result<Regex, String> {
    if text.len() > PATTERN_MAX {
        return Err(format!("longer than {PATTERN_MAX} bytes"));
    }
    RegexBuilder::new(text).size_limit(COMPILED_MAX).build().map_err(|error| error.to_string())
}

fn numbered(
    from: &str,
    to: &str,
    what: &str,
    number: impl Fn(&str) -> Option<u16>,
) -> Result<(u16, u16), String> {
    number(from).zip(number(to)).ok_or_else(|| format!("wants {what} twice, ignored"))
}

fn type_number(text: &str) -> Option<u16> {
    let text = text.to_ascii_uppercase();
    let known = TYPES.iter().find(|(name, _)| *name == text).map(|(_, number)| *number);
    known.or_else(|| text.strip_prefix("TYPE")?.parse().ok())
}

fn class_number(text: &str) -> Option<u16> {
    let text = text.to_ascii_uppercase();
    CLASSES.iter().find(|(name, _)| *name == text).map(|(_, number)| *number)
}
