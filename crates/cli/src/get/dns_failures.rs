//! Which columns has the table of failed questions?

use agent::query::DnsFailure;

use super::Shape;
use crate::age::short;
use crate::table::{NONE, Table};

pub(super) fn table(failures: &[DnsFailure], shape: Shape) -> Table {
    let head = ["CLIENT", "NAME", "TYPE", "RCODE", "COUNT", "LAST", "REASON"];
    let mut table = Table::new(&[&head[..], if shape.is_wide { &["BY"] } else { &[] }].concat());
    for failure in failures {
        let client = match &failure.pod {
            Some(pod) => format!("pod/{pod}"),
            None => failure.client.to_string(),
        };
        let or_none = |text: &str| if text.is_empty() { NONE } else { text }.to_owned();
        let mut cells = vec![
            client,
            or_none(&failure.name),
            failure.rtype.clone(),
            failure.rcode.clone(),
            failure.count.to_string(),
            short(failure.age_seconds),
            or_none(&failure.reason),
        ];
        if shape.is_wide {
            cells.push(failure.by.clone());
        }
        table.push(cells);
    }
    table
}
