//! Does everything come right in the end, when transactions fail and others meddle all the time?

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use model::{NodeName, NodeTable, Packet, ServiceChange, Verdict};
use proptest::prelude::*;
use testkit::{Dissent, Engine, generate, run_scenario};

use super::program::{CLIENTS_MAX, now, options};
use crate::{Dataplane, Fault, MemoryKernel};

/// The program in a kernel with faults, which follow from a seed. Time is what it says.
struct Troubled {
    seed: u64,
    now: Instant,
    nodes: BTreeMap<NodeName, Dataplane<MemoryKernel>>,
}

impl Troubled {
    fn new(seed: u64) -> Self {
        Self { seed, now: now(), nodes: BTreeMap::new() }
    }

    /// What befalls the next transactions: a fifth of them fails, some find the table flushed.
    fn faults(&mut self) -> impl Iterator<Item = Fault> + use<> {
        let mut state = self.seed;
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (0..8).map(move |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            match (state >> 33) % 10 {
                0 | 1 => Fault::Failed,
                2 => Fault::Flushed,
                _ => Fault::None,
            }
        })
    }

    /// A start that fails is tried again, as the agent does.
    fn start(&mut self, table: &NodeTable) -> Result<(), Dissent> {
        for _ in 0..20 {
            let mut kernel = MemoryKernel::new(CLIENTS_MAX);
            kernel.faults = self.faults().collect();
            if let Ok((dataplane, _)) = Dataplane::start(kernel, table, options(table), self.now) {
                self.nodes.insert(table.node.name.clone(), dataplane);
                return Ok(());
            }
        }
        Err(Dissent("it never starts".to_owned()))
    }
}

impl Engine for Troubled {
    fn name(&self) -> &'static str {
        "nft program in trouble"
    }

    fn advance(&mut self, table: &NodeTable, changes: &[ServiceChange]) -> Result<(), Dissent> {
        let faults: Vec<Fault> = self.faults().collect();
        let Some(dataplane) = self.nodes.get_mut(&table.node.name) else {
            return self.start(table);
        };
        dataplane.kernel().faults = faults.into();
        // Now and then the table cannot be read when somebody looks.
        dataplane.kernel().failing_reads = usize::try_from(self.seed % 5).unwrap_or(0) / 3;
        let mut refused = dataplane.set_options(options(table), table).failed.is_some();
        dataplane.advance(changes, self.now);
        for _ in 0..20 {
            if !refused {
                return Ok(());
            }
            refused = dataplane.set_options(options(table), table).failed.is_some();
        }
        Err(Dissent("the options are never taken".to_owned()))
    }

    /// Time goes by until nothing waits, then the verdict must be right.
    fn check(
        &mut self,
        table: &NodeTable,
        packet: &Packet,
        expected: &Verdict,
    ) -> Result<(), Dissent> {
        let Some(dataplane) = self.nodes.get_mut(&table.node.name) else {
            return Err(Dissent("no dataplane".to_owned()));
        };
        let mut rounds = 0;
        while let Some(at) = dataplane.next_retry() {
            self.now = self.now.max(at) + Duration::from_millis(1);
            dataplane.retry(self.now);
            rounds += 1;
            if rounds > 50 {
                let waiting = dataplane.waiting().iter();
                let reasons: Vec<String> =
                    waiting.map(|(name, waiting)| format!("{name}: {}", waiting.reason)).collect();
                return Err(Dissent(format!("still waiting: {}", reasons.join("; "))));
            }
        }
        // An agent hears of a flush. Without one, nobody looks: it must be right by itself. A repair
        // that fails, or that meets another flush, is tried again.
        let mut rounds = 0;
        while std::mem::take(&mut dataplane.kernel().flushes) > 0 {
            while let Some(reason) = dataplane.verify().failed {
                rounds += 1;
                if rounds > 20 {
                    return Err(Dissent(reason));
                }
            }
        }
        let found = dataplane.kernel().ruleset.evaluate(packet, &table.node);
        Dissent::unless_same(expected, &found)
    }
}

proptest! {
    #![proptest_config(generate::config(256))]

    #[test]
    fn all_comes_right_after_faults(scenario in generate::scenario(), seed in any::<u64>()) {
        if let Err(failure) = run_scenario(&scenario, &mut Troubled::new(seed)) {
            return Err(TestCaseError::fail(format!("seed {seed}\n{failure}\n{scenario}")));
        }
    }
}
