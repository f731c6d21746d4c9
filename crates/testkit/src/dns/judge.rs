//! Is a reply the one that a line expects?

use super::answered::{Answered, Rcode, Reply};
use super::question::{Expected, Question};

/// A reply that is another one than expected; both in words, without what is not compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub expected: String,
    pub found: String,
}

/// # Errors
/// The reply differs from what must come back.
pub(super) fn judge(
    question: &Question,
    expected: Option<&Expected>,
    found: Reply,
) -> Result<(), Difference> {
    let wanted = match expected {
        None => Reply::Nothing,
        Some(expected) => {
            let mut answered = expected.answered.clone();
            normalize(&mut answered, expected);
            Reply::Message(Box::new(answered))
        }
    };
    let mut oversize = String::new();
    let found = match (found, expected) {
        (Reply::Message(mut answered), Some(expected)) => {
            let (size, limit) = (answered.size, question.size_limit());
            if size > limit {
                oversize = format!("\nof {size} bytes, where {limit} fit");
            }
            answered.size = expected.answered.size;
            normalize(&mut answered, expected);
            Reply::Message(answered)
        }
        (found, _) => found,
    };
    if wanted == found && oversize.is_empty() {
        return Ok(());
    }
    Err(Difference { expected: shown(&wanted, expected), found: format!("{found}{oversize}") })
}

fn shown(wanted: &Reply, expected: Option<&Expected>) -> String {
    let Some(expected) = expected else { return wanted.to_string() };
    let any_of = [(expected.answers, "answer"), (expected.additionals, "additional")];
    let limits = any_of
        .iter()
        .filter_map(|(count, section)| count.map(|n| format!("\nany {n} rows of {section}")));
    std::iter::once(wanted.to_string()).chain(limits).collect()
}

/// Brings a message to the form in which two are compared.
fn normalize(answered: &mut Answered, expected: &Expected) {
    if matches!(answered.rcode, Rcode::FORMERR | Rcode::NOTIMP) {
        answered.question.clear();
    }
    for row in [&mut answered.answer, &mut answered.authority, &mut answered.additional]
        .into_iter()
        .flatten()
    {
        mask_serial(row);
    }
    answered.authority.sort();
    answered.additional.sort();
    in_comparable_order(&mut answered.answer);
    complete(&mut answered.answer, &expected.answered.answer, expected.answers);
    complete(&mut answered.additional, &expected.answered.additional, expected.additionals);
    let texts = expected.answered.edns.iter().flat_map(|edns| &edns.errors);
    let errors = answered.edns.iter_mut().flat_map(|edns| &mut edns.errors);
    for ((_, text), (_, wanted)) in errors.zip(texts) {
        if wanted.is_empty() {
            text.clear();
        }
    }
}

/// The serial of a SOA is any.
fn mask_serial(row: &mut String) {
    let mut words: Vec<&str> = row.split(' ').collect();
    if let [_, _, "SOA", _, _, serial, ..] = words.as_mut_slice() {
        *serial = "*";
        *row = words.join(" ");
    }
}

/// An alias stays before what it leads to, a transfer begins and ends with its SOA; the rest has no
/// order.
fn in_comparable_order(rows: &mut [String]) {
    match rows {
        [first, inner @ .., last] if kind(first) == "SOA" && kind(last) == "SOA" => inner.sort(),
        rows => rows.chunk_by_mut(|one, other| is_alias(one) == is_alias(other)).for_each(|run| {
            if run.first().is_some_and(|row| !is_alias(row)) {
                run.sort();
            }
        }),
    }
}

fn is_alias(row: &str) -> bool {
    kind(row) == "CNAME"
}

fn kind(row: &str) -> &str {
    row.split(' ').nth(2).unwrap_or_default()
}

/// Where any `count` rows of those listed will do, and they are that, they count as all.
fn complete(rows: &mut Vec<String>, listed: &[String], count: Option<usize>) {
    let Some(count) = count else { return };
    let distinct = rows.array_windows().all(|[one, next]| one != next);
    if rows.len() == count && distinct && rows.iter().all(|row| listed.contains(row)) {
        *rows = listed.to_vec();
        rows.sort();
    }
}
