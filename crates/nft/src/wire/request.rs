//! Which messages ask the kernel what our table holds?

use super::attribute::Writer;
use super::element::write_element_key;
use super::kernel::{
    NFPROTO_INET, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, element_list, message, rule,
};
use crate::name::{SetId, TABLE};
use crate::program::{Bytes, Data, Element};

/// The number of a request; one is answered before the next is sent.
const SEQUENCE: u32 = 1;

fn dump(kind: u16, fill: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut w = Writer::default();
    w.message((kind, NLM_F_REQUEST | NLM_F_DUMP), SEQUENCE, (NFPROTO_INET, 0), fill);
    w.into_bytes()
}

/// All tables of the family, ours among them.
#[must_use]
pub fn dump_table() -> Vec<u8> {
    dump(message::GETTABLE, |_| {})
}

/// The chains of all tables of the family.
#[must_use]
pub fn dump_chains() -> Vec<u8> {
    dump(message::GETCHAIN, |_| {})
}

/// The sets of all tables of the family, their elements left out. Asked for ours alone, the kernel
/// would refuse when there is no table.
#[must_use]
pub fn dump_sets() -> Vec<u8> {
    dump(message::GETSET, |_| {})
}

/// The rules of our table, none when there is no table.
#[must_use]
pub fn dump_rules() -> Vec<u8> {
    dump(message::GETRULE, |w| w.text(rule::TABLE, TABLE))
}

/// The elements of a set. The kernel refuses (ENOENT) when there is no such set:
/// [`super::RulesetReader::sets`] tells which there are.
#[must_use]
pub fn dump_set(id: SetId) -> Vec<u8> {
    dump(message::GETSETELEM, |w| {
        w.text(element_list::TABLE, TABLE);
        w.text(element_list::SET, id);
    })
}

/// The element of a set that has this key; of a set of ranges, the one that begins so. The kernel
/// refuses (ENOENT) when there is none.
#[must_use]
pub fn one_element(set: SetId, key: Bytes) -> Vec<u8> {
    let mut w = Writer::default();
    let kind = (message::GETSETELEM, NLM_F_REQUEST | NLM_F_ACK);
    w.message(kind, SEQUENCE, (NFPROTO_INET, 0), |w| {
        w.text(element_list::TABLE, TABLE);
        w.text(element_list::SET, set);
        let element = Element { set, key, data: Data::None };
        w.nested(element_list::ELEMENTS, |w| write_element_key(w, &element));
    });
    w.into_bytes()
}
