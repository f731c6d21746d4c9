//! Which steps of ours are the expressions of a rule in the kernel?
//!
//! Strict: an expression that says anything that we never say is foreign, so that it differs from
//! all that is planned. Attributes newer than this code are not looked at.

use model::Family;

use super::attribute::{Attributes, Fields};
use super::expr::header_checksum;
use super::kernel::{
    bitwise, checksum, compare, compare_op, counter, ct, ct_key, data, dynset, dynset_op, expr,
    fib, fib_flag, fib_result, immediate, lookup, lookup_flag, masquerade, meta, meta_key, nat,
    nat_flag, nat_type, numgen, numgen_type, payload, payload_base, register, reject, reject_code,
    reject_type, verdict, verdict_code,
};
use crate::program::{
    Base, CtKey, DynamicOp, Expr, Into, MetaKey, Reg, RuleVerdict,
    value::{CT_DIRECTION_ORIGINAL, NFPROTO_IPV4, NFPROTO_IPV6},
};

/// The expressions of a rule's list.
pub(super) fn read_exprs(list: &[u8]) -> Vec<Expr> {
    let mut attributes = Attributes::of(list);
    let mut exprs: Vec<Expr> = attributes.by_ref().map(|expr| read_expr(expr.value)).collect();
    if !attributes.is_whole() {
        exprs.push(malformed());
    }
    exprs
}

fn malformed() -> Expr {
    Expr::Foreign("malformed".to_owned())
}

fn read_expr(bytes: &[u8]) -> Expr {
    let Some((name, data)) = read_name(bytes) else { return malformed() };
    read_attributes(name, data).unwrap_or_else(|| Expr::Foreign(name.to_owned()))
}

fn read_name(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let mut fields = Fields::<3>::read(bytes)?;
    Some((fields.text(expr::NAME)?, fields.take(expr::DATA).unwrap_or_default()))
}

/// Whether the expression is a counter, whatever it has counted.
pub(super) fn is_counter(bytes: &[u8]) -> bool {
    read_name(bytes).is_some_and(|(name, _)| name == "counter")
}

/// Packets and bytes, when the expression is a counter.
pub(super) fn read_count(bytes: &[u8]) -> Option<(u64, u64)> {
    let (name, data) = read_name(bytes)?;
    if name != "counter" {
        return None;
    }
    let mut fields = Fields::<3>::read(data)?;
    Some((fields.be64(counter::PACKETS)?, fields.be64(counter::BYTES)?))
}

fn read_attributes(name: &str, data: &[u8]) -> Option<Expr> {
    match name {
        "meta" => exactly::<4>(data, read_meta),
        "payload" => exactly::<9>(data, read_payload),
        "ct" => exactly::<5>(data, read_ct),
        "cmp" => exactly::<4>(data, read_compare),
        "bitwise" => exactly::<8>(data, read_mask),
        "immediate" => exactly::<3>(data, read_immediate),
        "lookup" => exactly::<6>(data, read_lookup),
        "numgen" => exactly::<5>(data, read_random),
        "fib" => exactly::<4>(data, read_source_type),
        "dynset" => exactly::<11>(data, read_dynamic),
        "nat" => exactly::<8>(data, read_dnat),
        "masq" => exactly::<4>(data, read_masquerade),
        "reject" => exactly::<3>(data, read_reject),
        "notrack" => Some(Expr::Notrack),
        "counter" => Some(Expr::Counter),
        _ => None,
    }
}

/// What `read` makes of the attributes below `N`, if it leaves none that says something.
fn exactly<const N: usize>(
    data: &[u8],
    read: impl FnOnce(&mut Fields<'_, N>) -> Option<Expr>,
) -> Option<Expr> {
    let mut fields = Fields::<N>::read(data)?;
    let expr = read(&mut fields)?;
    fields.is_rest_zero().then_some(expr)
}

impl<const N: usize> Fields<'_, N> {
    /// Whether the attribute says just this.
    fn is(&mut self, kind: u16, value: u32) -> Option<()> {
        (self.be32(kind)? == value).then_some(())
    }

    /// The same if it is not there.
    fn is_or_absent(&mut self, kind: u16, value: u32) -> Option<()> {
        self.take(kind).is_none_or(|found| found == value.to_be_bytes()).then_some(())
    }

    fn reg(&mut self, kind: u16) -> Option<Reg> {
        read_register(self.be32(kind)?)
    }

    fn data(&mut self, kind: u16) -> Option<Vec<u8>> {
        read_value(self.take(kind)?).map(<[u8]>::to_vec)
    }
}

