//! What would the kernel do with a packet? The program is run step by step, as the kernel runs it,
//! in plain Rust.

mod run;

use std::collections::BTreeSet;

use model::{Delivery, NodeContext, Packet, Verdict};

use crate::evaluate::run::{Change, Memory, Outcome, Run};
use crate::ruleset::Ruleset;

impl Ruleset {
    /// The verdict of this table on the first packet of a connection, over every random choice.
    ///
    /// A choice that leads elsewhere than the others is what comes out: no oracle has such a
    /// verdict, so a comparison finds it.
    #[must_use]
    pub fn evaluate(&self, packet: &Packet, node: &NodeContext) -> Verdict {
        let (first, modulus, _) = self.run(packet, node, 0);
        let mut verdict = first;
        for choice in 1..modulus.unwrap_or(1) {
            let (next, ..) = self.run(packet, node, choice);
            verdict = match (verdict, next) {
                (
                    Verdict::Forward { mut deliveries, affinity },
                    Verdict::Forward { deliveries: more, affinity: other },
                ) if affinity == other => {
                    deliveries.extend(more);
                    Verdict::Forward { deliveries, affinity }
                }
                (_, next) => next,
            };
        }
        verdict
    }

    /// Lets the first packet of a connection pass: the verdict of one random choice, and whatever
    /// the packet writes is remembered in the table.
    pub fn pass(&mut self, packet: &Packet, node: &NodeContext, choice: u32) -> Verdict {
        let (verdict, _, memory) = self.run(packet, node, choice);
        for (key, value) in memory {
            match value {
                Some(value) => self.elements.insert(key, crate::program::Data::Value(value)),
                None => self.elements.remove(&key),
            };
        }
        verdict
    }

    /// The verdict of one random choice where this table becomes another on the packet's way: behind
    /// its first so many lookups. Each lookup of a packet sees what is in force at that moment.
    #[must_use]
    pub fn evaluate_amid(
        &self,
        change: (&Self, usize),
        packet: &Packet,
        node: &NodeContext,
        choice: u32,
    ) -> Verdict {
        let (later, lookups) = change;
        Self::finish(Run::new(self, packet, node, choice).meeting(Change { later, lookups })).0
    }

    fn run(
        &self,
        packet: &Packet,
        node: &NodeContext,
        choice: u32,
    ) -> (Verdict, Option<u32>, Memory) {
        Self::finish(Run::new(self, packet, node, choice))
    }

    fn finish(mut run: Run<'_>) -> (Verdict, Option<u32>, Memory) {
        let verdict = match run.travel() {
            Outcome::Dropped(reason) => Verdict::Drop(reason),
            Outcome::Rejected(reason) => Verdict::Reject(reason),
            Outcome::Passed => match run.endpoint {
                None => Verdict::NotService,
                Some(endpoint) => {
                    let delivery = Delivery { endpoint, masquerade: run.is_masqueraded };
                    let deliveries = BTreeSet::from([delivery]);
                    Verdict::Forward { deliveries, affinity: run.affinity }
                }
            },
        };
        (verdict, run.modulus, run.memory)
    }
}
