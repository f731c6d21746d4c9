//! Is our table touched by a change that the kernel tells of?

use super::attribute::Fields;
use super::chain::read_chain;
use super::element::read_list;
use super::kernel::{GENMSG_LEN, SUBSYSTEM, generation, message};
use super::read::{of_inet, read_rule};
use crate::name::{ChainId, SetId, TABLE};

/// What of our table was added, changed or deleted. `None` within: a name that is none of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    Table,
    Chain(Option<ChainId>),
    /// A rule of the chain.
    Rule(Option<ChainId>),
    Set(Option<SetId>),
    /// Elements of the set. Those that packets write are not told of.
    Elements(Option<SetId>),
    /// Something that we have none of.
    Other,
    /// The end of a transaction, of whatever tables; by which program.
    Generation {
        id: u32,
        program: String,
    },
}

/// Reads one notification: its type and what follows `struct nlmsghdr`. `None` when it is about
/// somebody else's table.
#[must_use]
pub fn notification(message_type: u16, payload: &[u8]) -> Option<Touched> {
    if message_type == message::NEWGEN {
        return read_generation(payload.get(GENMSG_LEN..)?);
    }
    if message_type >> 8 != SUBSYSTEM {
        return None;
    }
    let attributes = of_inet(payload)?;
    // In each kind of message, the first attribute is the table's name.
    if Fields::<2>::read(attributes)?.text(1)? != TABLE {
        return None;
    }
    Some(match message_type {
        message::NEWTABLE | message::DELTABLE => Touched::Table,
        message::NEWCHAIN | message::DELCHAIN => {
            Touched::Chain(read_chain(attributes).and_then(|chain| chain.name.parse().ok()))
        }
        message::NEWRULE | message::DELRULE => {
            Touched::Rule(read_rule(attributes).and_then(|rule| rule.chain.parse().ok()))
        }
        message::NEWSET | message::DELSET => Touched::Set(read_set_id(attributes)),
        message::NEWSETELEM | message::DELSETELEM => {
            Touched::Elements(read_list(attributes).and_then(|list| list.set))
        }
        _ => Touched::Other,
    })
}

/// Whether the notification tells of a change in our table.
#[must_use]
pub fn touches_us(message_type: u16, payload: &[u8]) -> bool {
    notification(message_type, payload)
        .is_some_and(|touched| !matches!(touched, Touched::Generation { .. }))
}

fn read_set_id(attributes: &[u8]) -> Option<SetId> {
    Fields::<3>::read(attributes)?.text(super::kernel::set::NAME)?.parse().ok()
}

fn read_generation(attributes: &[u8]) -> Option<Touched> {
    let mut fields = Fields::<4>::read(attributes)?;
    Some(Touched::Generation {
        id: fields.be32(generation::ID)?,
        program: fields.text(generation::PROC_NAME).unwrap_or_default().to_owned(),
    })
}
