//! What does Prometheus learn of the addresses that are announced?

use std::collections::BTreeMap;
use std::fmt;

use super::scrape::Page;
use crate::announcing::AnnouncedState;
use crate::query::role;

const ROLES: [&str; 6] = ["owner", "standby", "detecting", "conflict", "unable", "bystander"];

pub(super) fn write(page: &mut Page<'_>, state: &AnnouncedState) -> fmt::Result {
    let mut roles: BTreeMap<&'static str, u64> = ROLES.into_iter().map(|role| (role, 0)).collect();
    for shown in state.addresses.values() {
        *roles.entry(role(shown.role)).or_default() += 1;
    }
    page.gauges(
        "pogu_announce_addresses",
        "Addresses of Services, by what this node is for them",
        roles.into_iter().map(|(role, count)| ([("role", role)], count)),
    )?;
    let nodes = |wanted: Option<bool>| {
        let of = state.nodes.values().filter(|node| node.is_up == wanted);
        u64::try_from(of.count()).unwrap_or(u64::MAX)
    };
    page.gauges(
        "pogu_announce_nodes",
        "Other nodes that this one shares addresses with, by whether they hear each other",
        [("up", Some(true)), ("down", Some(false)), ("unknown", None)]
            .into_iter()
            .map(|(label, wanted)| ([("state", label)], nodes(wanted))),
    )?;
    page.gauge(
        "pogu_announce_problems",
        "Things that the announcement needs and does not have",
        u64::try_from(state.problems.len()).unwrap_or(u64::MAX),
    )?;
    let counts = state.counts;
    for (name, help, value) in [
        ("pogu_announce_owned", "How often this node began to answer for an address", counts.owned),
        ("pogu_announce_released", "How often this node ceased to answer for one", counts.released),
        (
            "pogu_announce_conflicts",
            "How often somebody who is no node had an address",
            counts.conflicts,
        ),
        ("pogu_announce_sleeps", "How often this process stood still for too long", counts.sleeps),
        (
            "pogu_announce_answers",
            "Questions of neighbours that were answered",
            counts.frames_answered,
        ),
        ("pogu_announce_frames_sent", "Frames that were sent beside answers", counts.frames_sent),
        ("pogu_announce_hellos_sent", "Hellos to other nodes", counts.hellos_sent),
        ("pogu_announce_hello_bytes_sent", "Their bytes", counts.hello_bytes_sent),
        ("pogu_announce_hellos_heard", "Hellos of other nodes", counts.hellos_heard),
    ] {
        page.counter(name, help, value)?;
    }
    page.counters(
        "pogu_announce_hellos_ignored",
        "Datagrams that were ignored, by what was wrong",
        [
            ("stranger", counts.hellos_of_strangers),
            ("unreadable", counts.hellos_unreadable),
            ("late", counts.hellos_late),
        ]
        .into_iter()
        .map(|(reason, count)| ([("reason", reason)], count)),
    )
}
