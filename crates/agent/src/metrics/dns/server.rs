//! What does the cluster DNS tell of its configuration and its state, under CoreDNS's names?

use std::fmt;

use dns::respond::Block;
use nameserver::Stats;

use super::super::scrape::Page;
use super::{SERVER, Scaled, US_PER_S, VIEW};
use crate::cluster_dns::DnsState;

pub(super) fn write(page: &mut Page<'_>, stats: &Stats, state: &DnsState) -> fmt::Result {
    write_version(page)?;
    // A thread that broke would be told in the log; none answers for another.
    page.counter("coredns_panics", "Questions that broke the server: there are none", 0)?;
    page.counter(
        "coredns_reload_failed",
        "Configurations that could not be followed",
        state.reload_failures,
    )?;
    let plugins = state.plugins.iter().map(|(zone, name)| {
        let labels: [(&str, String); 4] = [
            (SERVER.0, SERVER.1.to_owned()),
            ("zone", format!("{zone}.")),
            (VIEW.0, VIEW.1.to_owned()),
            ("name", (*name).to_owned()),
        ];
        (labels, 1_u64)
    });
    page.gauges("coredns_plugin_enabled", "What is at work for the names of a zone", plugins)?;
    let hosts = state.responder.blocks.iter().filter_map(|block: &Block| block.hosts.as_ref());
    let entries: usize = hosts.map(|hosts| hosts.table.len()).sum();
    page.gauge("coredns_hosts_entries", "Static entries", entries as u64)?;
    let walked = std::iter::once(([SERVER], stats.walked));
    page.counters(
        "coredns_autopath_success",
        "Search lists walked for a pod to an answer",
        walked,
    )?;
    write_programming(page, state)
}

fn write_version(page: &mut Page<'_>) -> fmt::Result {
    let labels = [("version", env!("CARGO_PKG_VERSION")), ("revision", ""), ("goversion", "")];
    let one = std::iter::once((labels, 1_u64));
    page.gauges("coredns_build_info", "The version of pogu, which answers as CoreDNS does", one)
}

fn write_programming(page: &mut Page<'_>, state: &DnsState) -> fmt::Result {
    let programming = &state.programming;
    let by_kind = [
        ("cluster_ip", &programming.cluster_ip),
        ("headless_with_selector", &programming.headless),
    ];
    page.histograms(
        "coredns_kubernetes_dns_programming_duration_seconds",
        "From the change of a Pod to answers by it",
        by_kind
            .into_iter()
            .map(|(kind, buckets)| ([("service_kind", kind)], Scaled { buckets, unit: US_PER_S })),
    )?;
    let since_event = Scaled { buckets: &programming.since_event, unit: US_PER_S };
    page.histograms(
        "pogu_dns_programming_duration_seconds",
        "From an event of the source of objects to answers by it",
        std::iter::once(([SERVER], since_event)),
    )
}
