//! What is asked, and how does the question travel to an agent?

use std::fmt::{self, Write as _};

use model::Family;
use serde::{Deserialize, Serialize};

/// All that a person says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Question {
    /// `http(s)://HOST[:PORT][/PATH]`, `HOST:PORT[/udp|/sctp]` or `svc/NAMESPACE/NAME[:PORT]` for a
    /// connection; a name or an address alone for what the cluster DNS says of it.
    pub target: String,
    /// `outside`, `node/NAME`, `pod/NAMESPACE/NAME` or an address; absent, the node itself.
    pub from: Option<String>,
    /// The packet is taken as it arrives at the node, on this interface.
    pub via: Option<String>,
    /// The namespace that the one who asks is in, where `from` does not tell.
    pub namespace: Option<String>,
    /// Which of two addresses is used.
    pub family: Option<Family>,
}

/// Why a question has no answer, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    pub what: String,
    pub hint: String,
    /// The question is badly written, rather than about something that is not there.
    pub is_usage: bool,
}

impl Refusal {
    pub(crate) fn usage(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into(), is_usage: true }
    }

    pub(crate) fn absent(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { is_usage: false, ..Self::usage(what, hint) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Refusal {}

impl Question {
    #[must_use]
    pub fn of(target: impl Into<String>) -> Self {
        Self { target: target.into(), ..Self::default() }
    }

    /// As the query of a URL, without its question mark.
    #[must_use]
    pub fn to_query(&self) -> String {
        let family = self.family.map(|family| family.as_str().to_owned());
        let fields = [
            ("target", Some(&self.target)),
            ("from", self.from.as_ref()),
            ("via", self.via.as_ref()),
            ("namespace", self.namespace.as_ref()),
            ("family", family.as_ref()),
        ];
        let mut query = String::new();
        for (field, value) in fields {
            let Some(value) = value else { continue };
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(field);
            query.push('=');
            escape(value, &mut query);
        }
        query
    }

    /// Reads what `to_query` wrote.
    ///
    /// # Errors
    /// A field that there is not, or a value that is none.
    pub fn from_query(query: &str) -> Result<Self, Refusal> {
        let mut question = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (field, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = unescape(value).ok_or_else(|| {
                Refusal::usage(format!("{field} cannot be read: {value}"), "escape it as UTF-8")
            })?;
            match field {
                "target" => question.target = value,
                "from" => question.from = Some(value),
                "via" => question.via = Some(value),
                "namespace" => question.namespace = Some(value),
                "family" => question.family = Some(family(&value)?),
                _ => {
                    let hint = "there is target, from, via, namespace, family";
                    return Err(Refusal::usage(format!("unknown field: {field}"), hint));
                }
            }
        }
        Ok(question)
    }
}

fn family(text: &str) -> Result<Family, Refusal> {
    let found = Family::ALL.into_iter().find(|family| family.as_str() == text);
    found.ok_or_else(|| Refusal::usage(format!("unknown family: {text}"), "IPv4 or IPv6"))
}

/// Everything but letters, digits and four signs is written as `%XX`.
fn escape(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            into.push(char::from(byte));
        } else {
            write!(into, "%{byte:02X}").expect("a string takes everything");
        }
    }
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let (digits, after) = after.split_first_chunk::<2>()?;
            let digits = std::str::from_utf8(digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_travels_as_a_query() {
        let question = Question {
            target: "https://[fd00::1]:443/a?b=c&d=é%".to_owned(),
            from: Some("pod/shop/web".to_owned()),
            via: Some("eth0".to_owned()),
            namespace: Some("shop".to_owned()),
            family: Some(Family::V6),
        };
        let query = question.to_query();
        assert_eq!(
            query,
            "target=https%3A%2F%2F%5Bfd00%3A%3A1%5D%3A443%2Fa%3Fb%3Dc%26d%3D%C3%A9%25\
             &from=pod%2Fshop%2Fweb&via=eth0&namespace=shop&family=IPv6"
        );
        assert_eq!(Question::from_query(&query), Ok(question));
        let little = Question::of("svc/shop/web");
        assert_eq!(Question::from_query(&little.to_query()), Ok(little));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_asked_travels(target in ".*", from in ".*", is_v6: bool) {
            let family = is_v6.then_some(Family::V6);
            let question = Question { from: Some(from), family, ..Question::of(target) };
            proptest::prop_assert_eq!(Question::from_query(&question.to_query()), Ok(question));
        }

        #[test]
        fn whatever_comes_is_read_or_refused(query in ".*", target in "[a-z0-9.:/\\[\\]%_-]*") {
            drop(Question::from_query(&query));
            drop(crate::target::parse(&target));
            drop(crate::target::parse(&query));
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let refused = |query| Question::from_query(query).unwrap_err().to_string();
        let refused =
            ["target=%", "target=%f", "target=%FF", "colour=red", "family=IPv5"].map(refused);
        assert_eq!(
            refused,
            [
                "target cannot be read: %",
                "target cannot be read: %f",
                "target cannot be read: %FF",
                "unknown field: colour",
                "unknown family: IPv5"
            ]
        );
    }
}
