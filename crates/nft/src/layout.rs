//! Which chains does the table have, and what do their rules say?
//!
//! The chains are few and the same for every cluster; Services are elements of sets. Only the
//! chains that pick among *n* endpoints are made as such numbers come up. `docs/theory/netfilter.md`
//! tells why each chain hooks where it does.

use ipnet::IpNet;
use model::{DetectLocal, DropReason, Family, Protocol, RejectReason};

use crate::name::{ChainId, SetId};
use crate::program::{Attachment, Chain, DynamicOp, Expr, Hook, HookKind, Reg, RuleVerdict};
use crate::step::{
    arrived_elsewhere_than, arrived_on, both_addresses, clear_priority, client_key, count,
    destination, dispatch, dnat, goto, has_dnat, has_priority, is_family, is_in, is_new, is_not_in,
    is_own_source, is_protocol, is_reply, is_within, jump, keep_pool, map, member, original_key,
    pick, remember, restore_destination, set_destination, transport_key, transport_key_and_source,
};

/// What shapes the fixed chains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub detect_local: DetectLocal,
    pub masquerade_all: bool,
    pub service_cidrs: Vec<IpNet>,
    /// Count packets and bytes of each frontend and endpoint.
    pub traffic_counters: bool,
    /// How many clients of each family can be remembered for session affinity. When it is full,
    /// new clients are still forwarded, but not remembered.
    pub affinity_clients_max: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            detect_local: DetectLocal::Never,
            masquerade_all: false,
            service_cidrs: Vec::new(),
            traffic_counters: true,
            affinity_clients_max: 4 << 20,
        }
    }
}

type Steps = Vec<Expr>;

/// One rule from its parts.
fn rule<const N: usize>(parts: [Steps; N]) -> Steps {
    parts.into_iter().flatten().collect()
}

/// The chains that every node has, those that are jumped to before those that jump.
#[must_use]
pub fn fixed_chains(options: &Options) -> Vec<Chain> {
    let mut chains: Vec<Chain> =
        DropReason::ALL
            .into_iter()
            .map(|reason| {
                plain(
                    ChainId::Drop(reason),
                    vec![vec![Expr::Counter, Expr::Verdict(RuleVerdict::Drop)]],
                )
            })
            .chain(RejectReason::ALL.into_iter().map(|reason| {
                plain(ChainId::Reject(reason), vec![vec![Expr::Counter, Expr::Reject]])
            }))
            .collect();
    chains.extend([
        plain(ChainId::Restrict, restrict()),
        plain(ChainId::ExternalLocal, external_local(&options.detect_local)),
        plain(ChainId::Services, services()),
        plain(ChainId::TrafficReceived, counted(SetId::Received, true)),
        plain(ChainId::TrafficConnections, counted(SetId::Connections, false)),
        plain(ChainId::Traffic, traffic()),
        plain(ChainId::Unserved, unserved()),
        plain(ChainId::ClusterIps, cluster_ips(&options.service_cidrs)),
        plain(ChainId::MasqueradeNotLocalPod, masquerade_not_local_pod(&options.detect_local)),
        plain(ChainId::Masquerade, masquerade(options)),
    ]);
    chains.extend(attached_chains(options));
    chains
}

/// The chains that hooks call.
fn attached_chains(options: &Options) -> Vec<Chain> {
    let restrict = vec![rule([is_new(), vec![jump(ChainId::Restrict)]])];
    let nat = vec![vec![jump(ChainId::Services)]];
    let clear = rule([has_dnat(true), is_new(), clear_priority()]);
    let (mut after_prerouting, mut after_output) = (vec![clear.clone()], vec![clear]);
    if options.traffic_counters {
        let count = rule([has_dnat(true), vec![jump(ChainId::Traffic)]]);
        // What the node sends to itself was counted when it was sent.
        after_prerouting.push(rule([arrived_elsewhere_than("lo"), count.clone()]));
        after_output.push(count);
    }
    let unserved = rule([is_new(), has_dnat(false), vec![jump(ChainId::Unserved)]]);
    let unknown = rule([is_new(), has_dnat(false), vec![jump(ChainId::ClusterIps)]]);
    let passing = vec![unserved, unknown];
    let masquerade = vec![rule([has_dnat(true), vec![jump(ChainId::Masquerade)]])];
    [
        (ChainId::RestrictPrerouting, Hook::Prerouting, -110, HookKind::Filter, restrict.clone()),
        (ChainId::RestrictOutput, Hook::Output, -110, HookKind::Filter, restrict),
        (ChainId::NatPrerouting, Hook::Prerouting, -100, HookKind::Nat, nat.clone()),
        (ChainId::NatOutput, Hook::Output, -100, HookKind::Nat, nat),
        (ChainId::AgainPrerouting, Hook::Prerouting, -99, HookKind::Nat, again()),
        (ChainId::AgainOutput, Hook::Output, -99, HookKind::Nat, again()),
        (ChainId::AfterPrerouting, Hook::Prerouting, -99, HookKind::Filter, after_prerouting),
        (ChainId::AfterOutput, Hook::Output, -99, HookKind::Filter, after_output),
        (ChainId::FilterInput, Hook::Input, 0, HookKind::Filter, passing.clone()),
        (ChainId::FilterForward, Hook::Forward, 0, HookKind::Filter, passing.clone()),
        (ChainId::FilterOutput, Hook::Output, 0, HookKind::Filter, passing),
        (ChainId::NatPostrouting, Hook::Postrouting, 100, HookKind::Nat, masquerade),
    ]
    .into_iter()
    .map(|(id, hook, priority, kind, rules)| Chain {
        id,
        attachment: Some(Attachment { hook, priority, kind }),
        rules,
    })
    .collect()
}

