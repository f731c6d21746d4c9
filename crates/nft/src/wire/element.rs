//! How is an element said to the kernel?

use super::attribute::Writer;
use super::expr::write_verdict;
use super::kernel::{data, element, element_flag, list};
use crate::program::{Data, Element, RuleVerdict};

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
