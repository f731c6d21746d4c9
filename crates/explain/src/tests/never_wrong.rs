//! Is it never wrong? What is foretold is compared with the oracle, and with what a kernel does.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use model::{Affinity, Delivery, DropReason, NodeName, Packet, RejectReason, Verdict};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use testkit::{Cluster, PacketLine, Scenario, Tables, generate};

use super::asked::ask;
use super::kernel::Kernels;
use crate::start::{ASK_ANOTHER, outside_interface};
use crate::{Outcome, Question, Trace};

/// Pairs of source and target that a kernel is asked for.
const PAIRS: usize = 2_000;

/// Pairs in a long run.
const PAIRS_LONG: usize = 40_000;

/// The drawn clusters, one after the other, until the pairs are enough. The same in every run.
fn clusters(pairs: usize, mut each: impl FnMut(&Cluster, &[PacketLine])) -> usize {
    let mut runner = TestRunner::new(generate::config(1));
    let mut n = 0;
    while n < pairs {
        let tree = generate::scenario().new_tree(&mut runner).expect("a scenario can be drawn");
        let Scenario { steps, .. } = tree.current();
        for step in steps {
            each(&step.cluster, &step.packets);
            n += step.packets.len();
        }
    }
    n
}

/// The question that is about just this packet.
fn about(packet: &Packet) -> Question {
    let destination = SocketAddr::new(packet.destination, packet.destination_port.get());
    let protocol = packet.protocol.as_str().to_ascii_lowercase();
    Question {
        target: format!("{destination}/{protocol}"),
        from: Some(packet.source.to_string()),
        via: packet.interface.as_deref().map(str::to_owned),
        ..Question::default()
    }
}

/// A trace in the oracle's words.
fn verdict(trace: &Trace, source: std::net::IpAddr) -> Verdict {
    let verdict = &trace.verdict;
    let reason = verdict.reason.as_deref().unwrap_or_default();
    match verdict.outcome {
        Outcome::Forward => {
            let n = verdict.endpoints.len();
            let deliveries: BTreeSet<Delivery> = verdict
                .endpoints
                .iter()
                .map(|endpoint| {
                    assert_eq!(endpoint.probability, 1.0 / f64::from(u32::try_from(n).unwrap()));
                    let kept = endpoint.source.seen == Some(source);
                    assert_eq!(kept, !endpoint.source.is_rewritten, "{endpoint:?}");
                    let why = endpoint.source.why;
                    assert_eq!(why.is_rewritten(), endpoint.source.is_rewritten, "{endpoint:?}");
                    Delivery { endpoint: endpoint.address, masquerade: !kept }
                })
                .collect();
            let affinity = verdict.affinity_seconds.map(|timeout_s| Affinity { timeout_s });
            Verdict::Forward { deliveries, affinity }
        }
        Outcome::Drop => {
            let found = DropReason::ALL.into_iter().find(|it| it.as_str() == reason);
            Verdict::Drop(found.expect("a reason of the registry"))
        }
        Outcome::Reject => {
            let found = RejectReason::ALL.into_iter().find(|it| it.as_str() == reason);
            Verdict::Reject(found.expect("a reason of the registry"))
        }
        Outcome::NotService => Verdict::NotService,
        Outcome::Direct => {
            let [only] = verdict.endpoints.as_slice() else { panic!("not one: {verdict:?}") };
            assert_eq!(only.source.seen, Some(source));
            Verdict::NotService
        }
        Outcome::AnsweredHere
        | Outcome::NoSuchName
        | Outcome::Resolved
        | Outcome::Unanswered
        | Outcome::Unknown => {
            panic!("no verdict: {verdict:?}")
        }
    }
}

/// What is foretold of a packet at one node.
struct Leg {
    node: NodeName,
    packet: Packet,
    verdict: Verdict,
}

/// Asks about the packet, and compares with the oracle at each node that it comes to: one that has
/// no Service for it sends it on to the node that bears the address.
#[track_caller]
fn foretold(cluster: &Cluster, tables: &Tables, node: &NodeName, packet: Packet) -> Vec<Leg> {
    let table = |node: &NodeName| tables.node(node).expect("a node that is followed");
    let trace = ask(cluster, table(node), &about(&packet)).expect("the question has an answer");
    let verdict = verdict(&trace, packet.source);
    let decides = NodeName::new(trace.verdict.node.as_deref().expect("a node decides"));
    let mut legs = Vec::new();
    if decides != *node {
        let passed = Verdict::NotService;
        legs.push(Leg { node: node.clone(), packet: packet.clone(), verdict: passed });
        let interface = Some(outside_interface(&table(&decides).node.detect_local));
        legs.push(Leg { node: decides, packet: Packet { interface, ..packet }, verdict });
    } else {
        legs.push(Leg { node: decides, packet, verdict });
    }
    for leg in &legs {
        let oracle = table(&leg.node).lookup(&leg.packet).value;
        let text = trace.to_text(crate::Style::Plain);
        assert_eq!(leg.verdict, oracle, "{:?}\n{text}\n{cluster:?}", leg.packet);
    }
    legs
}

fn packet(line: &PacketLine, tables: &Tables) -> Packet {
    let table = tables.node(&line.node).expect("a node of the universe");
    line.packet(&table.node, tables.addresses(&line.node))
}

fn tables() -> Tables {
    Tables::new(["a", "b", "c"].map(NodeName::new).to_vec())
}

#[test]
fn it_foretells_what_the_kernel_does() {
    if host::skip::without_root() {
        return;
    }
    let is_long = std::env::var_os("POGU_TEST_LONG").is_some();
    let mut kernels = Kernels::default();
    let mut tables = tables();
    let n = clusters(if is_long { PAIRS_LONG } else { PAIRS }, |cluster, packets| {
        tables.follow(cluster, &mut |table, changes| kernels.advance(table, changes));
        for line in packets {
            let packet = packet(line, &tables);
            for Leg { node, packet, verdict } in foretold(cluster, &tables, &line.node, packet) {
                let seen = kernels.of(&node).check(&packet, &verdict);
                assert_eq!(seen, Ok(()), "{packet:?} is foretold to be {verdict}\n{cluster:?}");
            }
        }
    });
    assert!(n >= PAIRS, "only {n} pairs");
}

/// Every agent tells the same of every node, where all have the same flags and no node has addresses
/// that its Node object does not tell.
#[test]
fn all_agents_tell_the_same() {
    let mut tables = tables();
    let mut n_told = 0;
    clusters(4_000, |cluster, packets| {
        let mut cluster = cluster.clone();
        cluster.nodes.values_mut().for_each(|node| node.local.clear());
        let cluster = &cluster;
        tables.follow(cluster, &mut |_, _| {});
        for line in packets {
            let packet = packet(line, &tables);
            let question = Question { via: None, ..about(&packet) };
            let told: Vec<Trace> = ["a", "b", "c"]
                .iter()
                .filter_map(|name| tables.node(&NodeName::new(*name)))
                .filter_map(|table| ask(cluster, table, &question).ok())
                .collect();
            let Some(first) = told.first() else { continue };
            let is_arriving_here =
                first.hops.iter().any(|hop| hop.change.as_deref() == Some(ASK_ANOTHER));
            for other in told.iter().filter(|_| !is_arriving_here) {
                assert_eq!(other.verdict, first.verdict, "{question:?}\n{cluster:?}");
                n_told += 1;
            }
        }
    });
    assert!(n_told > 4_000, "only {n_told} traces");
}
