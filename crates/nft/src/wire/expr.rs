//! How are the steps of a rule said to the kernel?

use model::Family;

use super::attribute::Writer;
use super::kernel::{
    bitwise, checksum, compare, compare_op, ct, ct_key, data, dynset, dynset_op, expr, fib,
    fib_flag, fib_result, immediate, list, lookup, lookup_flag, masquerade, meta, meta_key, nat,
    nat_flag, nat_type, numgen, numgen_type, payload, payload_base, register, reject, reject_code,
    reject_type, verdict, verdict_code,
};
use crate::program::{
    Base, CtKey, DynamicOp, Expr, Into, MetaKey, Reg, RuleVerdict,
    value::{CT_DIRECTION_ORIGINAL, NFPROTO_IPV4, NFPROTO_IPV6},
};

/// The list of a rule's expressions.
pub(super) fn write_exprs(w: &mut Writer, exprs: &[Expr]) {
    for expr in exprs {
        w.nested(list::ELEM, |w| write_expr(w, expr));
    }
}

/// Name and attributes of one expression.
pub(super) fn write_expr(w: &mut Writer, expr: &Expr) {
    w.text(expr::NAME, name_of(expr));
    w.nested(expr::DATA, |w| write_attributes(w, expr));
}

fn name_of(expr: &Expr) -> &str {
    match expr {
        Expr::Meta { .. } | Expr::SetPriority { .. } => "meta",
        Expr::Payload { .. } | Expr::SetDestination { .. } => "payload",
        Expr::Ct { .. } => "ct",
        Expr::Compare { .. } => "cmp",
        Expr::Mask { .. } => "bitwise",
        Expr::Constant { .. } | Expr::Verdict(_) => "immediate",
        Expr::Lookup { .. } => "lookup",
        Expr::Random { .. } => "numgen",
        Expr::SourceType { .. } => "fib",
        Expr::Dynamic { .. } | Expr::Count { .. } => "dynset",
        Expr::Dnat { .. } => "nat",
        Expr::Masquerade => "masq",
        Expr::Reject => "reject",
        Expr::Notrack => "notrack",
        Expr::Counter => "counter",
        // Never planned. The kernel knows no such expression and says so.
        Expr::Foreign(_) => "foreign",
    }
}

fn write_attributes(w: &mut Writer, expr: &Expr) {
    match expr {
        Expr::Meta { key, to } => {
            w.be32(meta::KEY, meta_key_number(*key));
            w.be32(meta::DREG, register_number(*to));
        }
        Expr::SetPriority { from } => {
            w.be32(meta::KEY, meta_key::PRIORITY);
            w.be32(meta::SREG, register_number(*from));
        }
        Expr::Payload { base, offset, len, to } => {
            w.be32(payload::DREG, register_number(*to));
            write_place(w, *base, *offset, *len);
        }
        Expr::SetDestination { offset, len, from } => {
            write_set_destination(w, *offset, *len, *from);
        }
        Expr::Ct { key, to } => write_ct(w, *key, *to),
        Expr::Compare { from, equal, value } => {
            w.be32(compare::SREG, register_number(*from));
            w.be32(compare::OP, if *equal { compare_op::EQ } else { compare_op::NEQ });
            w.nested(compare::DATA, |w| w.bytes(data::VALUE, value));
        }
        Expr::Mask { from, to, mask } => write_mask(w, *from, *to, mask),
        Expr::Constant { to, value } => {
            w.be32(immediate::DREG, register_number(*to));
            w.nested(immediate::DATA, |w| w.bytes(data::VALUE, value));
        }
        Expr::Lookup { .. } => write_lookup(w, expr),
        Expr::Random { modulus, to } => {
            w.be32(numgen::DREG, register_number(*to));
            w.be32(numgen::MODULUS, *modulus);
            w.be32(numgen::TYPE, numgen_type::RANDOM);
        }
        Expr::SourceType { to } => {
            w.be32(fib::DREG, register_number(*to));
            w.be32(fib::RESULT, fib_result::ADDRTYPE);
            w.be32(fib::FLAGS, fib_flag::SADDR);
        }
        Expr::Dynamic { .. } => write_dynamic(w, expr),
        // What the set's elements have is given to each that is made.
        Expr::Count { set, key } => {
            w.text(dynset::SET_NAME, set);
            w.be32(dynset::OP, dynset_op::UPDATE);
            w.be32(dynset::SREG_KEY, register_number(*key));
        }
        Expr::Dnat { family, address, port } => {
            w.be32(nat::TYPE, nat_type::DNAT);
            w.be32(nat::FAMILY, u32::from(family_number(*family)));
            w.be32(nat::REG_ADDR_MIN, register_number(*address));
            w.be32(nat::REG_PROTO_MIN, register_number(*port));
        }
        Expr::Masquerade => w.be32(masquerade::FLAGS, nat_flag::PROTO_RANDOM_FULLY),
        Expr::Reject => {
            w.be32(reject::TYPE, reject_type::ICMPX_UNREACH);
            w.bytes(reject::ICMP_CODE, &[reject_code::ICMPX_PORT_UNREACH]);
        }
        Expr::Verdict(verdict) => {
            w.be32(immediate::DREG, register::VERDICT);
            w.nested(immediate::DATA, |w| write_verdict(w, *verdict));
        }
        Expr::Notrack | Expr::Counter | Expr::Foreign(_) => {}
    }
}

