//! The steps that our rules are made of: small functions from what a rule says in nftables' words
//! to the expressions that the kernel runs.

use ipnet::IpNet;
use model::{Family, Protocol};

use crate::name::{ChainId, SetId};
use crate::program::{Base, CtKey, DynamicOp, Expr, Into, MetaKey, Reg, RuleVerdict, value};

/// Bits of `skb->priority` that name the kind of chain; those above name the pool.
pub(crate) const KIND_BITS: u32 = 12;
pub(crate) const KIND_MASK: u32 = (1 << KIND_BITS) - 1;

const FIRST: Reg = Reg(0);

/// The register behind an address that starts at `at`.
const fn after_address(family: Family, at: Reg) -> Reg {
    Reg(at.0 + if matches!(family, Family::V4) { 1 } else { 4 })
}

/// Offsets of the addresses in the network header, and their length.
const fn address_offset(family: Family, is_source: bool) -> (u32, u32) {
    match (family, is_source) {
        (Family::V4, true) => (12, 4),
        (Family::V4, false) => (16, 4),
        (Family::V6, true) => (8, 16),
        (Family::V6, false) => (24, 16),
    }
}

fn load_address(family: Family, is_source: bool, to: Reg) -> Expr {
    let (offset, len) = address_offset(family, is_source);
    Expr::Payload { base: Base::Network, offset, len, to }
}

pub(crate) fn source(family: Family, to: Reg) -> Expr {
    load_address(family, true, to)
}

pub(crate) fn destination(family: Family, to: Reg) -> Expr {
    load_address(family, false, to)
}

fn port(is_source: bool, to: Reg) -> Expr {
    Expr::Payload { base: Base::Transport, offset: if is_source { 0 } else { 2 }, len: 2, to }
}

const fn transport(to: Reg) -> Expr {
    Expr::Meta { key: MetaKey::TransportProtocol, to }
}

/// `meta nfproto …`
pub(crate) fn is_family(family: Family) -> Vec<Expr> {
    let number = match family {
        Family::V4 => value::NFPROTO_IPV4,
        Family::V6 => value::NFPROTO_IPV6,
    };
    let meta = Expr::Meta { key: MetaKey::NetworkProtocol, to: FIRST };
    vec![meta, Expr::Compare { from: FIRST, equal: true, value: vec![number] }]
}

/// `meta l4proto …`
pub(crate) fn is_protocol(protocol: Protocol) -> Vec<Expr> {
    let compare = Expr::Compare { from: FIRST, equal: true, value: vec![protocol.number()] };
    vec![transport(FIRST), compare]
}

/// Loads `daddr . l4proto . dport` (or the source's) from the first register on.
pub(crate) fn transport_key(family: Family, is_source: bool) -> Vec<Expr> {
    let second = after_address(family, FIRST);
    let third = Reg(second.0 + 1);
    vec![load_address(family, is_source, FIRST), transport(second), port(is_source, third)]
}

/// Loads `daddr . l4proto . dport . saddr`.
pub(crate) fn transport_key_and_source(family: Family) -> Vec<Expr> {
    let mut exprs = transport_key(family, false);
    exprs.push(source(family, Reg(after_address(family, FIRST).0 + 2)));
    exprs
}

/// Loads `ct original daddr . l4proto . ct original proto-dst`: the frontend that the client used.
pub(crate) fn original_key(family: Family) -> Vec<Expr> {
    original_key_at(family, FIRST)
}

fn original_key_at(family: Family, at: Reg) -> Vec<Expr> {
    let second = after_address(family, at);
    vec![
        Expr::Ct { key: CtKey::OriginalDestination(family), to: at },
        transport(second),
        Expr::Ct { key: CtKey::OriginalPort, to: Reg(second.0 + 1) },
    ]
}

/// `update @set { daddr . dport . ct original daddr . l4proto . ct original proto-dst }`, or with
/// the source: counts the packet for the endpoint and the frontend that the client used.
pub(crate) fn count(set: SetId, family: Family, is_reply: bool) -> Vec<Expr> {
    let endpoint_port = after_address(family, FIRST);
    let original = Reg(endpoint_port.0 + 1);
    let mut exprs = vec![load_address(family, is_reply, FIRST), port(is_reply, endpoint_port)];
    exprs.extend(original_key_at(family, original));
    exprs.push(Expr::Count { set, key: FIRST });
    exprs
}

