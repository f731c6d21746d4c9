//! What does the cluster DNS tell of itself?
//!
//! The names are CoreDNS's where it has one for the thing, so that its dashboards and alerts work;
//! what only pogu counts is called `pogu_dns_`.

use std::fmt;
use std::net::SocketAddr;

use dns::forward::{RTT_BOUNDS, UpstreamState, UpstreamStats};
use dns::respond::AnsweredBy;
use model::Family;
use nameserver::{Buckets, Stats, Transport};

use super::scrape::Page;
use crate::cluster_dns::{DnsState, DnsView};

/// The server and the zone that CoreDNS's labels name: one server has all zones here.
const SERVER: (&str, &str) = ("server", "dns://:53");
const ZONE: (&str, &str) = ("zone", ".");
const VIEW: (&str, &str) = ("view", "");

const US_PER_S: f64 = 1_000_000.0;

pub(super) fn write(page: &mut Page<'_>, view: &DnsView) -> fmt::Result {
    let (stats, state) = (view.running.stats(), view.state());
    write_questions(page, &stats)?;
    write_sizes(page, &stats)?;
    write_cache(page, &stats)?;
    write_upstreams(page, &stats, &state)?;
    write_own(page, &stats, &state)
}

fn write_questions(page: &mut Page<'_>, stats: &Stats) -> fmt::Result {
    let requests = stats.requests.iter().map(|((family, transport, rtype), count)| {
        let rtype = rtype.map_or_else(|| "other".to_owned(), |rtype| rtype.to_string());
        let labels: Vec<(&str, String)> = vec![
            (SERVER.0, SERVER.1.to_owned()),
            (ZONE.0, ZONE.1.to_owned()),
            (VIEW.0, VIEW.1.to_owned()),
            ("proto", proto(*transport).to_owned()),
            ("family", family_number(*family).to_owned()),
            ("type", rtype),
        ];
        (labels, *count)
    });
    page.counters("coredns_dns_requests", "Questions", requests)?;
    let responses = stats.responses.iter().map(|((rcode, by), count)| {
        let rcode = rcode.map_or_else(|| "other".to_owned(), |rcode| rcode.to_string());
        let labels: Vec<(&str, String)> = vec![
            (SERVER.0, SERVER.1.to_owned()),
            (ZONE.0, ZONE.1.to_owned()),
            (VIEW.0, VIEW.1.to_owned()),
            ("rcode", rcode),
            ("plugin", plugin(*by).to_owned()),
        ];
        (labels, *count)
    });
    page.counters("coredns_dns_responses", "Answers", responses)?;
    let wanting = std::iter::once(([SERVER, ZONE, VIEW], stats.dnssec_requests));
    page.counters("coredns_dns_do_requests", "Questions that want signatures", wanting)?;
    let durations = Scaled { buckets: &stats.durations, unit: US_PER_S };
    page.histograms(
        "coredns_dns_request_duration_seconds",
        "Time from a question's arrival to its answer",
        std::iter::once(([SERVER, ZONE, VIEW], durations)),
    )
}

fn write_sizes(page: &mut Page<'_>, stats: &Stats) -> fmt::Result {
    for (name, help, sizes) in [
        ("coredns_dns_request_size_bytes", "Sizes of questions", &stats.request_sizes),
        ("coredns_dns_response_size_bytes", "Sizes of answers", &stats.response_sizes),
    ] {
        let sizes = sizes.iter().map(|(transport, buckets)| {
            let labels = [SERVER, ZONE, VIEW, ("proto", proto(*transport))];
            (labels, Scaled { buckets, unit: 1.0 })
        });
        page.histograms(name, help, sizes)?;
    }
    Ok(())
}

fn write_cache(page: &mut Page<'_>, stats: &Stats) -> fmt::Result {
    let by = |wanted: AnsweredBy| -> u64 {
        let of_source = stats.responses.iter().filter(|((_, by), _)| *by == wanted);
        of_source.map(|(_, count)| *count).sum()
    };
    let (hits, misses) = (by(AnsweredBy::Cache), by(AnsweredBy::Forwarder));
    let one = |count: u64| std::iter::once(([SERVER, ("zones", "."), VIEW], count));
    page.counters("coredns_cache_hits", "Answers from the cache", one(hits))?;
    page.counters("coredns_cache_misses", "Answers that upstreams were asked for", one(misses))?;
    page.counters("coredns_cache_requests", "Answers for names outside", one(hits + misses))?;
    let (success, denial) = stats.cache_entries;
    let entries = [("success", success), ("denial", denial)];
    let entries =
        entries.map(|(kind, count)| ([SERVER, ("type", kind), ("zones", "."), VIEW], count as u64));
    page.gauges("coredns_cache_entries", "Answers that are kept", entries.into_iter())?;
    let Some(forwarder) = &stats.forwarder else { return Ok(()) };
    page.counters(
        "coredns_cache_prefetch",
        "Answers asked for again before their end",
        one(forwarder.prefetches),
    )?;
    page.counters(
        "coredns_cache_served_stale",
        "Answers used after their end",
        one(forwarder.stale_served),
    )
}

