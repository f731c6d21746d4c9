//! Does an object with these labels belong to those that are meant?

use std::fmt;
use std::sync::Arc;

use super::notice::quoted;

/// Requirements of one selector, and values of one requirement.
pub const REQUIREMENTS_MAX: usize = 256;

/// A label selector of the API in its text form: all requirements must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: Arc<str>,
    wants: Wants,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wants {
    In(Vec<Arc<str>>),
    NotIn(Vec<Arc<str>>),
    Exists,
    Absent,
}

/// Why a text is no selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "label selector is wrong at {at}\nhint: write a=b, a!=b, a in (b,c), a notin (b,c), a or !a, with commas between"
)]
pub struct SelectorError {
    /// What stands there, in quotes.
    pub at: String,
}

impl Selector {
    /// Reads `a=b,c in (x,y),!d`. An empty text selects everything.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let mut requirements = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (requirement, after) =
                requirement(rest).ok_or_else(|| SelectorError { at: quoted(rest) })?;
            requirements.push(requirement);
            rest = after.trim_start();
            if rest.is_empty() {
                break;
            }
            let after = rest.strip_prefix(',').map(str::trim_start);
            match after {
                Some(after) if !after.is_empty() && requirements.len() < REQUIREMENTS_MAX => {
                    rest = after;
                }
                Some(_) | None => return Err(SelectorError { at: quoted(rest) }),
            }
        }
        Ok(Self { requirements })
    }

    /// Whether an object is selected. `label` gives the value of its label.
    #[must_use]
    pub fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = label(&requirement.key);
            let is_among = |wanted: &[Arc<str>]| wanted.iter().any(|want| Some(&**want) == value);
            match &requirement.wants {
                Wants::In(wanted) => is_among(wanted),
                Wants::NotIn(wanted) => !is_among(wanted),
                Wants::Exists => value.is_some(),
                Wants::Absent => value.is_none(),
            }
        })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Requirement { key, wants }) in self.requirements.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "," })?;
            match wants {
                Wants::In(values) => write!(f, "{key} in ({})", values.join(","))?,
                Wants::NotIn(values) => write!(f, "{key} notin ({})", values.join(","))?,
                Wants::Exists => f.write_str(key)?,
                Wants::Absent => write!(f, "!{key}")?,
            }
        }
        Ok(())
    }
}

/// The first requirement of a text, and what follows it.
fn requirement(text: &str) -> Option<(Requirement, &str)> {
    if let Some(rest) = text.strip_prefix('!') {
        let (key, rest) = key(rest.trim_start())?;
        return Some((Requirement { key, wants: Wants::Absent }, rest));
    }
    let (key, rest) = key(text)?;
    let rest = rest.trim_start();
    if rest.is_empty() || rest.starts_with(',') {
        return Some((Requirement { key, wants: Wants::Exists }, rest));
    }
    let (wants, rest) = if let Some(rest) = rest.strip_prefix("!=") {
        let (value, rest) = value(rest.trim_start());
        (Wants::NotIn(vec![value?]), rest)
    } else if let Some(rest) = rest.strip_prefix("==").or_else(|| rest.strip_prefix('=')) {
        let (value, rest) = value(rest.trim_start());
        (Wants::In(vec![value?]), rest)
    } else if let Some(rest) = rest.strip_prefix("in") {
        let (values, rest) = values(rest.trim_start())?;
        (Wants::In(values), rest)
    } else {
        let (values, rest) = values(rest.strip_prefix("notin")?.trim_start())?;
        (Wants::NotIn(values), rest)
    };
    Some((Requirement { key, wants }, rest))
}

/// A label's key: a name of up to 63 bytes, perhaps after a domain and a slash.
fn key(text: &str) -> Option<(Arc<str>, &str)> {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let (key, rest) = text.split_at(text.find(|c| !is_inner(c)).unwrap_or(text.len()));
    let name = key.rsplit_once('/').map_or(key, |(_, name)| name);
    (!name.is_empty() && name.len() <= 63 && key.len() <= 317).then(|| (key.into(), rest))
}

/// A label's value: up to 63 bytes, perhaps none.
fn value(text: &str) -> (Option<Arc<str>>, &str) {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let (value, rest) = text.split_at(text.find(|c| !is_inner(c)).unwrap_or(text.len()));
    ((value.len() <= 63).then(|| value.into()), rest)
}

/// Values in parentheses.
fn values(text: &str) -> Option<(Vec<Arc<str>>, &str)> {
    let (inner, rest) = text.strip_prefix('(')?.split_once(')')?;
    let mut values = Vec::new();
    for part in inner.split(',') {
        let (value, after) = value(part.trim());
        if !after.is_empty() || values.len() == REQUIREMENTS_MAX {
            return None;
        }
        values.push(value?);
    }
    Some((values, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the text says about no label, `a=b`, and `a=c`.
    #[track_caller]
    fn expect(text: &str, matches: [bool; 3]) {
        let selector = Selector::parse(text).expect("a selector");
        let found = [None, Some("b"), Some("c")]
            .map(|value| selector.matches(|key| if key == "a" { value } else { None }));
        assert_eq!(found, matches, "{text}");
        assert_eq!(Selector::parse(&selector.to_string()), Ok(selector), "{text}");
    }

    #[test]
    fn every_form_selects() {
        expect("", [true, true, true]);
        expect("a=b", [false, true, false]);
        expect("a == b", [false, true, false]);
        expect("a!=b", [true, false, true]);
        expect("a in (b, c)", [false, true, true]);
        expect("a notin (b)", [true, false, true]);
        expect("a", [false, true, true]);
        expect("!a", [true, false, false]);
        expect("a,a!=c , !d", [false, true, false]);
        expect("a=b,c in (x,y),!d", [false, false, false]);
        expect("x.org/y notin (1),a=c", [false, false, true]);
        expect("in=", [false, false, false]);
    }

    #[test]
    fn what_is_no_selector_is_shown() {
        let cases = [
            (",", ","),
            ("a=b,", ","),
            ("a b", "a b"),
            ("a in b", "a in b"),
            ("a=b c", "c"),
            ("a in (b", "a in (b"),
        ];
        for (text, at) in cases {
            assert_eq!(Selector::parse(text), Err(SelectorError { at: quoted(at) }), "{text}");
        }
        let many = |count| vec!["a=b"; count].join(",");
        assert_eq!(Selector::parse(&many(256)).map(|all| all.requirements.len()), Ok(256));
        assert_eq!(Selector::parse(&many(257)), Err(SelectorError { at: quoted(",a=b") }));
    }
}
