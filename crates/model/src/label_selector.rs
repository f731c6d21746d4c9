//! Which objects does a selector mean, by their labels?

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// The labels of an object.
pub type Labels = BTreeMap<Arc<str>, Arc<str>>;

/// All of these must hold; none is the selector of everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelSelector(pub Vec<Requirement>);

/// What a selector asks of one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    pub label: Arc<str>,
    pub operator: Operator,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operator {
    In(BTreeSet<Arc<str>>),
    /// Holds also where there is no such label.
    NotIn(BTreeSet<Arc<str>>),
    Exists,
    DoesNotExist,
}

impl LabelSelector {
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|requirement| requirement.holds(labels))
    }
}

impl Requirement {
    fn holds(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.label);
        match &self.operator {
            Operator::In(values) => value.is_some_and(|value| values.contains(value)),
            Operator::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

/// As `kubectl get --selector` takes it.
impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Requirement { label, operator }) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let list = |values: &BTreeSet<Arc<str>>| {
                values.iter().map(|value| &**value).collect::<Vec<_>>().join(",")
            };
            match operator {
                Operator::In(values) if values.len() == 1 => {
                    write!(f, "{comma}{label}={}", list(values))
                }
                Operator::In(values) => write!(f, "{comma}{label} in ({})", list(values)),
                Operator::NotIn(values) => write!(f, "{comma}{label} notin ({})", list(values)),
                Operator::Exists => write!(f, "{comma}{label}"),
                Operator::DoesNotExist => write!(f, "{comma}!{label}"),
            }?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirement(label: &str, operator: Operator) -> LabelSelector {
        LabelSelector(vec![Requirement { label: label.into(), operator }])
    }

    #[test]
    fn asks_labels_as_the_api_defines_it() {
        let set = |values: &[&str]| values.iter().map(|value| Arc::from(*value)).collect();
        let labels: Labels = [("team".into(), "a".into()), ("empty".into(), "".into())].into();
        let cases = [
            (LabelSelector::default(), "", true),
            (requirement("team", Operator::In(set(&["a"]))), "team=a", true),
            (requirement("team", Operator::In(set(&["b", "c"]))), "team in (b,c)", false),
            (requirement("x", Operator::In(set(&["a"]))), "x=a", false),
            (requirement("team", Operator::NotIn(set(&["a"]))), "team notin (a)", false),
            (requirement("x", Operator::NotIn(set(&["a"]))), "x notin (a)", true),
            (requirement("empty", Operator::Exists), "empty", true),
            (requirement("x", Operator::Exists), "x", false),
            (requirement("x", Operator::DoesNotExist), "!x", true),
            (requirement("team", Operator::DoesNotExist), "!team", false),
        ];
        for (selector, text, expected) in cases {
            assert_eq!(
                (selector.to_string(), selector.matches(&labels)),
                (text.to_owned(), expected)
            );
        }
        let both = LabelSelector(vec![
            Requirement { label: "team".into(), operator: Operator::Exists },
            Requirement { label: "x".into(), operator: Operator::Exists },
        ]);
        assert_eq!((both.to_string(), both.matches(&labels)), ("team,x".to_owned(), false));
    }
}