const fn plain(id: ChainId, rules: Vec<Steps>) -> Chain {
    Chain { id, attachment: None, rules }
}

fn each_family(make: impl Fn(Family) -> Steps) -> Vec<Steps> {
    Family::ALL.into_iter().map(make).collect()
}

/// For statements that `nft` only accepts behind a match on one transport protocol.
fn each_family_and_protocol(make: impl Fn(Family, Protocol) -> Steps) -> Vec<Steps> {
    let pairs = Family::ALL.into_iter().flat_map(|f| Protocol::ALL.map(|protocol| (f, protocol)));
    pairs.map(|(family, protocol)| make(family, protocol)).collect()
}

/// Sources that a restricted frontend does not admit are dropped, before any rewriting.
fn restrict() -> Vec<Steps> {
    each_family(|f| {
        rule([
            is_family(f),
            transport_key(f, false),
            vec![is_in(SetId::Restricted(f))],
            transport_key_and_source(f),
            vec![is_not_in(SetId::Allowed(f)), goto(ChainId::Drop(DropReason::SourceNotAllowed))],
        ])
    })
}

fn services() -> Vec<Steps> {
    let mut rules = each_family(|f| {
        rule([is_family(f), transport_key(f, false), dispatch(SetId::Services(f))])
    });
    rules.extend(each_family(|f| {
        rule([
            is_family(f),
            transport_key(f, false),
            vec![is_in(SetId::LocalPolicy(f)), goto(ChainId::ExternalLocal)],
        ])
    }));
    rules
}

/// Who comes here found a frontend's pool and not the pool's endpoint: between these lookups a change took
/// effect, and what is in force now has both. A chain of its own, since a packet sees to the end of a
/// hooked chain the rules that were in force when it came there.
fn again() -> Vec<Steps> {
    let mut rules = each_family(|f| rule([is_family(f), has_priority(), restore_destination(f)]));
    rules.push(rule([has_priority(), vec![jump(ChainId::Services)]]));
    rules
}

/// Traffic from inside the node may use any endpoint, all other only those of this node.
fn external_local(detect_local: &DetectLocal) -> Vec<Steps> {
    let mut rules = Vec::new();
    for f in Family::ALL {
        let way = |set| rule([transport_key(f, false), dispatch(set)]);
        for from_pod in local_pod(detect_local, f) {
            rules.push(rule([is_family(f), from_pod, way(SetId::Inside(f))]));
        }
        rules.push(rule([is_family(f), is_own_source(), way(SetId::Inside(f))]));
        rules.push(rule([is_family(f), way(SetId::Outside(f))]));
    }
    rules
}

/// The ways to tell that a pod of this node sent the packet; any one suffices.
fn local_pod(detect_local: &DetectLocal, family: Family) -> Vec<Steps> {
    match detect_local {
        DetectLocal::Never => Vec::new(),
        DetectLocal::Cidrs(cidrs) => cidrs
            .iter()
            .filter(|net| Family::of(net.addr()) == family)
            .map(|net| is_within(net, true))
            .collect(),
        DetectLocal::Bridge(name) => vec![arrived_on(name, false)],
        DetectLocal::InterfacePrefix(prefix) => vec![arrived_on(prefix, true)],
    }
}

/// Every packet of a rewritten connection passes here once, where the endpoint's address stands in
/// it: on its way in. The commonest protocol is asked for first.
fn traffic() -> Vec<Steps> {
    let mut rules = vec![
        rule([is_reply(true), vec![goto(ChainId::TrafficReceived)]]),
        rule([is_new(), vec![jump(ChainId::TrafficConnections)]]),
    ];
    rules.extend(counted(SetId::Sent, false));
    rules
}

/// Counts the packet, and is done with it.
fn counted(set: fn(Family) -> SetId, is_reply: bool) -> Vec<Steps> {
    each_protocol_and_family(|protocol, f| {
        let done = vec![Expr::Verdict(RuleVerdict::Return)];
        rule([is_protocol(protocol), is_family(f), count(set(f), f, is_reply), done])
    })
}

fn each_protocol_and_family(make: impl Fn(Protocol, Family) -> Steps) -> Vec<Steps> {
    let pairs = Protocol::ALL.into_iter().flat_map(|protocol| Family::ALL.map(|f| (protocol, f)));
    pairs.map(|(protocol, family)| make(protocol, family)).collect()
}

