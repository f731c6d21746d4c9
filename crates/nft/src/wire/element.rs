//! How is an element said to the kernel, and read back?

use super::attribute::{Attributes, Fields, Writer};
use super::expr::write_verdict;
use super::kernel::{data, element, element_flag, element_list, list};
use super::read_expr::{read_count, read_value, read_verdict};
use crate::name::{SetId, TABLE};
use crate::program::{Bytes, Data, Element, RuleVerdict};

/// More than any element of ours takes: 40 bytes of key, twice, and headers.
pub(super) const LEN_MAX: usize = 128;

/// One element to add.
pub(super) fn write_element(w: &mut Writer, element: &Element) {
    w.nested(list::ELEM, |w| {
        write_key(w, element);
        match &element.data {
            Data::None | Data::RangeEnd(_) => {}
            Data::Value(value) => {
                w.nested(element::DATA, |w| w.bytes(data::VALUE, value));
            }
            Data::Goto(chain) => {
                w.nested(element::DATA, |w| write_verdict(w, RuleVerdict::Goto(*chain)));
            }
        }
    });
}

/// One element to delete: the key tells which.
pub(super) fn write_element_key(w: &mut Writer, element: &Element) {
    w.nested(list::ELEM, |w| write_key(w, element));
}

fn write_key(w: &mut Writer, element: &Element) {
    if element.key.is_empty() {
        // Not a key of ours: the element that stands for all keys that are not there.
        w.be32(element::FLAGS, element_flag::CATCHALL);
        return;
    }
    w.nested(element::KEY, |w| w.bytes(data::VALUE, &element.key));
    if let Data::RangeEnd(end) = &element.data {
        w.nested(element::KEY_END, |w| w.bytes(data::VALUE, end));
    }
}

/// The elements of one message.
pub(super) struct ElementList<'a> {
    /// `None` when the set is none of ours.
    pub(super) set: Option<SetId>,
    elements: &'a [u8],
}

/// `None` when they are in another table, or nothing that can be read.
pub(super) fn read_list(attributes: &[u8]) -> Option<ElementList<'_>> {
    let mut fields = Fields::<5>::read(attributes)?;
    if fields.text(element_list::TABLE)? != TABLE {
        return None;
    }
    let set = fields.text(element_list::SET)?.parse().ok();
    Some(ElementList { set, elements: fields.take(element_list::ELEMENTS).unwrap_or_default() })
}

/// What one element says, as far as it concerns us.
pub(super) struct ReadElement {
    pub(super) key: Bytes,
    pub(super) data: Data,
    /// Packets and bytes.
    pub(super) count: Option<(u64, u64)>,
}

impl<'a> ElementList<'a> {
    /// Those with a key that sets of ours can have.
    pub(super) fn elements(&self) -> impl Iterator<Item = ReadElement> + use<'a> {
        Attributes::of(self.elements).filter_map(|element| read_element(element.value))
    }
}

fn read_element(bytes: &[u8]) -> Option<ReadElement> {
    let mut fields = Fields::<12>::read(bytes)?;
    let key = match fields.take(element::KEY) {
        Some(key) => Bytes::new(read_value(key)?)?,
        None => Bytes::empty(),
    };
    let data = match (fields.take(element::KEY_END), fields.take(element::DATA)) {
        (Some(end), _) => Data::RangeEnd(Bytes::new(read_value(end)?)?),
        (None, Some(data)) => read_data(data),
        (None, None) => Data::None,
    };
    let of_list = |list| Attributes::of(list).find_map(|expr| read_count(expr.value));
    let count = match (fields.take(element::EXPR), fields.take(element::EXPRESSIONS)) {
        (Some(expr), _) => read_count(expr),
        (None, list) => list.and_then(of_list),
    };
    Some(ReadElement { key, data, count })
}

/// What a key leads to. None of our maps leads to nothing, so that this stands for all that is
/// none of ours.
fn read_data(nest: &[u8]) -> Data {
    if let Some(RuleVerdict::Goto(chain)) = read_verdict(nest) {
        return Data::Goto(chain);
    }
    read_value(nest).and_then(Bytes::new).map_or(Data::None, Data::Value)
}
