//! The engine that evaluates the planned nftables program.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

use model::{Family, NodeContext, NodeName, NodeTable, Packet, ServiceChange, Verdict};
use nft::{Bytes, Op, Options, Ruleset, SetId};
use testkit::{Dissent, Engine};

use crate::{Dataplane, MemoryKernel};

pub(super) const CLIENTS_MAX: u32 = 1000;

/// More than a packet needs until it has an endpoint.
const LOOKUPS: usize = 8;

/// A dataplane for each node, with a kernel in memory.
#[derive(Default)]
pub(super) struct Program {
    nodes: BTreeMap<NodeName, Dataplane<MemoryKernel>>,
    /// What was in force before the last change.
    before: BTreeMap<NodeName, Ruleset>,
}

pub(super) fn options(table: &NodeTable) -> Options {
    Options {
        detect_local: table.node.detect_local.clone(),
        masquerade_all: table.node.masquerade_all,
        service_cidrs: table.service_cidrs.to_vec(),
        traffic_counters: true,
        affinity_clients_max: CLIENTS_MAX,
    }
}

/// Time stands still: nothing here waits.
pub(super) fn now() -> Instant {
    host::clock::monotonic()
}

impl Engine for Program {
    fn name(&self) -> &'static str {
        "nft program"
    }

    fn advance(&mut self, table: &NodeTable, changes: &[ServiceChange]) -> Result<(), Dissent> {
        let name = table.node.name.clone();
        let report = match self.nodes.get_mut(&name) {
            None => {
                let kernel = MemoryKernel::new(CLIENTS_MAX);
                let started = Dataplane::start(kernel, table, options(table), now());
                let (dataplane, report) = started.map_err(|error| Dissent(error.to_string()))?;
                self.nodes.insert(name.clone(), dataplane);
                report
            }
            Some(dataplane) => {
                self.before.insert(name, dataplane.kernel().ruleset.clone());
                let set = dataplane.set_options(options(table), table);
                if let Some(reason) = set.failed {
                    return Err(Dissent(reason));
                }
                dataplane.advance(changes, now())
            }
        };
        if !report.refused.is_empty() || report.failed.is_some() || report.repaired > 0 {
            return Err(Dissent(format!("{report:?}")));
        }
        self.compare_with_fresh(table)
    }

    fn check(
        &mut self,
        table: &NodeTable,
        packet: &Packet,
        expected: &Verdict,
    ) -> Result<(), Dissent> {
        let Some(dataplane) = self.nodes.get_mut(&table.node.name) else {
            return Err(Dissent("no dataplane".to_owned()));
        };
        let ruleset = &dataplane.kernel().ruleset;
        let found = ruleset.evaluate(packet, &table.node);
        Dissent::unless_same(expected, &found)?;
        let before = self.before.get(&table.node.name);
        before.map_or(Ok(()), |before| meets_no_gap(before, ruleset, packet, &table.node))
    }
}

/// Whatever led somewhere before a change and leads somewhere behind it also does in its midst.
fn meets_no_gap(
    before: &Ruleset,
    later: &Ruleset,
    packet: &Packet,
    node: &NodeContext,
) -> Result<(), Dissent> {
    let choices = |verdict: Verdict| match verdict {
        Verdict::Forward { deliveries, .. } => deliveries.len(),
        Verdict::Reject(_) | Verdict::Drop(_) | Verdict::NotService => 0,
    };
    let (old, new) =
        (choices(before.evaluate(packet, node)), choices(later.evaluate(packet, node)));
    // Between the two ways of a frontend's policy nothing leads: that change is rare, and to ask again
    // for each connection that is for no Service would cost them all.
    let keeps_policy = has_local_policy(before, packet) == has_local_policy(later, packet);
    if old == 0 || new == 0 || !keeps_policy {
        return Ok(());
    }
    let choices = u32::try_from(old.max(new)).unwrap_or(u32::MAX);
    for lookups in 0..LOOKUPS {
        for choice in 0..choices {
            let found = before.evaluate_amid((later, lookups), packet, node, choice);
            if !matches!(found, Verdict::Forward { .. }) {
                let text = format!("behind {lookups} lookups, choice {choice}: {found:?}");
                return Err(Dissent(text));
            }
        }
    }
    Ok(())
}

fn has_local_policy(ruleset: &Ruleset, packet: &Packet) -> bool {
    let set = SetId::LocalPolicy(Family::of(packet.destination));
    let address = match packet.destination {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    let port = packet.destination_port.get().to_be_bytes();
    let key = Bytes::empty().with(&address).with(&[packet.protocol.number()]).with(&port);
    ruleset.elements.contains_key(&(set, key))
}

impl Program {
    /// A new agent would find nothing to do, and the planner knows what is in the kernel.
    fn compare_with_fresh(&mut self, table: &NodeTable) -> Result<(), Dissent> {
        let Some(dataplane) = self.nodes.get_mut(&table.node.name) else { return Ok(()) };
        let held = dataplane.kernel().ruleset.own_elements();
        if held != dataplane.desired_elements() {
            return Err(Dissent("the planner takes the kernel for another".to_owned()));
        }
        let held = &dataplane.kernel().ruleset;
        let (planner, _) = nft::adopt(table, options(table), held);
        let needless: Vec<Op> =
            held.steps_to(&planner.desired()).into_iter().filter(|op| !is_tidying(op)).collect();
        if needless.is_empty() {
            Ok(())
        } else {
            Err(Dissent(format!("a new agent would change: {needless:?}")))
        }
    }
}

/// A new agent may remove chains that no Service needs any more.
fn is_tidying(op: &Op) -> bool {
    let is_picking = |id: &nft::ChainId| nft::picking_chain(*id).is_some();
    matches!(op, Op::FlushChain(id) | Op::DeleteChain(id) if is_picking(id))
        || matches!(op, Op::DeleteElement(element) if element.set == SetId::Dispatch)
}
