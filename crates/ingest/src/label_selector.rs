//! Which labels does a written selector ask for?

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{LabelSelector, Operator, Requirement};

use crate::api;
use crate::report::{Report, quoted};

/// Reads a selector. One that is wrong means nothing, not everything: a restriction stays closed.
pub(crate) fn read(
    selector: &api::LabelSelector,
    field: &str,
    report: &mut Report,
) -> LabelSelector {
    let labels = selector.match_labels.iter().map(|(label, value)| Requirement {
        label: label.as_str().into(),
        operator: Operator::In([value.as_str().into()].into()),
    });
    let expressions = selector.match_expressions.iter().enumerate().map(|(index, expression)| {
        let field = format!("{field}.matchExpressions[{index}]");
        let operator = operator(expression, &field, report);
        Requirement { label: expression.key.as_str().into(), operator }
    });
    LabelSelector(labels.chain(expressions).collect())
}

/// The requirement that nothing fulfils.
fn never() -> Operator {
    Operator::In(BTreeSet::new())
}

fn operator(
    expression: &api::LabelSelectorRequirement,
    field: &str,
    report: &mut Report,
) -> Operator {
    let values: BTreeSet<Arc<str>> =
        expression.values.iter().map(|value| value.as_str().into()).collect();
    if expression.key.is_empty() {
        report.reject(format!("{field}.key"), "expected a label, found none; it selects nothing");
        return never();
    }
    let needs_values = matches!(&*expression.operator, "In" | "NotIn");
    let operator = match &*expression.operator {
        "In" => Operator::In(values),
        "NotIn" => Operator::NotIn(values),
        "Exists" => Operator::Exists,
        "DoesNotExist" => Operator::DoesNotExist,
        other => {
            let found = quoted(other);
            report.reject(
                format!("{field}.operator"),
                format!(
                    "expected In, NotIn, Exists or DoesNotExist, found {found}; it selects nothing"
                ),
            );
            return never();
        }
    };
    if needs_values == expression.values.is_empty() {
        let expected = if needs_values { "at least one value" } else { "no values" };
        report.reject(
            format!("{field}.values"),
            format!("expected {expected} for {}; it selects nothing", expression.operator),
        );
        return never();
    }
    operator
}
