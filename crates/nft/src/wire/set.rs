//! How is a set's declaration said to the kernel?

use super::attribute::Writer;
use super::expr::write_expr;
use super::kernel::{list, set, set_data, set_desc, set_field, set_flag};
use super::userdata;
use crate::name::TABLE;
use crate::program::Expr;
use crate::set::{Field, SetKind, SetSpec, Target};

/// Bits by which `nft` shifts one field's type to make room for the next.
const TYPE_BITS: u32 = 6;

/// The declaration. `number` tells the set from others that the same batch makes.
pub(super) fn write_set(w: &mut Writer, spec: &SetSpec, number: u32) {
    w.text(set::TABLE, TABLE);
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
