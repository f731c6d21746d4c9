//! How is a chain's declaration said to the kernel, and read back?

use std::fmt::Display;

use super::attribute::{Fields, Writer};
use super::kernel::{chain, chain_flag, hook, verdict_code};
use crate::name::TABLE;
use crate::program::{Attachment, Hook, HookKind};

/// How a chain is attached when it is in no way of ours. No chain of ours has this priority, so
/// that it differs from each.
const OTHERWISE: Attachment =
    Attachment { hook: Hook::Input, priority: i32::MIN, kind: HookKind::Filter };

/// The declaration of a chain by its table and its name.
pub(super) fn write_chain(
    w: &mut Writer,
    (table, name): (&str, &dyn Display),
    attachment: Option<Attachment>,
) {
    w.text(chain::TABLE, table);
    w.text(chain::NAME, name);
    let Some(Attachment { hook, priority, kind }) = attachment else { return };
    w.nested(chain::HOOK, |w| {
        w.be32(hook::NUM, hook as u32);
        w.bytes(hook::PRIORITY, &priority.to_be_bytes());
    });
    w.bytes(chain::POLICY, &verdict_code::ACCEPT.to_be_bytes());
    w.text(chain::TYPE, type_name(kind));
}

const fn type_name(kind: HookKind) -> &'static str {
    match kind {
        HookKind::Filter => "filter",
        HookKind::Nat => "nat",
    }
}

/// A chain of our table.
pub(super) struct ReadChain<'a> {
    pub(super) name: &'a str,
    pub(super) attachment: Option<Attachment>,
}

/// `None` when it is in another table, or nothing that can be read.
pub(super) fn read_chain(attributes: &[u8]) -> Option<ReadChain<'_>> {
    let mut fields = Fields::<11>::read(attributes)?;
    if fields.text(chain::TABLE)? != TABLE {
        return None;
    }
    let name = fields.text(chain::NAME)?;
    let attachment = fields
        .take(chain::HOOK)
        .map(|hook| read_attachment(hook, &mut fields).unwrap_or(OTHERWISE));
    Some(ReadChain { name, attachment })
}

fn read_attachment(hook: &[u8], fields: &mut Fields<'_, 11>) -> Option<Attachment> {
    let mut at = Fields::<5>::read(hook)?;
    let number = at.be32(hook::NUM)?;
    let hook = [Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting]
        .into_iter()
        .find(|hook| *hook as u32 == number)?;
    let priority = i32::from_be_bytes(at.take(hook::PRIORITY)?.try_into().ok()?);
    let name = fields.text(chain::TYPE)?;
    let kind =
        [HookKind::Filter, HookKind::Nat].into_iter().find(|kind| type_name(*kind) == name)?;
    let accepts = fields.take(chain::POLICY)? == verdict_code::ACCEPT.to_be_bytes();
    let has_other_flags = fields.be32(chain::FLAGS).unwrap_or(0) & !chain_flag::BASE != 0;
    let is_ours = accepts && !has_other_flags && at.is_rest_zero();
    is_ours.then_some(Attachment { hook, priority, kind })
}
