//! What does Prometheus learn of the connection to the API server?

use std::fmt;
use std::time::SystemTime;

use watch::{ApiServerState, CollectionState, Trouble};

use super::scrape::Page;

pub(super) fn write(page: &mut Page<'_>, state: &ApiServerState) -> fmt::Result {
    let named = || state.collections.iter().map(|it| ([("resource", it.name.clone())], it));
    let figures =
        |figure: fn(&CollectionState) -> u64| named().map(move |(labels, it)| (labels, figure(it)));
    page.gauge(
        "pogu_api_server_up",
        "Whether the API server can be reached and used",
        u64::from(state.away.is_none() && state.version.is_some()),
    )?;
    page.gauges(
        "pogu_api_server_not_followed_since_seconds",
        "Since when changes are not heard of, in seconds since 1970; 0 while they are",
        named().map(|(labels, it)| (labels, since(it.trouble.as_ref().or(state.away.as_ref())))),
    )?;
    page.gauges(
        "pogu_api_server_objects",
        "Objects that are known",
        named().map(|(labels, it)| (labels, u64::try_from(it.objects).unwrap_or(u64::MAX))),
    )?;
    page.counters("pogu_api_server_lists", "Lists that were begun", figures(|it| it.counts.lists))?;
    page.counters(
        "pogu_api_server_watches",
        "Watches that were begun",
        figures(|it| it.counts.watches),
    )?;
    page.counters(
        "pogu_api_server_changes",
        "Objects that were new, changed or deleted",
        figures(|it| it.counts.changes),
    )?;
    page.counters(
        "pogu_api_server_received_bytes",
        "Bytes of answers",
        figures(|it| it.counts.bytes),
    )?;
    page.counters(
        "pogu_api_server_failures",
        "Requests without a good answer, by what was wrong",
        state.collections.iter().flat_map(|it| {
            it.counts.failures.iter().map(|(kind, count)| {
                ([("resource", it.name.clone()), ("reason", (*kind).to_owned())], *count)
            })
        }),
    )
}

fn since(trouble: Option<&Trouble>) -> f64 {
    let since = trouble.and_then(|it| it.since.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.map_or(0.0, |since| since.as_secs_f64())
}
