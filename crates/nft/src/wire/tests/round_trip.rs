//! Is what was written read back the same, and is nonsense read without harm?

use model::{DetectLocal, Family};
use proptest::prelude::*;

use super::whole::{CLIENTS_MAX, all_options, element, options, picking_chains, whole_table};
use crate::layout::{fixed_chains, picking_chain};
use crate::name::{ChainId, SetId};
use crate::program::{Bytes, Data, Element, Op, Rule};
use crate::ruleset::Ruleset;
use crate::wire::{decode_any, encode};

#[test]
fn every_chain_set_and_element_is_read_as_it_was_written() {
    for options in all_options() {
        let ops = whole_table(&options, picking_chains());
        let mut expected = Ruleset::default();
        expected.apply(&ops, CLIENTS_MAX).unwrap();
        assert_eq!(decode_any(&encode(&ops, CLIENTS_MAX, 7, Some(8)).bytes), expected);
    }
}

fn many_elements() -> Vec<Op> {
    (0..100_000_u32)
        .map(|n| {
            let key = Bytes::empty().with(&n.to_be_bytes()).with(&[6]).with(&[0, 80]);
            let data = Data::Value(Bytes::empty().with(&n.to_ne_bytes()));
            Op::AddElement(Element { set: SetId::Services(Family::V4), key, data })
        })
        .collect()
}

#[test]
fn elements_of_one_set_share_messages() {
    let mut ops = many_elements();
    ops.push(Op::DeleteElement(element(SetId::Services(Family::V4), 1)));
    ops.push(Op::DeleteElement(element(SetId::Services(Family::V6), 1)));
    let batch = encode(&ops, CLIENTS_MAX, 1, None);
    // 1,664 elements of 36 bytes fit into one message; begin and end.
    assert_eq!((batch.messages(), batch.elements()), (61 + 2 + 2, 100_002));
    assert_eq!(batch.last_sequence(), 65);
    assert_eq!(batch.culprit(1, None), None);
    assert_eq!(batch.culprit(63, None), Some(100_000..100_001));
    assert_eq!(batch.culprit(64, Some(40)), Some(100_001..100_002));
    assert_eq!([0, 65, 66].map(|sequence| batch.culprit(sequence, None)), [None, None, None]);
}

/// A few of each kind of message.
fn few_messages() -> Vec<u8> {
    let sets = [
        SetId::Dispatch,
        SetId::Endpoints(Family::V6),
        SetId::Affinity(Family::V4),
        SetId::Allowed(Family::V6),
    ];
    let sticky = picking_chain(ChainId::Sticky { n: 2, timeout_s: 10_800 }).unwrap();
    let attached = fixed_chains(&options(DetectLocal::Bridge("cni0".into()))).pop().unwrap();
    let mut ops = vec![Op::AddTable];
    ops.extend(sets.map(Op::AddSet));
    for chain in [sticky, attached] {
        ops.push(Op::AddChain(chain.id, chain.attachment));
        let rules = chain.rules.into_iter().step_by(3);
        ops.extend(rules.map(|exprs| Op::AddRule(Rule { chain: chain.id, exprs })));
    }
    ops.extend(sets.map(|id| Op::AddElement(element(id, 1))));
    encode(&ops, CLIENTS_MAX, 1, None).bytes
}

#[test]
fn every_cut_of_a_batch_is_read_without_harm() {
    let bytes = few_messages();
    for end in 0..bytes.len() {
        drop(decode_any(&bytes[..end]));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        drop(decode_any(&bytes));
    }

    /// Nearly right messages reach further than random ones.
    #[test]
    fn a_damaged_batch_is_read_without_harm(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
    ) {
        let mut bytes = few_messages();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        drop(decode_any(&bytes));
    }
}