fn write_upstreams(page: &mut Page<'_>, stats: &Stats, state: &DnsState) -> fmt::Result {
    let Some(forwarder) = &stats.forwarder else { return Ok(()) };
    let all: Vec<(SocketAddr, &UpstreamStats)> =
        state.upstreams().zip(&forwarder.upstreams).collect();
    for (name, help, figure) in UPSTREAM_COUNTERS {
        page.counters(name, help, of_each(&all, figure))?;
    }
    for (name, help, figure) in UPSTREAM_GAUGES {
        page.gauges(name, help, of_each(&all, figure))?;
    }
    let rtts = all.iter().map(|(to, upstream)| {
        let counts = upstream.rtts.counts.to_vec();
        let buckets = Buckets { bounds: &RTT_BOUNDS, counts, sum: upstream.rtts.sum_us };
        (to.to_string(), buckets)
    });
    let rtts: Vec<(String, Buckets)> = rtts.collect();
    page.histograms(
        "coredns_proxy_request_duration_seconds",
        "Time to an upstream's answer",
        rtts.iter().map(|(to, buckets)| {
            ([("proxy_name", "forward"), ("to", to)], Scaled { buckets, unit: US_PER_S })
        }),
    )?;
    for (name, help, count) in [
        (
            "coredns_forward_max_concurrent_rejects",
            "Questions refused because too many waited",
            forwarder.refused,
        ),
        (
            "pogu_dns_coalesced",
            "Questions that another client had asked already",
            forwarder.coalesced,
        ),
        ("pogu_dns_forward_failures", "Questions that no upstream answered", forwarder.failed),
    ] {
        page.counter(name, help, count)?;
    }
    Ok(())
}

type Figure = (&'static str, &'static str, fn(&UpstreamStats) -> u64);

const UPSTREAM_COUNTERS: [Figure; 7] = [
    ("coredns_proxy_healthcheck_failures", "Probes that were not answered", |it| {
        it.health_failures
    }),
    ("coredns_proxy_conn_cache_hits", "Questions on streams that were there", |it| {
        it.connection_hits
    }),
    ("coredns_proxy_conn_cache_misses", "Streams opened", |it| it.connection_misses),
    ("pogu_dns_upstream_requests", "Questions it was asked", |it| it.requests),
    ("pogu_dns_upstream_timeouts", "Questions it did not answer in time", |it| it.timeouts),
    ("pogu_dns_upstream_mismatches", "Answers that were not to what it was asked", |it| {
        it.mismatches
    }),
    ("pogu_dns_upstream_hedges", "Questions it was asked because another was slow", |it| it.hedges),
];

const UPSTREAM_GAUGES: [Figure; 2] = [
    ("pogu_dns_upstream_up", "Whether the upstream is asked", |it| {
        u64::from(it.state == UpstreamState::Up)
    }),
    ("pogu_dns_upstream_loop", "Whether it leads back to this server", |it| {
        u64::from(it.state == UpstreamState::Looping)
    }),
];

fn of_each(
    all: &[(SocketAddr, &UpstreamStats)],
    figure: fn(&UpstreamStats) -> u64,
) -> impl Iterator<Item = ([(&'static str, String); 2], u64)> {
    all.iter().map(move |(to, upstream)| {
        ([("proxy_name", "forward".to_owned()), ("to", to.to_string())], figure(upstream))
    })
}

fn write_own(page: &mut Page<'_>, stats: &Stats, state: &DnsState) -> fmt::Result {
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

const fn proto(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "udp",
        Transport::Tcp => "tcp",
    }
}

/// As CoreDNS counts the families.
const fn family_number(family: Family) -> &'static str {
    match family {
        Family::V4 => "1",
        Family::V6 => "2",
    }
}

/// The plugin that does this in CoreDNS.
const fn plugin(by: AnsweredBy) -> &'static str {
    match by {
        AnsweredBy::Protocol => "",
        AnsweredBy::Zone => "kubernetes",
        AnsweredBy::Hosts => "hosts",
        AnsweredBy::Cache => "cache",
        AnsweredBy::Forwarder => "forward",
    }
}

/// Ranges in another unit than they were counted in.
pub(super) struct Scaled<'b> {
    pub(super) buckets: &'b Buckets,
    pub(super) unit: f64,
}

impl Scaled<'_> {
    /// The sum, the count, and how many there are in each range up to its bound.
    pub(super) fn figures(&self) -> (f64, u64, Vec<(f64, u64)>) {
        let Buckets { bounds, counts, sum } = self.buckets;
        let ends = bounds.iter().map(|bound| *bound as f64 / self.unit).chain([f64::MAX]);
        let ranges = ends.zip(counts.iter().copied()).collect();
        (*sum as f64 / self.unit, counts.iter().sum(), ranges)
    }
}