/// `saddr . daddr`
pub(crate) fn both_addresses(family: Family) -> Vec<Expr> {
    vec![source(family, FIRST), destination(family, after_address(family, FIRST))]
}

/// `daddr . l4proto . dport @set notrack`, or the source's.
pub(crate) fn notrack(set: SetId, family: Family, is_source: bool) -> Vec<Expr> {
    let mut exprs = is_family(family);
    exprs.extend(transport_key(family, is_source));
    exprs.extend([is_in(set), Expr::Notrack]);
    exprs
}

/// `… @set`: goes on only with what is in the set.
pub(crate) const fn is_in(set: SetId) -> Expr {
    Expr::Lookup { set, from: FIRST, into: Into::Nothing, invert: false }
}

pub(crate) const fn is_not_in(set: SetId) -> Expr {
    Expr::Lookup { set, from: FIRST, into: Into::Nothing, invert: true }
}

/// `… map @set`, the value into the first register.
pub(crate) const fn map(set: SetId) -> Expr {
    Expr::Lookup { set, from: FIRST, into: Into::Register(FIRST), invert: false }
}

/// `meta priority set …` what is in the first register.
pub(crate) const fn set_priority() -> Expr {
    Expr::SetPriority { from: FIRST }
}

pub(crate) const fn priority(to: Reg) -> Expr {
    Expr::Meta { key: MetaKey::Priority, to }
}

fn mask(bits: u32) -> Expr {
    Expr::Mask { from: FIRST, to: FIRST, mask: bits.to_ne_bytes().to_vec() }
}

/// `meta priority set meta priority & 0xfffff000`: leaves the pool.
pub(crate) fn keep_pool() -> Vec<Expr> {
    vec![priority(FIRST), mask(!KIND_MASK), set_priority()]
}

/// `meta priority set 0`
pub(crate) fn clear_priority() -> Vec<Expr> {
    vec![Expr::Constant { to: FIRST, value: 0_u32.to_ne_bytes().to_vec() }, set_priority()]
}

/// `meta priority != 0`
pub(crate) fn has_priority() -> Vec<Expr> {
    let zero = 0_u32.to_ne_bytes().to_vec();
    vec![priority(FIRST), Expr::Compare { from: FIRST, equal: false, value: zero }]
}

/// `meta priority set KEY map @set  meta priority & 0xfff vmap @dispatch`, the key being loaded.
pub(crate) fn dispatch(set: SetId) -> Vec<Expr> {
    let verdict =
        Expr::Lookup { set: SetId::Dispatch, from: FIRST, into: Into::Verdict, invert: false };
    vec![map(set), set_priority(), priority(FIRST), mask(KIND_MASK), verdict]
}

/// `meta priority . numgen random mod N map @set`
pub(crate) fn pick(set: SetId, n: u32) -> Vec<Expr> {
    vec![priority(FIRST), Expr::Random { modulus: n, to: Reg(1) }, map(set)]
}

/// `meta priority . daddr map @members`
pub(crate) fn member(family: Family) -> Vec<Expr> {
    vec![priority(FIRST), destination(family, Reg(1)), map(SetId::Members(family))]
}

/// `dnat to` the address and port in the first registers.
pub(crate) const fn dnat(family: Family) -> Expr {
    Expr::Dnat { family, address: FIRST, port: after_address(family, FIRST) }
}

/// `daddr set` what is in the first register.
pub(crate) const fn set_destination(family: Family) -> Expr {
    let (offset, len) = address_offset(family, false);
    Expr::SetDestination { offset, len, from: FIRST }
}

/// `daddr set ct original daddr`: what the client asked for, where a member was tried in its place.
pub(crate) fn restore_destination(family: Family) -> Vec<Expr> {
    let original = Expr::Ct { key: CtKey::OriginalDestination(family), to: FIRST };
    vec![original, set_destination(family)]
}