fn read_register(number: u32) -> Option<Reg> {
    let index = match number {
        register::FIRST..=register::LAST => (number - register::FIRST) * 4,
        register::FIRST_32..=register::LAST_32 => number - register::FIRST_32,
        _ => return None,
    };
    u8::try_from(index).ok().map(Reg)
}

/// The bytes of a value that is no verdict.
pub(super) fn read_value(nest: &[u8]) -> Option<&[u8]> {
    Fields::<3>::read(nest)?.take(data::VALUE)
}

/// A verdict that rules of ours have.
pub(super) fn read_verdict(nest: &[u8]) -> Option<RuleVerdict> {
    let mut fields = Fields::<4>::read(Fields::<3>::read(nest)?.take(data::VERDICT)?)?;
    let code = i32::from_be_bytes(fields.take(verdict::CODE)?.try_into().ok()?);
    let mut chain = || fields.text(verdict::CHAIN)?.parse().ok();
    let verdict = match code {
        verdict_code::DROP => RuleVerdict::Drop,
        verdict_code::RETURN => RuleVerdict::Return,
        verdict_code::JUMP => RuleVerdict::Jump(chain()?),
        verdict_code::GOTO => RuleVerdict::Goto(chain()?),
        _ => return None,
    };
    fields.is_rest_zero().then_some(verdict)
}

fn read_meta(fields: &mut Fields<'_, 4>) -> Option<Expr> {
    let key = fields.be32(meta::KEY)?;
    if let Some(from) = fields.take(meta::SREG) {
        let from = read_register(u32::from_be_bytes(from.try_into().ok()?))?;
        return (key == meta_key::PRIORITY).then_some(Expr::SetPriority { from });
    }
    let key = match key {
        meta_key::PRIORITY => MetaKey::Priority,
        meta_key::IIFNAME => MetaKey::InterfaceName,
        meta_key::NFPROTO => MetaKey::NetworkProtocol,
        meta_key::L4PROTO => MetaKey::TransportProtocol,
        _ => return None,
    };
    Some(Expr::Meta { key, to: fields.reg(meta::DREG)? })
}

fn read_payload(fields: &mut Fields<'_, 9>) -> Option<Expr> {
    let base = match fields.be32(payload::BASE)? {
        payload_base::NETWORK => Base::Network,
        payload_base::TRANSPORT => Base::Transport,
        _ => return None,
    };
    let offset = fields.be32(payload::OFFSET)?;
    let len = fields.be32(payload::LEN)?;
    let Some(from) = fields.take(payload::SREG) else {
        return Some(Expr::Payload { base, offset, len, to: fields.reg(payload::DREG)? });
    };
    let from = read_register(u32::from_be_bytes(from.try_into().ok()?))?;
    let (kind, at) = header_checksum(len);
    fields.is(payload::CSUM_TYPE, kind)?;
    fields.is(payload::CSUM_OFFSET, at)?;
    fields.is(payload::CSUM_FLAGS, checksum::L4_PSEUDO_HEADER)?;
    (base == Base::Network).then_some(Expr::SetDestination { offset, len, from })
}

fn read_ct(fields: &mut Fields<'_, 5>) -> Option<Expr> {
    let to = fields.reg(ct::DREG)?;
    let key = fields.be32(ct::KEY)?;
    let is_of_original = fields.take(ct::DIRECTION).map(|way| way == [CT_DIRECTION_ORIGINAL]);
    let key = match (key, is_of_original) {
        (ct_key::STATE, None) => CtKey::State,
        (ct_key::STATUS, None) => CtKey::Status,
        (ct_key::DIRECTION, None) => CtKey::Direction,
        (ct_key::DST_IP, Some(true)) => CtKey::OriginalDestination(Family::V4),
        (ct_key::DST_IP6, Some(true)) => CtKey::OriginalDestination(Family::V6),
        (ct_key::PROTO_DST, Some(true)) => CtKey::OriginalPort,
        _ => return None,
    };
    Some(Expr::Ct { key, to })
}

fn read_compare(fields: &mut Fields<'_, 4>) -> Option<Expr> {
    let from = fields.reg(compare::SREG)?;
    let equal = match fields.be32(compare::OP)? {
        compare_op::EQ => true,
        compare_op::NEQ => false,
        _ => return None,
    };
    Some(Expr::Compare { from, equal, value: fields.data(compare::DATA)? })
}

