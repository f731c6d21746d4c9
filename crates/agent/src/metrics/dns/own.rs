//! What does the cluster DNS tell of itself that CoreDNS does not?

use std::fmt;

use nameserver::Stats;

use super::super::scrape::Page;
use crate::cluster_dns::DnsState;

pub(super) fn write(page: &mut Page<'_>, stats: &Stats, state: &DnsState) -> fmt::Result {
    page.gauge(
        "pogu_dns_ready",
        "Whether names of the cluster may be denied",
        u64::from(state.is_ready),
    )?;
    page.gauge(
        "pogu_dns_local_addresses",
        "Addresses of the cluster DNS that are answered on the node",
        state.local.len() as u64,
    )?;
    page.gauge(
        "pogu_dns_notices",
        "Parts of the configuration that are not understood",
        state.notices.len() as u64,
    )?;
    let drops = stats.drops;
    let drops = [
        ("silent", drops.silent),
        ("oversized", drops.oversized),
        ("unsent", drops.unsent),
        ("asks-full", drops.asks_full),
        ("socket", drops.socket_failures),
    ];
    let drops = drops.map(|(reason, count)| ([("reason", reason)], count));
    page.counters("pogu_dns_drops", "Messages without an answer", drops.into_iter())?;
    let connections = stats.connections;
    page.gauge("pogu_dns_connections", "Streams of clients that are open", connections.open)?;
    let ends = [
        ("evicted", connections.evicted),
        ("refused", connections.refused),
        ("stalled", connections.stalled),
    ];
    let ends = ends.map(|(reason, count)| ([("reason", reason)], count));
    page.counters(
        "pogu_dns_connections_closed",
        "Streams that were closed for want of room or time",
        ends.into_iter(),
    )
}
