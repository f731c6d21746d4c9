//! What does the cluster DNS tell of the servers that it asks?

use std::fmt;
use std::net::SocketAddr;

use dns::forward::{COUNTED_RCODES, RTT_BOUNDS, UpstreamState, UpstreamStats};
use dns::wire::Rcode;
use nameserver::{Buckets, Stats};

use super::super::scrape::Page;
use super::{Scaled, US_PER_S};
use crate::cluster_dns::DnsState;

pub(super) fn write(page: &mut Page<'_>, stats: &Stats, state: &DnsState) -> fmt::Result {
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
    write_former_names(page, &all, &rtts)?;
    page.counter(
        "coredns_forward_healthcheck_broken",
        "Questions that came while no upstream was up",
        forwarder.none_up,
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

/// What alerts look for that were written for CoreDNS before 1.10.
fn write_former_names(
    page: &mut Page<'_>,
    all: &[(SocketAddr, &UpstreamStats)],
    rtts: &[(String, Buckets)],
) -> fmt::Result {
    page.histograms(
        "coredns_forward_request_duration_seconds",
        "As coredns_proxy_request_duration_seconds",
        rtts.iter().map(|(to, buckets)| ([("to", to)], Scaled { buckets, unit: US_PER_S })),
    )?;
    let requests = all.iter().map(|(to, it)| ([("to", to.to_string())], it.requests));
    page.counters("coredns_forward_requests", "As pogu_dns_upstream_requests", requests)?;
    let failures = all.iter().map(|(to, it)| ([("to", to.to_string())], it.health_failures));
    page.counters(
        "coredns_forward_healthcheck_failures",
        "As coredns_proxy_healthcheck_failures",
        failures,
    )?;
    let responses = all.iter().flat_map(|(to, upstream)| {
        let rcodes = COUNTED_RCODES.into_iter().map(Some).chain([None]);
        let counted = rcodes.zip(upstream.rcodes).filter(|(_, count)| *count > 0);
        counted.map(|(rcode, count)| {
            let rcode = rcode.map_or_else(|| "other".to_owned(), |rcode: Rcode| rcode.to_string());
            ([("to", to.to_string()), ("rcode", rcode)], count)
        })
    });
    page.counters("coredns_forward_responses", "Answers of upstreams", responses)
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
