//! How is a set's declaration said to the kernel, and read back?

use model::Family;

use super::attribute::{Fields, Writer};
use super::expr::write_expr;
use super::kernel::{list, set, set_data, set_desc, set_field, set_flag};
use super::read_expr::is_counter;
use super::userdata;
use crate::name::{SetId, TABLE};
use crate::program::Expr;
use crate::set::{Field, SetKind, SetSpec, Target};

/// Bits by which `nft` shifts one field's type to make room for the next.
const TYPE_BITS: u32 = 6;

/// The declaration. `number` tells the set from others that the same batch makes.
pub(super) fn write_set(w: &mut Writer, table: &str, spec: &SetSpec, number: u32) {
    w.text(set::TABLE, table);
    w.text(set::NAME, spec.id);
    w.be32(set::FLAGS, flags(spec));
    w.be32(set::KEY_TYPE, type_of(&spec.key));
    w.be32(set::KEY_LEN, spec.key_len());
    match &spec.target {
        Target::Nothing => {}
        Target::Verdict => {
            w.be32(set::DATA_TYPE, set_data::VERDICT);
            w.be32(set::DATA_LEN, set_data::VERDICT_LEN);
        }
        Target::Fields(fields) => {
            w.be32(set::DATA_TYPE, type_of(fields));
            w.be32(set::DATA_LEN, fields.iter().map(|field| field.width()).sum());
        }
    }
    w.be32(set::ID, number);
    match spec.kind {
        SetKind::Plain => {}
        SetKind::Ranges => w.nested(set::DESC, |w| write_lengths(w, &spec.key)),
        SetKind::Dynamic { size, timeout_s } => {
            w.nested(set::DESC, |w| w.be32(set_desc::SIZE, size));
            w.be64(set::TIMEOUT, u64::from(timeout_s) * 1000);
        }
        SetKind::Counting { size } => w.nested(set::DESC, |w| w.be32(set_desc::SIZE, size)),
    }
    w.value(set::USERDATA, |bytes| userdata::write(bytes, spec));
    if spec.has_counters {
        w.nested(set::EXPR, |w| write_expr(w, &Expr::Counter));
    }
}

fn flags(spec: &SetSpec) -> u32 {
    let of_target = if spec.target == Target::Nothing { 0 } else { set_flag::MAP };
    of_target | of_kind(spec.kind)
}

const fn of_kind(kind: SetKind) -> u32 {
    match kind {
        SetKind::Plain => 0,
        SetKind::Ranges => set_flag::INTERVAL | set_flag::CONCAT,
        SetKind::Dynamic { .. } => set_flag::TIMEOUT | set_flag::EVAL,
        SetKind::Counting { .. } => set_flag::EVAL,
    }
}

fn type_of(fields: &[Field]) -> u32 {
    fields.iter().fold(0, |all, field| all << TYPE_BITS | field.datatype())
}

/// How many bytes of each field's registers are compared.
fn write_lengths(w: &mut Writer, key: &[Field]) {
    w.nested(set_desc::CONCAT, |w| {
        for field in key {
            let len = match field {
                Field::Protocol => 1,
                Field::Port => 2,
                Field::Address(_) | Field::Class | Field::Slot => field.width(),
            };
            w.nested(list::ELEM, |w| w.be32(set_field::LEN, len));
        }
    });
}

/// A set of our table.
pub(super) enum ReadSet<'a> {
    /// One of our names; as it is declared, which may be another way than ours.
    Ours(SetSpec),
    Foreign(&'a str),
    /// Part of a rule, and gone with it.
    Anonymous,
}

/// `None` when it is in another table, or nothing that can be read.
pub(super) fn read_set(attributes: &[u8]) -> Option<ReadSet<'_>> {
    let mut fields = Fields::<19>::read(attributes)?;
    if fields.text(set::TABLE)? != TABLE {
        return None;
    }
    let name = fields.text(set::NAME)?;
    let flags = fields.be32(set::FLAGS).unwrap_or(0);
    if flags & set_flag::ANONYMOUS != 0 {
        return Some(ReadSet::Anonymous);
    }
    let Ok(id) = name.parse() else { return Some(ReadSet::Foreign(name)) };
    Some(ReadSet::Ours(read_spec(id, flags, &mut fields).unwrap_or_else(|| otherwise(id))))
}

/// How a set is declared when it is in no way of ours. No set of ours has an empty key, so that it
/// differs from each.
const fn otherwise(id: SetId) -> SetSpec {
    SetSpec {
        id,
        key: Vec::new(),
        target: Target::Nothing,
        kind: SetKind::Plain,
        has_counters: false,
    }
}

fn read_spec(id: SetId, flags: u32, fields: &mut Fields<'_, 19>) -> Option<SetSpec> {
    let key = read_types(fields.be32(set::KEY_TYPE)?, fields.be32(set::KEY_LEN)?)?;
    let target = if flags & set_flag::MAP == 0 {
        Target::Nothing
    } else {
        match fields.be32(set::DATA_TYPE)? {
            set_data::VERDICT => Target::Verdict,
            kind => Target::Fields(read_types(kind, fields.be32(set::DATA_LEN)?)?),
        }
    };
    let mut desc = Fields::<3>::read(fields.take(set::DESC).unwrap_or_default())?;
    let size = desc.be32(set_desc::SIZE);
    let timeout_ms = fields.be64(set::TIMEOUT);
    let kind = match (size, timeout_ms) {
        (None, None) => [SetKind::Plain, SetKind::Ranges]
            .into_iter()
            .find(|kind| flags & !set_flag::MAP == of_kind(*kind))?,
        (Some(size), Some(timeout_ms)) if timeout_ms.is_multiple_of(1000) => {
            let timeout_s = u32::try_from(timeout_ms / 1000).ok()?;
            let kind = SetKind::Dynamic { size, timeout_s };
            (flags & !set_flag::MAP == of_kind(kind)).then_some(kind)?
        }
        (Some(size), None) => {
            let kind = SetKind::Counting { size };
            (flags & !set_flag::MAP == of_kind(kind)).then_some(kind)?
        }
        _ => return None,
    };
    let has_counters = match (fields.take(set::EXPR), fields.take(set::EXPRESSIONS)) {
        (None, None) => false,
        (Some(expr), None) if is_counter(expr) => true,
        _ => return None,
    };
    Some(SetSpec { id, key, target, kind, has_counters })
}

/// The fields that such a type and length stand for.
fn read_types(types: u32, len: u32) -> Option<Vec<Field>> {
    const FIELDS: [Field; 6] = [
        Field::Address(Family::V4),
        Field::Address(Family::V6),
        Field::Protocol,
        Field::Port,
        Field::Class,
        Field::Slot,
    ];
    let shifts = (0..u32::BITS).step_by(TYPE_BITS as usize).rev().map(|shift| types >> shift);
    let numbers = shifts.skip_while(|rest| *rest == 0).map(|rest| rest & ((1 << TYPE_BITS) - 1));
    let field = |number| FIELDS.into_iter().find(|field| field.datatype() == number);
    let fields: Vec<Field> = numbers.map(field).collect::<Option<_>>()?;
    (fields.iter().map(|field| field.width()).sum::<u32>() == len).then_some(fields)
}
