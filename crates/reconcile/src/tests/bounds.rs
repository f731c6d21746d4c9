//! What happens where something stops growing?

use std::fmt::Write;
use std::sync::Arc;

use nft::{Planner, Ruleset};

use super::cluster::{Cluster, service_with};
use super::program::{CLIENTS_MAX, now, options};
use crate::{Dataplane, MemoryKernel};

/// Twelve bits number the chains that pick, and zero is none of them.
const KINDS_MAX: u32 = 4095;

#[test]
fn services_beyond_the_last_kind_of_chain_wait_and_the_others_are_served() {
    let mut text = String::new();
    for timeout_s in 1..=KINDS_MAX + 2 {
        let spec = format!(
            "  sessionAffinity: ClientIP\n  sessionAffinityConfig: {{clientIP: {{timeoutSeconds: {timeout_s}}}}}\n"
        );
        let one = service_with(1, &spec, &["10.1.0.1"])
            .replace("10.96.0.1", &format!("10.96.{}.{}", timeout_s / 250, timeout_s % 250 + 1))
            .replace("s1", &format!("s{timeout_s:04}"));
        write!(text, "---\n{one}").expect("a string takes everything");
    }
    let mut cluster = Cluster::new();
    cluster.apply(&text);
    let kernel = MemoryKernel::new(CLIENTS_MAX);
    let table = &cluster.table;
    let started = Dataplane::start(kernel, table, options(table), now());
    let (mut dataplane, report) = started.expect("the table is taken");
    assert_eq!(report.applied.len(), 4095);
    let refused: Vec<String> = report.refused.iter().map(ToString::to_string).collect();
    assert_eq!(refused, ["default/s4096", "default/s4097"]);
    let reasons: Vec<&str> =
        dataplane.waiting().values().map(|waiting| waiting.reason.as_str()).collect();
    assert_eq!(
        reasons,
        ["no room for another chain that picks among endpoints: 4095 are in use"; 2]
    );
    let held = dataplane.kernel().ruleset.own_elements();
    assert_eq!(held, dataplane.desired_elements());
}

#[test]
fn chains_that_nobody_needs_any_longer_make_room() {
    let with_timeout = |timeout_s: u32| {
        let spec = format!(
            "  sessionAffinity: ClientIP\n  sessionAffinityConfig: {{clientIP: {{timeoutSeconds: {timeout_s}}}}}\n"
        );
        service_with(1, &spec, &["10.1.0.1"])
    };
    let mut cluster = Cluster::new();
    cluster.apply(&with_timeout(1));
    let mut planner = Planner::new(Arc::clone(&cluster.table.node), options(&cluster.table));
    let mut set = |timeout_s: u32, planner: &mut Planner| {
        cluster.apply(&with_timeout(timeout_s));
        let (name, service) = cluster.table.services.iter().next().expect("the Service");
        let mut steps = Vec::new();
        let undo = planner.set(name, Some(service), &mut steps).expect("there is room");
        (steps, undo)
    };
    for timeout_s in 1..=KINDS_MAX {
        drop(set(timeout_s, &mut planner));
    }
    let mut kernel = Ruleset::default();
    let all = kernel.steps_to(&planner.desired());
    kernel.apply(&all, CLIENTS_MAX).expect("an empty kernel takes everything");
    let before = planner.desired();

    // Refused, nothing has changed; taken, the kernel has what is desired.
    let (_, undo) = set(KINDS_MAX + 1, &mut planner);
    planner.undo(undo);
    assert_eq!(planner.desired(), before);
    let (steps, _done) = set(KINDS_MAX + 2, &mut planner);
    kernel.apply(&steps, CLIENTS_MAX).expect("chains that nobody needs can go");
    assert_eq!(kernel.steps_to(&planner.desired()), []);
}
