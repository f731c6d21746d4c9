//! Which messages ask the kernel what our table holds?

use super::attribute::Writer;
use super::kernel::{
    NFPROTO_INET, NFPROTO_UNSPEC, NLM_F_DUMP, NLM_F_REQUEST, element_list, message, rule, set,
};
use crate::name::{SetId, TABLE};

/// The number of a request; one is answered before the next is sent.
const SEQUENCE: u32 = 1;

fn request((kind, flags): (u16, u16), family: u8, fill: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut w = Writer::default();
    w.message((kind, NLM_F_REQUEST | flags), SEQUENCE, (family, 0), fill);
    w.into_bytes()
}

/// All tables of the family, ours among them.
#[must_use]
pub fn dump_table() -> Vec<u8> {
    request((message::GETTABLE, NLM_F_DUMP), NFPROTO_INET, |_| {})
}

/// The chains of all tables of the family.
#[must_use]
pub fn dump_chains() -> Vec<u8> {
    request((message::GETCHAIN, NLM_F_DUMP), NFPROTO_INET, |_| {})
}

/// The sets of our table. The kernel refuses (ENOENT) when there is no table.
#[must_use]
pub fn dump_sets() -> Vec<u8> {
    request((message::GETSET, NLM_F_DUMP), NFPROTO_INET, |w| w.text(set::TABLE, TABLE))
}

/// The rules of our table, none when there is no table.
#[must_use]
pub fn dump_rules() -> Vec<u8> {
    request((message::GETRULE, NLM_F_DUMP), NFPROTO_INET, |w| w.text(rule::TABLE, TABLE))
}

/// The elements of a set. The kernel refuses (ENOENT) when there is no such set.
#[must_use]
pub fn dump_set(id: SetId) -> Vec<u8> {
    request((message::GETSETELEM, NLM_F_DUMP), NFPROTO_INET, |w| {
        w.text(element_list::TABLE, TABLE);
        w.text(element_list::SET, id);
    })
}

/// The number of the ruleset's present state, whatever table was changed last.
#[must_use]
pub fn get_generation() -> Vec<u8> {
    request((message::GETGEN, 0), NFPROTO_UNSPEC, |_| {})
}
