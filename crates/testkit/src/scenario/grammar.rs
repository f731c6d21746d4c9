//! How are the small words read: addresses, lists, `key=value`?

use std::str::FromStr;

use model::Protocol;

use super::error::Problem;

/// A word of a type that says itself what it looks like.
pub(super) fn word<T: FromStr>(text: &str, expected: &'static str) -> Result<T, Problem> {
    text.parse().ok().ok_or_else(|| Problem::expected(expected, text))
}

/// A comma list; empty text is an empty list, so that `key=` clears a field.
pub(super) fn list<T: FromStr>(text: &str, expected: &'static str) -> Result<Vec<T>, Problem> {
    text.split(',').filter(|item| !item.is_empty()).map(|item| word(item, expected)).collect()
}

/// `key=value`; the value may contain further equals signs.
pub(super) fn option(text: &str) -> Result<(&str, &str), Problem> {
    text.split_once('=').ok_or_else(|| Problem::expected("an option, KEY=VALUE", text))
}

/// `true` or `false`.
pub(super) fn flag(text: &str) -> Result<bool, Problem> {
    word(text, "true or false")
}

/// Packets write the protocol in lower case, ports as the API does; both are read everywhere.
pub(super) fn protocol(text: &str) -> Result<Protocol, Problem> {
    word(&text.to_ascii_uppercase(), "a protocol: TCP, UDP or SCTP")
}

/// Absent when the text is empty, so that `key=` clears a field.
pub(super) fn optional<T: FromStr>(
    text: &str,
    expected: &'static str,
) -> Result<Option<T>, Problem> {
    if text.is_empty() { Ok(None) } else { word(text, expected).map(Some) }
}
