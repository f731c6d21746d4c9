//! What does the real kernel make of our messages, and we of its?

use std::time::Duration;

use host::netfilter::{Nfnetlink, NftMonitor, TransactError};
use host::netlink::MessageError;
use host::netns::Netns;
use host::{process, skip};
use model::{DetectLocal, DropReason, Family, RejectReason};

use super::whole::{CLIENTS_MAX, all_options, element, options, picking_chains, whole_table};
use crate::layout::{fixed_chains, picking_chain};
use crate::name::{ChainId, SetId};
use crate::program::{Chain, Element, Op};
use crate::ruleset::{Desired, Ruleset};
use crate::set::SetSpec;
use crate::wire::{
    Count, RulesetReader, Touched, dump_chains, dump_rules, dump_set, dump_sets, dump_table,
    element_counts, encode, notification, rule_count, touches_us,
};

pub(super) const DEADLINE: Duration = Duration::from_secs(20);

/// Does the work in a new network namespace, if that is possible here.
pub(super) fn in_netns(work: impl FnOnce(&mut Nfnetlink) + Send) {
    if skip::without_root() {
        return;
    }
    let netns = Netns::unshared().unwrap();
    netns.run(|| work(&mut Nfnetlink::open().unwrap())).unwrap();
}

pub(super) fn nft(args: &[&str], stdin: &str) -> String {
    process::stdout_of("nft", args, stdin, DEADLINE).unwrap()
}

#[track_caller]
pub(super) fn send(socket: &mut Nfnetlink, ops: &[Op]) {
    let batch = encode(ops, CLIENTS_MAX, 1, None);
    if let Err(error) = socket.transact(&batch.bytes) {
        let TransactError::Refused { errors, .. } = &error else { panic!("{error}") };
        let culprit = |e: &MessageError| batch.culprit(e.sequence, e.attribute_offset);
        let culprits: Vec<_> = errors.iter().map(|e| culprit(e).map(|at| &ops[at])).collect();
        panic!("{error}: {culprits:?}");
    }
}

/// What the kernel holds.
pub(super) fn held(socket: &mut Nfnetlink) -> Ruleset {
    let mut reader = RulesetReader::default();
    let mut ask = |reader: &mut RulesetReader, request: &[u8]| {
        socket.dump(request, &mut |kind, payload| reader.message(kind, payload)).unwrap();
    };
    for request in [dump_table(), dump_chains(), dump_sets(), dump_rules()] {
        ask(&mut reader, &request);
    }
    for id in reader.sets() {
        ask(&mut reader, &dump_set(id));
    }
    reader.finish()
}

fn expected(ops: &[Op]) -> Ruleset {
    let mut ruleset = Ruleset::default();
    ruleset.apply(ops, CLIENTS_MAX).unwrap();
    ruleset
}

#[test]
fn the_kernel_holds_what_was_sent_whatever_the_options() {
    in_netns(|socket| {
        assert_eq!(held(socket), Ruleset::default());
        for options in all_options() {
            let ops = whole_table(&options, picking_chains());
            send(socket, &ops);
            assert_eq!(held(socket), expected(&ops));
            send(socket, &[Op::DeleteTable]);
            assert_eq!(held(socket), Ruleset::default());
        }
    });
}

#[test]
fn each_element_can_be_deleted() {
    in_netns(|socket| {
        let mut ops = whole_table(&options(DetectLocal::Never), picking_chains());
        send(socket, &ops);
        let deleted: Vec<Op> =
            SetId::all().flat_map(|id| [1, 3].map(|n| Op::DeleteElement(element(id, n)))).collect();
        send(socket, &deleted);
        ops.extend(deleted);
        assert_eq!(held(socket), expected(&ops));
    });
}

/// What somebody else may do to a table. Each is seen, and undone by the steps to what is wanted.
const DRIFT: &[&str] = &[
    "delete table inet pogu",
    "flush chain inet pogu services",
    "add rule inet pogu services accept",
    "add rule inet pogu services meta l4proto { tcp, udp } limit rate 1/second drop",
    "insert rule inet pogu nat-output jump services",
    "add rule inet pogu services ip daddr 10.0.0.1 meta mark set 1",
    "add rule inet pogu restrict ct reply ip daddr 10.0.0.1 return",
    "add rule inet pogu services ip daddr != @cluster_ips4 goto pick-1",
    "add rule inet pogu masquerading masquerade random",
    "add rule inet pogu services dnat ip to 10.0.0.1",
    "add rule inet pogu traffic update @affinity4 { ip saddr . meta priority counter : ip daddr }",
    "add chain inet pogu filter-input { policy drop ; }",
    "add table inet pogu { flags dormant ; }",
    "add chain inet pogu b; add chain inet pogu a; \
     add rule inet pogu a jump b; add rule inet pogu b tcp dport { 1, 2 } drop",
    "add chain inet pogu own { type filter hook input priority 5 ; policy drop ; }",
    "add chain inet pogu pick-01",
    "add chain inet pogu pick-999; add rule inet pogu pick-999 accept",
    "add set inet pogu mine { type ipv4_addr ; elements = { 1.2.3.4 } ; }",
    "flush map inet pogu services4",
    "add element inet pogu services4 { 1.2.3.4 . tcp . 80 : 1:1 }",
    "add element inet pogu cluster_ips6 { fd00::77 }",
    "add element inet pogu services4 { * : 1:1 }",
    "add element inet pogu dispatch { 0:9 : accept, 0:8 : jump pick-1 }",
    "delete element inet pogu dispatch { 0:1001 }; \
     add element inet pogu dispatch { 0:1001 : drop }",
    "delete map inet pogu inside4; \
     add map inet pogu inside4 { type ipv4_addr . inet_proto . inet_service : mark ; }",
];

