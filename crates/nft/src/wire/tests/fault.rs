//! Which step does the kernel complain about?

use std::ops::Range;

use host::netfilter::TransactError;
use model::{DetectLocal, Family};

use super::kernel::{held, in_netns, send};
use super::whole::{CLIENTS_MAX, element, options, picking_chains, whole_table};
use crate::name::{ChainId, SetId};
use crate::program::{Bytes, Data, Element, Expr, Op, Rule, RuleVerdict};
use crate::wire::encode;

const SERVICES: SetId = SetId::Services(Family::V4);

fn other_value(n: u8) -> Element {
    Element { data: element(SERVICES, n + 1).data, ..element(SERVICES, n) }
}

/// Each of a transaction's faults, by step and errno, after the whole table was made.
#[track_caller]
fn check(ops: &[Op], expected: &[(Range<usize>, i32)]) {
    in_netns(|socket| {
        send(socket, &whole_table(&options(DetectLocal::Never), picking_chains()));
        let before = held(socket);
        let batch = encode(ops, CLIENTS_MAX, 4_000_000_000, None);
        let error = socket.transact(&batch.bytes).unwrap_err();
        let TransactError::Refused { errors, .. } = &error else { panic!("{error}") };
        let found: Vec<_> = errors
            .iter()
            .map(|e| (batch.culprit(e.sequence, e.attribute_offset).unwrap(), e.errno))
            .collect();
        assert_eq!(found, expected);
        assert_eq!(held(socket), before);
    });
}

const ENOENT: i32 = 2;
const EEXIST: i32 = 17;

#[test]
fn the_third_element_of_a_message_with_another_value() {
    let ops = [
        Op::AddElement(element(SERVICES, 11)),
        Op::AddElement(element(SERVICES, 12)),
        Op::AddElement(other_value(1)),
        Op::AddElement(element(SERVICES, 14)),
    ];
    check(&ops, &[(2..3, EEXIST)]);
}

#[test]
fn the_last_element_among_many_messages() {
    let mut ops: Vec<Op> = (0..=255)
        .flat_map(|high| (0..10).map(move |low| (high, low)))
        .map(|(high, low)| {
            let key =
                Bytes::empty().with(&[11, 0, high, low]).with(&[6]).with(&80_u16.to_be_bytes());
            Op::AddElement(Element { set: SERVICES, key, data: element(SERVICES, 1).data })
        })
        .collect();
    ops.push(Op::AddElement(other_value(2)));
    let last = ops.len() - 1;
    check(&ops, &[(last..last + 1, EEXIST)]);
}

#[test]
fn an_element_to_delete_that_is_not_there() {
    let ops = [
        Op::DeleteElement(element(SERVICES, 1)),
        Op::DeleteElement(element(SERVICES, 77)),
        Op::AddElement(other_value(1)),
    ];
    check(&ops, &[(1..2, ENOENT)]);
}

#[test]
fn several_faults_of_one_transaction() {
    let missing = ChainId::Pick { n: 999 };
    let ops = [
        Op::AddChain(ChainId::Pick { n: 998 }, None),
        Op::AddRule(Rule {
            chain: ChainId::Services,
            exprs: vec![Expr::Verdict(RuleVerdict::Goto(missing))],
        }),
        Op::AddElement(Element { data: Data::Goto(missing), ..element(SetId::Dispatch, 9) }),
        Op::DeleteChain(missing),
        Op::AddRule(Rule {
            chain: ChainId::Services,
            exprs: vec![Expr::Foreign("limit".to_owned())],
        }),
    ];
    check(&ops, &[(1..2, ENOENT), (2..3, ENOENT), (3..4, ENOENT), (4..5, ENOENT)]);
}

#[test]
fn a_transaction_for_a_former_generation_is_refused() {
    in_netns(|socket| {
        let generation = socket.generation_id().unwrap();
        let ops = whole_table(&options(DetectLocal::Never), picking_chains());
        let batch = encode(&ops, CLIENTS_MAX, 1, Some(generation));
        socket.transact(&batch.bytes).unwrap();
        let again = socket.transact(&encode(&ops, CLIENTS_MAX, 1, Some(generation)).bytes);
        let error = again.unwrap_err();
        assert_eq!(error.to_string(), TransactError::GenerationChanged.to_string());
    });
}
