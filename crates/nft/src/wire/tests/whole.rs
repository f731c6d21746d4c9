//! A table with all that we ever write.

use model::{DetectLocal, Family, Protocol};

use crate::layout::{Options, fixed_chains, picking_chain};
use crate::name::{ChainId, SetId};
use crate::program::{Bytes, Chain, Data, Element, Op, Rule};
use crate::set::{Field, SetKind, SetSpec, Target};

pub(super) const CLIENTS_MAX: u32 = 70_000;

pub(super) fn options(detect_local: DetectLocal) -> Options {
    Options {
        detect_local,
        masquerade_all: false,
        service_cidrs: ["10.96.0.0/12", "fd00:96::/112", "10.4.0.1/32"]
            .map(|cidr| cidr.parse().unwrap())
            .to_vec(),
        traffic_counters: true,
        affinity_clients_max: CLIENTS_MAX,
    }
}

/// Every way in which options shape the chains.
pub(super) fn all_options() -> Vec<Options> {
    let cidrs = ["10.1.0.0/16", "10.3.0.1/32", "fd00:1::/64"].map(|cidr| cidr.parse().unwrap());
    let detect_local = [
        DetectLocal::Never,
        DetectLocal::Cidrs(cidrs.to_vec()),
        DetectLocal::Bridge("cni0".into()),
        DetectLocal::InterfacePrefix("veth".into()),
    ];
    let mut all = Vec::new();
    for detect_local in detect_local {
        let base = options(detect_local);
        all.push(Options { masquerade_all: true, ..base.clone() });
        all.push(Options { traffic_counters: false, service_cidrs: Vec::new(), ..base.clone() });
        all.push(base);
    }
    all
}

/// Chains that pick: many, of each kind.
pub(super) fn picking_chains() -> Vec<Chain> {
    let pick = (1..=20).map(|n| ChainId::Pick { n });
    let sticky = [(1, 10_800), (2, 1), (2, 86_400), (20, 10_800)]
        .map(|(n, timeout_s)| ChainId::Sticky { n, timeout_s });
    pick.chain(sticky).filter_map(picking_chain).collect()
}

/// The steps that make the whole table, with three elements in each set.
pub(super) fn whole_table(options: &Options, picking: Vec<Chain>) -> Vec<Op> {
    let mut ops = vec![Op::AddTable];
    ops.extend(SetId::all().map(Op::AddSet));
    let chains: Vec<Chain> = picking.into_iter().chain(fixed_chains(options)).collect();
    ops.extend(chains.iter().map(|chain| Op::AddChain(chain.id, chain.attachment)));
    for chain in chains {
        let rules = chain.rules.into_iter();
        ops.extend(rules.map(|exprs| Op::AddRule(Rule { chain: chain.id, exprs })));
    }
    ops.extend(SetId::all().flat_map(|id| (1..=3).map(move |n| Op::AddElement(element(id, n)))));
    ops
}

/// The `n`th element of a set.
pub(super) fn element(id: SetId, n: u8) -> Element {
    let spec = SetSpec::of(id, CLIENTS_MAX);
    let bytes = |fields: &[Field], n: u8| {
        fields.iter().fold(Bytes::empty(), |bytes, field| match field {
            Field::Address(Family::V4) => bytes.with(&[10, 0, 0, n]),
            Field::Address(Family::V6) => {
                bytes.with(&[0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n])
            }
            Field::Protocol => bytes.with(&[Protocol::ALL[usize::from(n) % 3].number()]),
            Field::Port => bytes.with(&(8000 + u16::from(n)).to_be_bytes()),
            Field::Class => bytes.with(&(u32::from(n) << 12 | 1).to_ne_bytes()),
            Field::Slot => bytes.with(&u32::from(n - 1).to_ne_bytes()),
        })
    };
    let key = bytes(&spec.key, n);
    let data = match (&spec.target, spec.kind) {
        (Target::Verdict, _) => Data::Goto(ChainId::Pick { n: u32::from(n) }),
        (Target::Fields(fields), _) => Data::Value(bytes(fields, n + 100)),
        (Target::Nothing, SetKind::Ranges) => Data::RangeEnd(bytes_to_end(key)),
        (Target::Nothing, _) => Data::None,
    };
    Element { set: id, key, data }
}

/// The last key of the /30 that the key's last field is in, if it is the first one of it.
fn bytes_to_end(key: Bytes) -> Bytes {
    let mut end = key.to_vec();
    if let Some(last) = end.last_mut() {
        *last |= 3;
    }
    Bytes::new(&end).unwrap()
}