/// `saddr . meta priority`: who sticks to a member of which pool.
pub(crate) fn client_key(family: Family) -> Vec<Expr> {
    vec![source(family, FIRST), priority(after_address(family, FIRST))]
}

/// `update @affinity { saddr . meta priority timeout T : daddr }`, or `delete`.
pub(crate) fn remember(family: Family, op: DynamicOp, timeout_s: u32) -> Vec<Expr> {
    let data = Reg(8);
    let mut exprs = client_key(family);
    exprs.push(destination(family, data));
    exprs.push(Expr::Dynamic {
        set: SetId::Affinity(family),
        op,
        key: FIRST,
        data,
        timeout_ms: u64::from(timeout_s) * 1000,
    });
    exprs
}

fn ct_bits(key: CtKey, bits: u32, are_set: bool) -> Vec<Expr> {
    vec![
        Expr::Ct { key, to: FIRST },
        mask(bits),
        Expr::Compare { from: FIRST, equal: !are_set, value: 0_u32.to_ne_bytes().to_vec() },
    ]
}

/// `ct state new`
pub(crate) fn is_new() -> Vec<Expr> {
    ct_bits(CtKey::State, value::CT_STATE_NEW, true)
}

/// `ct status dnat`, or not.
pub(crate) fn has_dnat(yes: bool) -> Vec<Expr> {
    ct_bits(CtKey::Status, value::CT_STATUS_DNAT, yes)
}

/// `ct direction …`
pub(crate) fn is_reply(yes: bool) -> Vec<Expr> {
    let number = if yes { value::CT_DIRECTION_REPLY } else { value::CT_DIRECTION_ORIGINAL };
    let direction = Expr::Ct { key: CtKey::Direction, to: FIRST };
    vec![direction, Expr::Compare { from: FIRST, equal: true, value: vec![number] }]
}

/// `fib saddr type local`
pub(crate) fn is_own_source() -> Vec<Expr> {
    let local = value::ADDRESS_LOCAL.to_ne_bytes().to_vec();
    let compare = Expr::Compare { from: FIRST, equal: true, value: local };
    vec![Expr::SourceType { to: FIRST }, compare]
}

/// `saddr CIDR`, or `daddr CIDR`.
pub(crate) fn is_within(net: &IpNet, is_source: bool) -> Vec<Expr> {
    let octets = |address| match address {
        std::net::IpAddr::V4(v4) => v4.octets().to_vec(),
        std::net::IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    let mut exprs = vec![load_address(Family::of(net.addr()), is_source, FIRST)];
    if net.prefix_len() < net.max_prefix_len() {
        exprs.push(Expr::Mask { from: FIRST, to: FIRST, mask: octets(net.netmask()) });
    }
    exprs.push(Expr::Compare { from: FIRST, equal: true, value: octets(net.network()) });
    exprs
}

/// `iifname NAME`, or `iifname "NAME*"`.
pub(crate) fn arrived_on(name: &str, is_prefix: bool) -> Vec<Expr> {
    let text = if is_prefix { name.as_bytes().to_vec() } else { whole_name(name) };
    compare_interface(text, true)
}

/// `iifname != NAME`
pub(crate) fn arrived_elsewhere_than(name: &str) -> Vec<Expr> {
    compare_interface(whole_name(name), false)
}

/// The kernel compares the whole field, which is padded with zeros.
fn whole_name(name: &str) -> Vec<u8> {
    let mut text = name.as_bytes().to_vec();
    text.resize(16, 0);
    text
}

fn compare_interface(value: Vec<u8>, equal: bool) -> Vec<Expr> {
    let load = Expr::Meta { key: MetaKey::InterfaceName, to: FIRST };
    vec![load, Expr::Compare { from: FIRST, equal, value }]
}

pub(crate) const fn goto(chain: ChainId) -> Expr {
    Expr::Verdict(RuleVerdict::Goto(chain))
}

pub(crate) const fn jump(chain: ChainId) -> Expr {
    Expr::Verdict(RuleVerdict::Jump(chain))
}