fn read_mask(fields: &mut Fields<'_, 8>) -> Option<Expr> {
    let from = fields.reg(bitwise::SREG)?;
    let to = fields.reg(bitwise::DREG)?;
    let mask = fields.data(bitwise::MASK)?;
    let flipped = fields.data(bitwise::XOR)?;
    let is_and = fields.be32(bitwise::LEN).and_then(|len| usize::try_from(len).ok())
        == Some(mask.len())
        && flipped.iter().all(|byte| *byte == 0);
    is_and.then_some(Expr::Mask { from, to, mask })
}

fn read_immediate(fields: &mut Fields<'_, 3>) -> Option<Expr> {
    let to = fields.be32(immediate::DREG)?;
    if to == register::VERDICT {
        return read_verdict(fields.take(immediate::DATA)?).map(Expr::Verdict);
    }
    Some(Expr::Constant { to: read_register(to)?, value: fields.data(immediate::DATA)? })
}

fn read_lookup(fields: &mut Fields<'_, 6>) -> Option<Expr> {
    let into = match fields.be32(lookup::DREG) {
        None => Into::Nothing,
        Some(register::VERDICT) => Into::Verdict,
        Some(number) => Into::Register(read_register(number)?),
    };
    let invert = match fields.be32(lookup::FLAGS).unwrap_or(0) {
        0 => false,
        lookup_flag::INV => true,
        _ => return None,
    };
    let set = fields.text(lookup::SET)?.parse().ok()?;
    Some(Expr::Lookup { set, from: fields.reg(lookup::SREG)?, into, invert })
}

fn read_random(fields: &mut Fields<'_, 5>) -> Option<Expr> {
    fields.is(numgen::TYPE, numgen_type::RANDOM)?;
    Some(Expr::Random { modulus: fields.be32(numgen::MODULUS)?, to: fields.reg(numgen::DREG)? })
}

fn read_source_type(fields: &mut Fields<'_, 4>) -> Option<Expr> {
    fields.is(fib::RESULT, fib_result::ADDRTYPE)?;
    fields.is(fib::FLAGS, fib_flag::SADDR)?;
    Some(Expr::SourceType { to: fields.reg(fib::DREG)? })
}

fn read_dynamic(fields: &mut Fields<'_, 11>) -> Option<Expr> {
    let op = match fields.be32(dynset::OP)? {
        dynset_op::UPDATE => DynamicOp::Update,
        dynset_op::DELETE => DynamicOp::Delete,
        _ => return None,
    };
    let set = fields.text(dynset::SET_NAME)?.parse().ok()?;
    let key = fields.reg(dynset::SREG_KEY)?;
    let timeout_ms = fields.be64(dynset::TIMEOUT).unwrap_or(0);
    match (fields.be32(dynset::SREG_DATA), op, timeout_ms) {
        (None, DynamicOp::Update, 0) => Some(Expr::Count { set, key }),
        (None, ..) => None,
        (Some(data), ..) => {
            Some(Expr::Dynamic { set, op, key, data: read_register(data)?, timeout_ms })
        }
    }
}

/// The kernel lists what it has added to what was asked for: ends of the ranges, and flags.
fn read_dnat(fields: &mut Fields<'_, 8>) -> Option<Expr> {
    fields.is(nat::TYPE, nat_type::DNAT)?;
    let family = match u8::try_from(fields.be32(nat::FAMILY)?).ok()? {
        NFPROTO_IPV4 => Family::V4,
        NFPROTO_IPV6 => Family::V6,
        _ => return None,
    };
    let address = fields.be32(nat::REG_ADDR_MIN)?;
    let port = fields.be32(nat::REG_PROTO_MIN)?;
    fields.is_or_absent(nat::REG_ADDR_MAX, address)?;
    fields.is_or_absent(nat::REG_PROTO_MAX, port)?;
    fields.is_or_absent(nat::FLAGS, nat_flag::MAP_IPS | nat_flag::PROTO_SPECIFIED)?;
    Some(Expr::Dnat { family, address: read_register(address)?, port: read_register(port)? })
}

fn read_masquerade(fields: &mut Fields<'_, 4>) -> Option<Expr> {
    fields.is(masquerade::FLAGS, nat_flag::PROTO_RANDOM_FULLY)?;
    Some(Expr::Masquerade)
}

fn read_reject(fields: &mut Fields<'_, 3>) -> Option<Expr> {
    fields.is(reject::TYPE, reject_type::ICMPX_UNREACH)?;
    let is_port = fields.take(reject::ICMP_CODE)? == [reject_code::ICMPX_PORT_UNREACH];
    is_port.then_some(Expr::Reject)
}
