//! How does a transaction look on the wire, and which step does an error speak of?

use std::ops::Range;

use super::attribute::{Attributes, Writer};
use super::chain::write_chain;
use super::element::{LEN_MAX, write_element, write_element_key};
use super::expr::write_exprs;
use super::kernel::{
    self, GENMSG_LEN, HEADER_LEN, NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_REQUEST, batch,
    chain, element_list, message, rule, set, table,
};
use super::set::write_set;
use crate::name::{SetId, TABLE};
use crate::program::{Element, Op};
use crate::set::SetSpec;

/// Elements of one message are one attribute, whose length has sixteen bits.
const ELEMENTS_LEN_MAX: usize = 60_000;

/// About what an element takes: two headers and a key, the same for a value.
const ELEMENT_LEN_USUAL: usize = 56;

/// One transaction, from its begin to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    pub bytes: Vec<u8>,
    first_sequence: u32,
    /// Each message, its number being its place here.
    messages: Vec<Sent>,
    elements: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Sent {
    /// Its first byte.
    start: usize,
    /// The steps that it is made of.
    ops: Range<usize>,
}

/// Writes the steps as one transaction. Its messages are numbered from `first_sequence` on. With
/// a `generation`, the kernel refuses it once somebody else has changed the ruleset since.
#[must_use]
pub fn encode(ops: &[Op], clients_max: u32, first_sequence: u32, generation: Option<u32>) -> Batch {
    let mut encoder = Encoder {
        w: Writer::with_capacity(256 + ops.len() * ELEMENT_LEN_USUAL),
        ops,
        clients_max,
        first_sequence,
        messages: Vec::new(),
        elements: 0,
    };
    encoder.edge((message::BATCH_BEGIN, NLM_F_REQUEST), |w| {
        if let Some(generation) = generation {
            w.be32(batch::GENID, generation);
        }
    });
    let mut at = 0;
    while at < ops.len() {
        at += encoder.step(at);
    }
    encoder.edge((message::BATCH_END, NLM_F_REQUEST | NLM_F_ACK), |_| {});
    let Encoder { w, messages, elements, .. } = encoder;
    Batch { bytes: w.into_bytes(), first_sequence, messages, elements }
}

struct Encoder<'a> {
    w: Writer,
    ops: &'a [Op],
    clients_max: u32,
    first_sequence: u32,
    messages: Vec<Sent>,
    elements: usize,
}

impl Encoder<'_> {
    /// Notes the next message; returns its number.
    fn next(&mut self, ops: Range<usize>) -> u32 {
        let place = u32::try_from(self.messages.len()).unwrap_or(u32::MAX);
        self.messages.push(Sent { start: self.w.len(), ops });
        self.first_sequence.wrapping_add(place)
    }

    fn edge(&mut self, kind: (u16, u16), fill: impl FnOnce(&mut Writer)) {
        let end = self.ops.len();
        let sequence = self.next(end..end);
        let about = (kernel::NFPROTO_UNSPEC, kernel::SUBSYSTEM);
        self.w.message(kind, sequence, about, fill);
    }

    fn message(&mut self, kind: u16, flags: u16, op: usize, fill: impl FnOnce(&mut Writer)) {
        let sequence = self.next(op..op + 1);
        let about = (kernel::NFPROTO_INET, 0);
        self.w.message((kind, NLM_F_REQUEST | flags), sequence, about, fill);
    }

    /// Writes the step at `at`, and those behind it that go with it. Returns how many.
    fn step(&mut self, at: usize) -> usize {
        match &self.ops[at] {
            Op::AddTable => self.message(message::NEWTABLE, NLM_F_CREATE, at, |w| {
                w.text(table::NAME, TABLE);
                // Wakes a table that somebody has made dormant.
                w.be32(table::FLAGS, 0);
            }),
            Op::DeleteTable => {
                self.message(message::DELTABLE, 0, at, |w| w.text(table::NAME, TABLE));
            }
            Op::AddSet(id) => {
                let spec = SetSpec::of(*id, self.clients_max);
                let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
                self.message(message::NEWSET, NLM_F_CREATE, at, |w| {
                    write_set(w, TABLE, &spec, number)
                });
            }
            Op::AddChain(id, attachment) => {
                self.message(message::NEWCHAIN, NLM_F_CREATE, at, |w| {
                    write_chain(w, (TABLE, id), *attachment)
                })
            }
            Op::FlushChain(id) => self.flush_chain(at, &id.to_string()),
            Op::DeleteChain(id) => self.delete_chain(at, &id.to_string()),
            Op::DeleteForeignChain(_) => return self.foreign_chains(at),
            Op::DeleteForeignSet(name) => self.message(message::DELSET, 0, at, |w| {
                w.text(set::TABLE, TABLE);
                w.text(set::NAME, name);
            }),
            Op::AddRule(added) => {
                self.message(message::NEWRULE, NLM_F_CREATE | NLM_F_APPEND, at, |w| {
                    w.text(rule::TABLE, TABLE);
                    w.text(rule::CHAIN, added.chain);
                    w.nested(rule::EXPRESSIONS, |w| write_exprs(w, &added.exprs));
                });
            }
            Op::AddElement(first) => {
                let kind = (message::NEWSETELEM, NLM_F_REQUEST | NLM_F_CREATE);
                return self.elements(at, first.set, kind, added, write_element);
            }
            Op::DeleteElement(first) => {
                let kind = (message::DELSETELEM, NLM_F_REQUEST);
                return self.elements(at, first.set, kind, deleted, write_element_key);
            }
        }
        1
    }

    fn flush_chain(&mut self, at: usize, name: &str) {
        self.message(message::DELRULE, 0, at, |w| {
            w.text(rule::TABLE, TABLE);
            w.text(rule::CHAIN, name);
        });
    }

    fn delete_chain(&mut self, at: usize, name: &str) {
        self.message(message::DELCHAIN, 0, at, |w| {
            w.text(chain::TABLE, TABLE);
            w.text(chain::NAME, name);
        });
    }

    /// Chains that follow each other are all emptied before the first goes: they may lead to each
    /// other.
    fn foreign_chains(&mut self, start: usize) -> usize {
        let ops = self.ops;
        let names = (start..).zip(&ops[start..]).map_while(|(at, op)| {
            if let Op::DeleteForeignChain(name) = op { Some((at, name)) } else { None }
        });
        for (at, name) in names.clone() {
            self.flush_chain(at, name);
        }
        for (at, name) in names.clone() {
            self.delete_chain(at, name);
        }
        names.count()
    }

    /// One message of all the elements from `start` on that are of the same set and the same kind
    /// of step, as many as it can hold.
    fn elements(
        &mut self,
        start: usize,
        id: SetId,
        kind: (u16, u16),
        wanted: fn(&Op) -> Option<&Element>,
        write: fn(&mut Writer, &Element),
    ) -> usize {
        let elements = self.ops[start..].iter().map_while(wanted);
        let elements = elements.take_while(|element| element.set == id);
        let sequence = self.next(start..start);
        let mut count = 0;
        self.w.message(kind, sequence, (kernel::NFPROTO_INET, 0), |w| {
            w.text(element_list::TABLE, TABLE);
            w.text(element_list::SET, id);
            w.nested(element_list::ELEMENTS, |w| {
                let end = w.len() + ELEMENTS_LEN_MAX - LEN_MAX;
                for element in elements {
                    write(w, element);
                    count += 1;
                    if w.len() > end {
                        break;
                    }
                }
            });
        });
        if let Some(sent) = self.messages.last_mut() {
            sent.ops.end += count;
        }
        self.elements += count;
        count
    }
}

