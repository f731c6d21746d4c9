//! What does the kernel hold of our table, as its messages tell?

use super::attribute::Fields;
use super::chain::read_chain;
use super::counter::{element_counts, rule_count};
use super::element::read_list;
use super::kernel::{GENMSG_LEN, HEADER_LEN, NFPROTO_INET, message, rule, table, table_flag};
use super::notification::notification;
use super::read_expr::read_exprs;
use super::set::{ReadSet, read_set};
use crate::name::{SetId, TABLE};
use crate::ruleset::{HeldChain, Ruleset};

/// Puts a ruleset together from what the kernel lists: tables, chains, sets, rules, elements, each
/// message as it comes. What is in other tables is passed over.
#[derive(Debug, Clone, Default)]
pub struct RulesetReader {
    ruleset: Ruleset,
}

impl RulesetReader {
    /// Takes one message: its type and what follows `struct nlmsghdr`. What cannot be read at all
    /// is passed over, for it cannot be in our table.
    pub fn message(&mut self, message_type: u16, payload: &[u8]) {
        let Some(attributes) = of_inet(payload) else { return };
        match message_type {
            message::NEWTABLE => self.table(attributes),
            message::NEWCHAIN => self.chain(attributes),
            message::NEWSET => self.set(attributes),
            message::NEWRULE => self.rule(attributes),
            message::NEWSETELEM => self.elements(attributes),
            _ => {}
        }
    }

    /// The sets of ours seen so far, whose elements can be asked for.
    #[must_use]
    pub fn sets(&self) -> Vec<SetId> {
        self.ruleset.sets.keys().copied().collect()
    }

    #[must_use]
    pub fn finish(self) -> Ruleset {
        self.ruleset
    }

    /// A dormant table does nothing. As if it were not there, then: adding it wakes it.
    fn table(&mut self, attributes: &[u8]) {
        let Some(mut fields) = Fields::<3>::read(attributes) else { return };
        if fields.text(table::NAME) == Some(TABLE) {
            let flags = fields.be32(table::FLAGS).unwrap_or(0);
            self.ruleset.exists = flags & table_flag::DORMANT == 0;
        }
    }

    fn chain(&mut self, attributes: &[u8]) {
        let Some(chain) = read_chain(attributes) else { return };
        match chain.name.parse() {
            Ok(id) => self.ruleset.chains.entry(id).or_default().attachment = chain.attachment,
            Err(_) => self.ruleset.foreign_chains.push(chain.name.to_owned()),
        }
    }

    fn set(&mut self, attributes: &[u8]) {
        match read_set(attributes) {
            Some(ReadSet::Ours(spec)) => {
                self.ruleset.sets.insert(spec.id, spec);
            }
            Some(ReadSet::Foreign(name)) => self.ruleset.foreign_sets.push(name.to_owned()),
            Some(ReadSet::Anonymous) | None => {}
        }
    }

    fn rule(&mut self, attributes: &[u8]) {
        let Some(rule) = read_rule(attributes) else { return };
        // Rules of foreign chains go with their chain.
        if let Ok(id) = rule.chain.parse() {
            let held: &mut HeldChain = self.ruleset.chains.entry(id).or_default();
            held.rules.push(read_exprs(rule.exprs));
        }
    }

    fn elements(&mut self, attributes: &[u8]) {
        let Some(list) = read_list(attributes) else { return };
        let Some(set) = list.set else { return };
        let elements = list.elements().map(|element| ((set, element.key), element.data));
        self.ruleset.elements.extend(elements);
    }
}

/// The attributes of a message about the family of our table.
pub(super) fn of_inet(payload: &[u8]) -> Option<&[u8]> {
    let (genmsg, attributes) = payload.split_at_checked(GENMSG_LEN)?;
    (genmsg.first() == Some(&NFPROTO_INET)).then_some(attributes)
}

/// A rule of our table.
pub(super) struct ReadRule<'a> {
    pub(super) chain: &'a str,
    pub(super) exprs: &'a [u8],
}

/// `None` when it is in another table, or nothing that can be read.
pub(super) fn read_rule(attributes: &[u8]) -> Option<ReadRule<'_>> {
    let mut fields = Fields::<5>::read(attributes)?;
    if fields.text(rule::TABLE)? != TABLE {
        return None;
    }
    let chain = fields.text(rule::CHAIN)?;
    Some(ReadRule { chain, exprs: fields.take(rule::EXPRESSIONS).unwrap_or_default() })
}

/// Reads whatever bytes as messages, in every way that messages are read here. For tests: it
/// shall come to an end whatever the bytes are. What a batch of only additions makes is its
/// result.
#[must_use]
pub fn decode_any(bytes: &[u8]) -> Ruleset {
    let mut reader = RulesetReader::default();
    let mut rest = bytes;
    while let Some(header) = rest.first_chunk::<HEADER_LEN>() {
        let [l0, l1, l2, l3, k0, k1, ..] = *header;
        let len = usize::try_from(u32::from_ne_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
        let Some(payload) = rest.get(HEADER_LEN..len) else { break };
        let message_type = u16::from_ne_bytes([k0, k1]);
        reader.message(message_type, payload);
        // Not used, only read.
        drop((notification(message_type, payload), rule_count(payload)));
        element_counts(payload).for_each(drop);
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    reader.finish()
}