#[test]
fn what_others_change_is_seen_and_undone() {
    in_netns(|socket| {
        let options = options(DetectLocal::Never);
        // Here nothing of the fixed chains leads to the sets whose declaration is changed.
        let ids = [ChainId::Pick { n: 1 }, ChainId::Pick { n: 2 }, ChainId::Pick { n: 3 }];
        let picking = ids.map(|id| picking_chain(id).unwrap());
        let chains: Vec<Chain> = picking.into_iter().chain(fixed_chains(&options)).collect();
        let own = |id: &SetId| !SetSpec::of(*id, CLIENTS_MAX).kind.is_written_by_packets();
        let elements = SetId::all().filter(own).flat_map(|id| [1, 2, 3].map(|n| element(id, n)));
        let mut elements: Vec<Element> = elements.collect();
        elements.sort_unstable();
        let sets = SetId::all().map(|id| SetSpec::of(id, CLIENTS_MAX)).collect();
        let desired = Desired { sets, chains, elements };
        let ops = Ruleset::default().steps_to(&desired);
        let whole = expected(&ops);
        send(socket, &ops);
        assert_eq!(held(socket).steps_to(&desired), []);
        for change in DRIFT {
            if change.contains("delete map") {
                nft(&["flush", "chain", "inet", "pogu", "external-local"], "");
            }
            nft(&["-f", "-"], change);
            let found = held(socket);
            assert_ne!(found, whole, "not seen: {change}");
            send(socket, &found.steps_to(&desired));
            assert_eq!(held(socket), whole, "not undone: {change}");
        }
    });
}

#[test]
fn counters_are_read() {
    in_netns(|socket| {
        let picking = [1, 2, 3].map(|n| picking_chain(ChainId::Pick { n }).unwrap());
        send(socket, &whole_table(&options(DetectLocal::Never), picking.to_vec()));
        let mut counted = Vec::new();
        for request in SetId::all().map(dump_set) {
            socket
                .dump(&request, &mut |_, payload| counted.extend(element_counts(payload)))
                .unwrap();
        }
        counted.sort_unstable_by_key(|(set, key, _)| (*set, *key));
        let with_counters = SetId::all().filter(|id| SetSpec::of(*id, CLIENTS_MAX).has_counters);
        let mut wanted: Vec<_> = with_counters
            .flat_map(|id| [1, 2, 3].map(|n| (id, element(id, n).key, Count::default())))
            .collect();
        wanted.sort_unstable_by_key(|(set, key, _)| (*set, *key));
        assert_eq!(counted, wanted);

        let mut of_rules = Vec::new();
        socket.dump(&dump_rules(), &mut |_, payload| of_rules.extend(rule_count(payload))).unwrap();
        let drops = DropReason::ALL.map(ChainId::Drop).into_iter();
        let refusals = drops.chain(RejectReason::ALL.map(ChainId::Reject));
        let wanted: Vec<_> = refusals.map(|chain| (chain, Count::default())).collect();
        assert_eq!(of_rules, wanted);
    });
}

#[test]
fn notifications_tell_what_is_touched() {
    in_netns(|socket| {
        let rejected = SetId::Rejected(Family::V4);
        let chains = [ChainId::Pick { n: 1 }, ChainId::Services].map(|id| Op::AddChain(id, None));
        let sets = [rejected, SetId::ClusterIps(Family::V4)].map(Op::AddSet);
        send(socket, &[&[Op::AddTable], &chains[..], &sets[..]].concat());
        let mut monitor = NftMonitor::open().unwrap();
        nft(
            &["-f", "-"],
            "add table inet other; add chain inet other services; add table ip pogu; \
             add chain inet pogu mine; add rule inet pogu services goto pick-1; \
             add element inet pogu cluster_ips4 { 10.0.0.77 }; \
             add set inet pogu services { type ipv4_addr ; }; \
             add counter inet pogu counted; delete set inet pogu rejected4",
        );
        let mut found = Vec::new();
        while !matches!(found.last(), Some(Touched::Generation { .. })) {
            let heard = monitor.recv(DEADLINE).unwrap();
            assert_ne!(heard, [], "no end of the transaction: {found:?}");
            for n in &heard {
                let touched = notification(n.message_type, &n.payload);
                let is_ours = !matches!(touched, None | Some(Touched::Generation { .. }));
                assert_eq!(touches_us(n.message_type, &n.payload), is_ours);
                found.extend(touched);
            }
        }
        found.dedup();
        let Some(Touched::Generation { program, .. }) = found.pop() else { panic!("{found:?}") };
        assert_eq!(program, "nft");
        let expected = [
            Touched::Chain(None),
            Touched::Rule(Some(ChainId::Services)),
            Touched::Elements(Some(SetId::ClusterIps(Family::V4))),
            Touched::Set(None),
            Touched::Other,
            Touched::Set(Some(rejected)),
        ];
        assert_eq!(found, expected);
    });
}