fn unserved() -> Vec<Steps> {
    let mut rules = Vec::new();
    for f in Family::ALL {
        for (set, chain) in [
            (SetId::Rejected(f), ChainId::Reject(RejectReason::NoEndpoint)),
            (SetId::DroppedInternal(f), ChainId::Drop(DropReason::NoLocalEndpointInternal)),
            (SetId::DroppedExternal(f), ChainId::Drop(DropReason::NoLocalEndpointExternal)),
        ] {
            rules.push(rule([
                is_family(f),
                transport_key(f, false),
                vec![is_in(set), goto(chain)],
            ]));
        }
    }
    rules
}

fn cluster_ips(service_cidrs: &[IpNet]) -> Vec<Steps> {
    let mut rules = each_family(|f| {
        rule([
            is_family(f),
            vec![
                destination(f, Reg(0)),
                is_in(SetId::ClusterIps(f)),
                goto(ChainId::Reject(RejectReason::UnknownPort)),
            ],
        ])
    });
    for net in service_cidrs {
        rules.push(rule([
            is_family(Family::of(net.addr())),
            is_within(net, false),
            vec![goto(ChainId::Drop(DropReason::UnallocatedClusterIp))],
        ]));
    }
    rules
}

fn masquerade(options: &Options) -> Vec<Steps> {
    let mut rules = each_family(|f| {
        rule([is_family(f), both_addresses(f), vec![is_in(SetId::Hairpin(f)), Expr::Masquerade]])
    });
    rules.extend(each_family_and_protocol(|f, protocol| {
        let frontend = rule([is_protocol(protocol), original_key(f)]);
        rule([frontend, vec![is_in(SetId::External(f)), Expr::Masquerade]])
    }));
    rules.extend(each_family_and_protocol(|f, protocol| {
        rule([
            is_protocol(protocol),
            original_key(f),
            vec![is_in(SetId::LocalPolicy(f))],
            is_own_source(),
            vec![Expr::Masquerade],
        ])
    }));
    // A frontend of policy Local that is not a ClusterIP may have the address of one.
    rules.extend(each_family_and_protocol(|f, protocol| {
        let frontend = rule([is_protocol(protocol), original_key(f)]);
        rule([frontend, vec![is_in(SetId::LocalPolicy(f)), Expr::Verdict(RuleVerdict::Return)]])
    }));
    for f in Family::ALL {
        let internal = if options.masquerade_all {
            Expr::Masquerade
        } else if options.detect_local.is_possible(f) {
            goto(ChainId::MasqueradeNotLocalPod)
        } else {
            continue;
        };
        let original = Expr::Ct { key: crate::program::CtKey::OriginalDestination(f), to: Reg(0) };
        rules.push(vec![original, is_in(SetId::ClusterIps(f)), internal]);
    }
    rules
}

fn masquerade_not_local_pod(detect_local: &DetectLocal) -> Vec<Steps> {
    let mut rules = Vec::new();
    for f in Family::ALL {
        for from_pod in local_pod(detect_local, f) {
            rules.push(rule([is_family(f), from_pod, vec![Expr::Verdict(RuleVerdict::Return)]]));
        }
    }
    rules.push(vec![Expr::Masquerade]);
    rules
}

/// A chain that picks among `n` endpoints.
#[must_use]
pub fn picking_chain(id: ChainId) -> Option<Chain> {
    if let ChainId::Pick { n } = id {
        return Some(plain(id, pick_rules(n)));
    }
    let ChainId::Sticky { n, timeout_s } = id else { return None };
    Some(plain(id, sticky_rules(n, timeout_s)))
}

fn pick_rules(n: u32) -> Vec<Steps> {
    let mut rules = vec![keep_pool()];
    rules.extend(each_family_and_protocol(|f, protocol| {
        rule([is_family(f), is_protocol(protocol), pick(SetId::Endpoints(f), n), vec![dnat(f)]])
    }));
    rules
}

/// The destination address is rewritten to the member that is tried: a register that `nft` can
/// name and that the DNAT behind it overwrites anyway.
fn sticky_rules(n: u32, timeout_s: u32) -> Vec<Steps> {
    let update = |f| remember(f, DynamicOp::Update, timeout_s);
    let to_member = |f| rule([member(f), vec![dnat(f)]]);
    let mut rules = vec![keep_pool()];
    // The client has a member and the member is still there.
    rules.extend(each_family_and_protocol(|f, protocol| {
        rule([
            is_family(f),
            is_protocol(protocol),
            client_key(f),
            vec![map(SetId::Affinity(f)), set_destination(f)],
            update(f),
            to_member(f),
        ])
    }));
    // An update does not change what a client has, so a member that is gone must go first.
    rules.extend(each_family(|f| rule([is_family(f), remember(f, DynamicOp::Delete, 0)])));
    rules.extend(each_family(|f| {
        rule([is_family(f), pick(SetId::Slots(f), n), vec![set_destination(f)]])
    }));
    rules.extend(each_family_and_protocol(|f, protocol| {
        rule([is_family(f), is_protocol(protocol), update(f), to_member(f)])
    }));
    // The map of clients is full: forwarded all the same.
    rules.extend(each_family_and_protocol(|f, protocol| {
        rule([is_family(f), is_protocol(protocol), vec![Expr::Counter], to_member(f)])
    }));
    rules
}
