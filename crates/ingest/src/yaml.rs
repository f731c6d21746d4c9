//! Which value is written in a YAML document? The only place that knows the YAML library.

use serde_json::Value;

/// Nesting of lists and maps; an API object has about ten.
const DEPTH_MAX: usize = 64;

/// Parts that aliases may repeat. People share a few labels so; a text that doubles itself over and
/// over is stopped here.
const ALIAS_EVENTS_MAX: usize = 20_000;

/// Parts of a document that was written out in full. Generous: the text itself bounds them, and a
/// dump of a whole cluster is one document.
const EVENTS_MAX: usize = 50_000_000;

/// The text is not YAML, or more of it than is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct InvalidYaml {
    /// From 1, in the text that was given.
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) reason: String,
}

/// Reads the one document of a text. No document is null.
pub(crate) fn parse(text: &str) -> Result<Value, InvalidYaml> {
    let budget = serde_saphyr::budget! {
        max_depth: DEPTH_MAX,
        flow_nesting_limit: DEPTH_MAX,
        max_events: EVENTS_MAX,
        max_nodes: EVENTS_MAX,
        max_recorded_anchor_events: ALIAS_EVENTS_MAX,
        enforce_alias_anchor_ratio: false,
    };
    let options = serde_saphyr::options! {
        budget: budget,
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: ALIAS_EVENTS_MAX,
        },
        // A port or a label that begins with 0 is no octal number.
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        // A Node may be called `n`.
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let position = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let location = error.location();
        InvalidYaml {
            line: location.map_or(1, |location| position(location.line())),
            column: location.map_or(1, |location| position(location.column())),
            reason: reason(&error.to_string()),
        }
    })
}

/// The library's words without the place, which is told apart, and without advice about its options.
fn reason(text: &str) -> String {
    let text = text.split(" at line ").next().unwrap_or(text);
    let text = text.split(", set DuplicateKeyPolicy").next().unwrap_or(text);
    text.split("; use Option").next().unwrap_or(text).to_owned()
}
