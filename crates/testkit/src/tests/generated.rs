//! Do drawn histories hold, and can they be written and read?

use std::path::Path;

use proptest::prelude::*;

use crate::{Cluster, Oracle, PacketLine, Scenario, generate, run_scenario};

/// All that a scenario says, without where it says so.
fn content(scenario: Scenario) -> Vec<(Cluster, Vec<PacketLine>, Vec<String>)> {
    let without_line = |packet| PacketLine { line: 0, ..packet };
    scenario
        .steps
        .into_iter()
        .map(|step| {
            let packets = step.packets.into_iter().map(without_line).collect();
            (step.cluster, packets, step.rejections.into_iter().map(|it| it.text).collect())
        })
        .collect()
}

proptest! {
    #![proptest_config(generate::config(128))]

    /// Incremental tables equal those made at once, whatever happens to the cluster.
    #[test]
    fn every_history_is_coherent(scenario in generate::scenario()) {
        if let Err(failure) = run_scenario(&scenario, &mut Oracle) {
            return Err(TestCaseError::fail(failure.to_string()));
        }
    }

    #[test]
    fn what_is_written_is_read_back(scenario in generate::scenario()) {
        let text = scenario.to_string();
        let read = Scenario::parse(Path::new("generated.txt"), &text);
        prop_assert_eq!(read.map(content), Ok(content(scenario)), "{}", text);
    }
}