/// The kernel numbers the registers twice: four of sixteen bytes, and sixteen of four. It prefers
/// the former where both are possible, and so does `nft`.
fn register_number(Reg(index): Reg) -> u32 {
    let index = u32::from(index);
    if index.is_multiple_of(4) { register::FIRST + index / 4 } else { register::FIRST_32 + index }
}

const fn family_number(family: Family) -> u8 {
    match family {
        Family::V4 => NFPROTO_IPV4,
        Family::V6 => NFPROTO_IPV6,
    }
}

const fn meta_key_number(key: MetaKey) -> u32 {
    match key {
        MetaKey::Priority => meta_key::PRIORITY,
        MetaKey::InterfaceName => meta_key::IIFNAME,
        MetaKey::NetworkProtocol => meta_key::NFPROTO,
        MetaKey::TransportProtocol => meta_key::L4PROTO,
    }
}

fn write_place(w: &mut Writer, base: Base, offset: u32, len: u32) {
    let base = match base {
        Base::Network => payload_base::NETWORK,
        Base::Transport => payload_base::TRANSPORT,
    };
    w.be32(payload::BASE, base);
    w.be32(payload::OFFSET, offset);
    w.be32(payload::LEN, len);
}

fn write_set_destination(w: &mut Writer, offset: u32, len: u32, from: Reg) {
    w.be32(payload::SREG, register_number(from));
    write_place(w, Base::Network, offset, len);
    let (kind, at) = header_checksum(len);
    w.be32(payload::CSUM_TYPE, kind);
    w.be32(payload::CSUM_OFFSET, at);
    w.be32(payload::CSUM_FLAGS, checksum::L4_PSEUDO_HEADER);
}

/// Type and offset of the checksum in the header that holds addresses of such a length.
pub(super) const fn header_checksum(address_len: u32) -> (u32, u32) {
    if address_len == 4 { (checksum::INET, checksum::IPV4_OFFSET) } else { (checksum::NONE, 0) }
}

fn write_ct(w: &mut Writer, key: CtKey, to: Reg) {
    let (number, is_of_original) = match key {
        CtKey::State => (ct_key::STATE, false),
        CtKey::Status => (ct_key::STATUS, false),
        CtKey::Direction => (ct_key::DIRECTION, false),
        CtKey::OriginalDestination(Family::V4) => (ct_key::DST_IP, true),
        CtKey::OriginalDestination(Family::V6) => (ct_key::DST_IP6, true),
        CtKey::OriginalPort => (ct_key::PROTO_DST, true),
    };
    w.be32(ct::DREG, register_number(to));
    w.be32(ct::KEY, number);
    if is_of_original {
        w.bytes(ct::DIRECTION, &[CT_DIRECTION_ORIGINAL]);
    }
}

fn write_mask(w: &mut Writer, from: Reg, to: Reg, mask: &[u8]) {
    w.be32(bitwise::SREG, register_number(from));
    w.be32(bitwise::DREG, register_number(to));
    w.be32(bitwise::LEN, u32::try_from(mask.len()).unwrap_or(u32::MAX));
    w.nested(bitwise::MASK, |w| w.bytes(data::VALUE, mask));
    w.nested(bitwise::XOR, |w| {
        w.value(data::VALUE, |bytes| bytes.resize(bytes.len() + mask.len(), 0));
    });
}

fn write_lookup(w: &mut Writer, expr: &Expr) {
    let Expr::Lookup { set, from, into, invert } = expr else { return };
    w.text(lookup::SET, set);
    w.be32(lookup::SREG, register_number(*from));
    match into {
        Into::Nothing => {}
        Into::Register(to) => w.be32(lookup::DREG, register_number(*to)),
        Into::Verdict => w.be32(lookup::DREG, register::VERDICT),
    }
    if *invert {
        w.be32(lookup::FLAGS, lookup_flag::INV);
    }
}

fn write_dynamic(w: &mut Writer, expr: &Expr) {
    let Expr::Dynamic { set, op, key, data, timeout_ms } = expr else { return };
    let op = match op {
        DynamicOp::Update => dynset_op::UPDATE,
        DynamicOp::Delete => dynset_op::DELETE,
    };
    w.text(dynset::SET_NAME, set);
    w.be32(dynset::OP, op);
    w.be32(dynset::SREG_KEY, register_number(*key));
    w.be32(dynset::SREG_DATA, register_number(*data));
    w.be64(dynset::TIMEOUT, *timeout_ms);
}

/// A verdict as data.
pub(super) fn write_verdict(w: &mut Writer, verdict: RuleVerdict) {
    let (code, chain) = match verdict {
        RuleVerdict::Drop => (verdict_code::DROP, None),
        RuleVerdict::Return => (verdict_code::RETURN, None),
        RuleVerdict::Jump(chain) => (verdict_code::JUMP, Some(chain)),
        RuleVerdict::Goto(chain) => (verdict_code::GOTO, Some(chain)),
    };
    w.nested(data::VERDICT, |w| {
        w.bytes(verdict::CODE, &code.to_be_bytes());
        if let Some(chain) = chain {
            w.text(verdict::CHAIN, chain);
        }
    });
}
