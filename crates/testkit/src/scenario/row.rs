//! How are records, names and types read?

use std::net::IpAddr;

use super::error::Problem;
use crate::dns::{name, record, record_type};

/// How many a range may stand for.
const MAX_RANGE: usize = 1000;

/// `NAME TTL TYPE DATA`, as many rows as the range of addresses in it has. `@` is the name that is
/// asked for.
pub(super) fn rows(asked: &str, words: &[&str]) -> Result<Vec<String>, Problem> {
    let [owner, rest @ ..] = words else { return Err(Problem::Missing("a record")) };
    let owner = if *owner == "@" { asked } else { owner };
    let [head @ .., data] = rest else {
        return Err(Problem::expected("NAME TTL TYPE DATA", words.join(" ")));
    };
    let row = |data: &str| {
        let row = [&[owner], head, &[data]].concat().join(" ");
        match record(&row) {
            Some(_) => Ok(row),
            None => Err(Problem::expected("NAME TTL TYPE DATA", row)),
        }
    };
    match addresses(data)? {
        Some(addresses) => addresses.iter().map(|address| row(&address.to_string())).collect(),
        None => Ok(vec![row(data)?]),
    }
}

/// `FIRST-LAST`, both addresses of one family; none where it is no range.
pub(super) fn addresses(text: &str) -> Result<Option<Vec<IpAddr>>, Problem> {
    let parts = text.split_once('-').map(|(first, last)| (first.parse(), last.parse()));
    let Some((Ok(first), Ok(last))) = parts else { return Ok(None) };
    let all: Vec<IpAddr> = match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            (first..=last).take(MAX_RANGE + 1).map(IpAddr::V4).collect()
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            (first..=last).take(MAX_RANGE + 1).map(IpAddr::V6).collect()
        }
        _ => Vec::new(),
    };
    if all.is_empty() || all.len() > MAX_RANGE {
        return Err(Problem::expected("a range of 1 to 1000 addresses of one family", text));
    }
    Ok(Some(all))
}

/// A type that can be asked for.
pub(super) fn type_word(text: &str) -> Result<String, Problem> {
    match record_type(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(Problem::expected("a type of records", text)),
    }
}

/// A name that can be asked for.
pub(super) fn name_word(text: &str) -> Result<String, Problem> {
    match name(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(Problem::expected("a name", text)),
    }
}