fn added(op: &Op) -> Option<&Element> {
    if let Op::AddElement(element) = op { Some(element) } else { None }
}

fn deleted(op: &Op) -> Option<&Element> {
    if let Op::DeleteElement(element) = op { Some(element) } else { None }
}

impl Batch {
    /// Messages, those of begin and end included.
    #[must_use]
    pub const fn messages(&self) -> usize {
        self.messages.len()
    }

    /// Elements that are added or deleted.
    #[must_use]
    pub const fn elements(&self) -> usize {
        self.elements
    }

    /// The number of the last message.
    #[must_use]
    pub fn last_sequence(&self) -> u32 {
        let others = u32::try_from(self.messages.len().saturating_sub(1)).unwrap_or(u32::MAX);
        self.first_sequence.wrapping_add(others)
    }

    /// The steps that an error of the kernel speaks of, by their places in what was encoded.
    /// `attribute_offset` counts from the start of the message; in a message of several elements
    /// it tells which one. `None` when the error is about the transaction as a whole.
    #[must_use]
    pub fn culprit(&self, sequence: u32, attribute_offset: Option<u32>) -> Option<Range<usize>> {
        let place = usize::try_from(sequence.wrapping_sub(self.first_sequence)).ok()?;
        let sent = self.messages.get(place).filter(|sent| !sent.ops.is_empty())?;
        let element = attribute_offset.and_then(|offset| self.element_at(sent, offset));
        let exact = element.map(|element| sent.ops.start + element).filter(|op| *op < sent.ops.end);
        Some(exact.map_or_else(|| sent.ops.clone(), |op| op..op + 1))
    }

    /// Which element of its message holds the byte.
    fn element_at(&self, sent: &Sent, offset: u32) -> Option<usize> {
        const ATTRIBUTES_AT: usize = HEADER_LEN + GENMSG_LEN;
        let message = self.bytes.get(sent.start..)?;
        let &[.., kind_0, kind_1] = message.get(..6)? else { return None };
        let kind = u16::from_ne_bytes([kind_0, kind_1]);
        if kind != message::NEWSETELEM && kind != message::DELSETELEM {
            return None;
        }
        let list = Attributes::of(message.get(ATTRIBUTES_AT..)?)
            .find(|attribute| attribute.kind == element_list::ELEMENTS)?;
        let list_at = ATTRIBUTES_AT + list.start + 4;
        let offset = usize::try_from(offset).ok()?.checked_sub(list_at)?;
        Attributes::of(list.value).position(|element| {
            (element.start..element.start + 4 + element.value.len()).contains(&offset)
        })
    }
}
