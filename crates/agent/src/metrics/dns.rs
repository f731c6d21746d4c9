//! What does the cluster DNS tell of itself?
//!
//! The names are CoreDNS's where it has one for the thing, so that its dashboards and alerts work;
//! what only pogu counts is called `pogu_dns_`.

mod own;
mod server;
mod upstreams;

use std::fmt;

use dns::respond::AnsweredBy;
use dns::zone::{Settings, ZoneOf};
use model::Family;
use nameserver::{Buckets, Stats, Transport};

use super::scrape::Page;
use crate::cluster_dns::DnsView;

/// The server that CoreDNS's labels name: one has all zones here.
const SERVER: (&str, &str) = ("server", "dns://:53");
const VIEW: (&str, &str) = ("view", "");

const US_PER_S: f64 = 1_000_000.0;

pub(super) fn write(page: &mut Page<'_>, view: &DnsView) -> fmt::Result {
    let (stats, state) = (view.running.stats(), view.state());
    let settings = state.responder.zone.settings();
    write_questions(page, &stats, settings)?;
    write_sizes(page, &stats, settings)?;
    write_cache(page, &stats)?;
    upstreams::write(page, &stats, &state)?;
    server::write(page, &stats, &state)?;
    own::write(page, &stats, &state)
}

/// The labels that CoreDNS begins with.
fn labels(zone: ZoneOf, settings: &Settings) -> Vec<(&'static str, String)> {
    let (server, view) = ((SERVER.0, SERVER.1.to_owned()), (VIEW.0, VIEW.1.to_owned()));
    vec![server, ("zone", zone_name(zone, settings)), view]
}

/// Which of the zones of addresses it was is not told: there may be hundreds.
fn zone_name(zone: ZoneOf, settings: &Settings) -> String {
    match zone {
        ZoneOf::Cluster => format!("{}.", settings.domain),
        ZoneOf::ClusterSet => {
            settings.clusterset.as_ref().map_or_else(String::new, |zone| format!("{zone}."))
        }
        ZoneOf::Addresses(Family::V4) => "in-addr.arpa.".to_owned(),
        ZoneOf::Addresses(Family::V6) => "ip6.arpa.".to_owned(),
        ZoneOf::Root => ".".to_owned(),
    }
}

fn write_questions(page: &mut Page<'_>, stats: &Stats, settings: &Settings) -> fmt::Result {
    let requests = stats.requests.iter().map(|((zone, family, transport, rtype), count)| {
        let rtype = rtype.map_or_else(|| "other".to_owned(), |rtype| rtype.to_string());
        let mut labels = labels(*zone, settings);
        labels.extend([
            ("proto", proto(*transport).to_owned()),
            ("family", family_number(*family).to_owned()),
            ("type", rtype),
        ]);
        (labels, *count)
    });
    page.counters("coredns_dns_requests", "Questions", requests)?;
    let responses = stats.responses.iter().map(|((zone, rcode, by), count)| {
        let rcode = rcode.map_or_else(|| "other".to_owned(), |rcode| rcode.to_string());
        let mut labels = labels(*zone, settings);
        labels.extend([("rcode", rcode), ("plugin", plugin(*by).to_owned())]);
        (labels, *count)
    });
    page.counters("coredns_dns_responses", "Answers", responses)?;
    let wanting = stats.dnssec_requests.iter();
    let wanting = wanting.map(|(zone, count)| (labels(*zone, settings), *count));
    page.counters("coredns_dns_do_requests", "Questions that want signatures", wanting)?;
    let durations = stats.durations.iter().filter(|(_, buckets)| is_used(buckets));
    page.histograms(
        "coredns_dns_request_duration_seconds",
        "Time from a question's arrival to its answer",
        durations
            .map(|(zone, buckets)| (labels(*zone, settings), Scaled { buckets, unit: US_PER_S })),
    )
}

fn write_sizes(page: &mut Page<'_>, stats: &Stats, settings: &Settings) -> fmt::Result {
    for (name, help, sizes) in [
        ("coredns_dns_request_size_bytes", "Sizes of questions", &stats.request_sizes),
        ("coredns_dns_response_size_bytes", "Sizes of answers", &stats.response_sizes),
    ] {
        let sizes = sizes.iter().filter(|(_, buckets)| is_used(buckets));
        let sizes = sizes.map(|((zone, transport), buckets)| {
            let mut labels = labels(*zone, settings);
            labels.push(("proto", proto(*transport).to_owned()));
            (labels, Scaled { buckets, unit: 1.0 })
        });
        page.histograms(name, help, sizes)?;
    }
    Ok(())
}

fn is_used(buckets: &Buckets) -> bool {
    buckets.counts.iter().any(|count| *count > 0)
}

fn write_cache(page: &mut Page<'_>, stats: &Stats) -> fmt::Result {
    let by = |wanted: AnsweredBy| -> u64 {
        let of_source = stats.responses.iter().filter(|((_, _, by), _)| *by == wanted);
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
    )?;
    let mismatches = forwarder.upstreams.iter().map(|it| it.mismatches).sum();
    page.counters(
        "coredns_cache_drops",
        "Answers that were not kept, for they were to another question",
        one(mismatches),
    )?;
    let evictions = forwarder.cache;
    let evictions =
        [("success", evictions.success_evictions), ("denial", evictions.denial_evictions)];
    let evictions =
        evictions.map(|(kind, count)| ([SERVER, ("type", kind), ("zones", "."), VIEW], count));
    page.counters(
        "coredns_cache_evictions",
        "Answers that went for want of room",
        evictions.into_iter(),
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
