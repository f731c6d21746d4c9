//! What have the counters in our table counted?

use super::attribute::Attributes;
use super::element::read_list;
use super::read::{of_inet, read_rule};
use super::read_expr::read_count;
use crate::name::{ChainId, SetId};
use crate::program::Bytes;

/// What has passed a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    pub packets: u64,
    pub bytes: u64,
}

impl From<(u64, u64)> for Count {
    fn from((packets, bytes): (u64, u64)) -> Self {
        Self { packets, bytes }
    }
}

/// The elements with a counter in one message of a listed set, by their keys.
pub fn element_counts(payload: &[u8]) -> impl Iterator<Item = (SetId, Bytes, Count)> {
    let list = of_inet(payload).and_then(read_list);
    list.into_iter().filter_map(|list| Some((list.set?, list))).flat_map(|(set, list)| {
        list.elements().filter_map(move |element| Some((set, element.key, element.count?.into())))
    })
}

/// The first counter of a listed rule, and the chain that it is in.
#[must_use]
pub fn rule_count(payload: &[u8]) -> Option<(ChainId, Count)> {
    let rule = read_rule(of_inet(payload)?)?;
    let count = Attributes::of(rule.exprs).find_map(|expr| read_count(expr.value))?;
    Some((rule.chain.parse().ok()?, count.into()))
}
