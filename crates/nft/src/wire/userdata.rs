//! What must a set carry along so that `nft list` prints its elements?
//!
//! The kernel keeps these bytes without looking at them: types, lengths and values of one byte
//! each in front, numbers in the host's byte order. Only the `nft` program reads them.

use model::Family;

use crate::set::{Field, SetSpec, Target};

mod kind {
    pub(super) const KEY_BYTEORDER: u8 = 0;
    pub(super) const DATA_BYTEORDER: u8 = 1;
    pub(super) const KEY_TYPEOF: u8 = 3;
    pub(super) const DATA_TYPEOF: u8 = 4;
    pub(super) const DATA_INTERVAL: u8 = 6;
    /// Within a description by expression: which kind of expression, and more about it.
    pub(super) const EXPR: u8 = 0;
    pub(super) const DETAIL: u8 = 1;
}

/// Kinds of expression as `nft` numbers them.
mod expr {
    pub(super) const PAYLOAD: u32 = 7;
    pub(super) const META: u32 = 9;
    pub(super) const CONCAT: u32 = 13;
    pub(super) const NUMGEN: u32 = 23;
}

const BYTEORDER_NONE: u32 = 0;
const BYTEORDER_HOST: u32 = 1;
const BYTEORDER_BIG: u32 = 2;

type Bytes = Vec<u8>;

fn record(bytes: &mut Bytes, kind: u8, fill: impl FnOnce(&mut Bytes)) {
    bytes.extend_from_slice(&[kind, 0]);
    let start = bytes.len();
    fill(bytes);
    bytes[start - 1] = u8::try_from(bytes.len() - start).unwrap_or(u8::MAX);
}

fn number(bytes: &mut Bytes, kind: u8, value: u32) {
    record(bytes, kind, |bytes| bytes.extend_from_slice(&value.to_ne_bytes()));
}

/// What goes with the declaration of a set.
pub(super) fn write(bytes: &mut Bytes, spec: &SetSpec) {
    // `nft` has no name for the type of a random number, so that such a key must be described by
    // the expressions that make it; then the value too.
    let by_expr = spec.key.contains(&Field::Slot);
    number(bytes, kind::KEY_BYTEORDER, byteorder(&spec.key));
    let data = match &spec.target {
        Target::Nothing => None,
        Target::Verdict => Some(&[][..]),
        Target::Fields(fields) => Some(&fields[..]),
    };
    if let Some(data) = data {
        number(bytes, kind::DATA_BYTEORDER, byteorder(data));
    }
    describe(bytes, kind::KEY_TYPEOF, &spec.key, by_expr);
    if let Some(data) = data {
        describe(bytes, kind::DATA_TYPEOF, data, by_expr);
        number(bytes, kind::DATA_INTERVAL, 0);
    }
}

fn byteorder(fields: &[Field]) -> u32 {
    match fields {
        [Field::Class | Field::Slot] => BYTEORDER_HOST,
        [Field::Address(_) | Field::Protocol | Field::Port] => BYTEORDER_BIG,
        _ => BYTEORDER_NONE,
    }
}

/// A single field described by its type needs no words.
fn describe(bytes: &mut Bytes, kind: u8, fields: &[Field], by_expr: bool) {
    match fields {
        [] => {}
        [field] if by_expr => record(bytes, kind, |bytes| describe_field(bytes, *field)),
        [_] => {}
        _ => record(bytes, kind, |bytes| {
            number(bytes, kind::EXPR, expr::CONCAT);
            record(bytes, kind::DETAIL, |bytes| {
                for (place, field) in (0..).zip(fields).filter(|_| by_expr) {
                    record(bytes, place, |bytes| describe_field(bytes, *field));
                }
            });
        }),
    }
}

/// An expression that loads such a field, and its numbers.
fn describe_field(bytes: &mut Bytes, field: Field) {
    let (expr, details): (u32, &[u32]) = match field {
        // meta priority
        Field::Class => (expr::META, &[2]),
        // meta l4proto
        Field::Protocol => (expr::META, &[16]),
        // numgen random mod N offset 0
        Field::Slot => (expr::NUMGEN, &[1, SLOTS, 0]),
        // ip daddr
        Field::Address(Family::V4) => (expr::PAYLOAD, &[12, 12]),
        // ip6 daddr
        Field::Address(Family::V6) => (expr::PAYLOAD, &[13, 9]),
        // th dport
        Field::Port => (expr::PAYLOAD, &[11, 2]),
    };
    number(bytes, kind::EXPR, expr);
    record(bytes, kind::DETAIL, |bytes| {
        for (place, detail) in (0..).zip(details) {
            number(bytes, place, *detail);
        }
    });
}

/// Every slot's number is below.
#[expect(clippy::cast_possible_truncation, reason = "a constant that fits")]
const SLOTS: u32 = model::limits::ENDPOINTS_PER_POOL_MAX as u32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::SetId;

    fn hex(id: SetId) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes, &SetSpec::of(id, 1));
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// As `nft` 1.0.6 writes them on a little-endian machine.
    #[test]
    #[cfg(target_endian = "little")]
    fn userdata_is_what_nft_writes() {
        let found = [
            SetId::Services(Family::V4),
            SetId::LocalPolicy(Family::V6),
            SetId::Dispatch,
            SetId::Endpoints(Family::V4),
            SetId::Slots(Family::V6),
            SetId::Members(Family::V4),
            SetId::Affinity(Family::V6),
            SetId::ClusterIps(Family::V4),
        ]
        .map(hex);
        let slot = "033400040d000000012c000e0004090000000106000402000000011a000417000000011200\
                    040100000001040040000002040000 0000";
        let slot = slot.replace(' ', "");
        let expected = [
            "000400000000010401000000030800040d0000000100060400000000".to_owned(),
            "000400000000030800040d0000000100".to_owned(),
            "000401000000010400000000060400000000".to_owned(),
            format!(
                "000400000000010400000000{slot}043400040d000000012c0014000407000000010c00040c0000\
                 0001040c0000000114000407000000010c00040b000000010402000000060400000000"
            ),
            format!(
                "000400000000010402000000{slot}0414000407000000010c00040d000000010409000000060400\
                 000000"
            ),
            "000400000000010400000000030800040d0000000100040800040d0000000100060400000000"
                .to_owned(),
            "000400000000010402000000030800040d0000000100060400000000".to_owned(),
            "000402000000".to_owned(),
        ];
        assert_eq!(found, expected);
    }
}
