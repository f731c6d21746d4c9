//! How long did it take from an event until names were answered by it?

use std::time::{Duration, Instant, SystemTime};

use model::{ServiceKind, ServiceTable};
use nameserver::Buckets;

use crate::heard::Recent;

/// Upper bounds as CoreDNS has them, in microseconds: from a millisecond, doubled each time.
const SINCE_TRIGGER_US: [u64; 20] = {
    let mut bounds = [1_000; 20];
    let mut at = 1;
    while at < bounds.len() {
        bounds[at] = bounds[at - 1] * 2;
        at += 1;
    }
    bounds
};

/// Upper bounds of what the agent itself takes, in microseconds.
const SINCE_EVENT_US: [u64; 16] = [
    50, 100, 250, 500, 1_000, 2_000, 3_000, 5_000, 7_500, 10_000, 20_000, 50_000, 100_000, 250_000,
    500_000, 1_000_000,
];

/// Histograms of times to the first answer by what an event said, in microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Programming {
    /// From what an EndpointSlice of a Service with an address shows.
    pub(crate) cluster_ip: Buckets,
    /// The same of one without. Nobody but a selector's controller writes when that happened.
    pub(crate) headless: Buckets,
    /// From when a batch of events came to the core.
    pub(crate) since_event: Buckets,
    /// The last generation whose events are counted.
    seen: u64,
}

impl Default for Programming {
    fn default() -> Self {
        Self {
            cluster_ip: empty(&SINCE_TRIGGER_US),
            headless: empty(&SINCE_TRIGGER_US),
            since_event: empty(&SINCE_EVENT_US),
            seen: 0,
        }
    }
}

impl Programming {
    /// Names are answered by `table` from `now` on, whose generation this is.
    pub(super) fn answered(
        &mut self,
        (table, generation): (&ServiceTable, u64),
        recent: &Recent,
        (now, wall): (Instant, SystemTime),
    ) {
        for heard in recent.after(self.seen) {
            for came in &heard.batches {
                observe(&mut self.since_event, now.saturating_duration_since(*came));
            }
            for (name, trigger) in &heard.triggers {
                let service = table.services.get(name);
                let of_kind = match service.map(|it| (&it.kind, it.cluster_ips.is_empty())) {
                    None | Some((ServiceKind::ExternalName(_), _)) => continue,
                    Some((_, true)) => &mut self.headless,
                    Some((_, false)) => &mut self.cluster_ip,
                };
                // A clock that goes back gives no time.
                if let Ok(took) = wall.duration_since(*trigger) {
                    observe(of_kind, took);
                }
            }
        }
        self.seen = self.seen.max(generation);
    }
}

fn empty(bounds: &'static [u64]) -> Buckets {
    Buckets { bounds, counts: vec![0; bounds.len() + 1], sum: 0 }
}

fn observe(buckets: &mut Buckets, took: Duration) {
    let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let place = buckets.bounds.partition_point(|bound| *bound < us);
    if let Some(count) = buckets.counts.get_mut(place) {
        *count += 1;
    }
    buckets.sum = buckets.sum.saturating_add(us);
}

#[cfg(test)]
mod tests {
    use ingest::Touched;
    use model::ServiceName;

    use super::*;
    use crate::heard::Hearing;
    use crate::tests::cluster::{applied, published};

    const SERVICES: &str = "
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.10, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: peers, namespace: shop}
spec: {clusterIP: None, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: away, namespace: shop}
spec: {type: ExternalName, externalName: www.example.com}
";

    /// Where each time was counted, by the upper bounds.
    fn seen(buckets: &Buckets) -> Vec<(u64, u64)> {
        let bounds = buckets.bounds.iter().copied().chain([u64::MAX]);
        bounds.zip(buckets.counts.iter().copied()).filter(|(_, count)| *count > 0).collect()
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "some moment to count from")]
    fn times_are_counted_once_by_the_kind_of_the_service() {
        let table = published(SERVICES, "192.168.0.1", applied()).table;
        let (began, started) = (Instant::now(), SystemTime::UNIX_EPOCH);
        let ms = Duration::from_millis;
        let mut hearing = Hearing::default();
        hearing.batch(began);
        hearing.batch(began + ms(3));
        let mut trigger = |name: &str, at| {
            let services = vec![ServiceName::new("shop", name)];
            hearing.touched(&Touched { services, trigger: Some(started + at) }, started);
        };
        trigger("web", ms(1_000));
        trigger("peers", ms(1_990));
        trigger("peers", ms(1_999));
        trigger("away", ms(1_990));
        trigger("gone", ms(1_990));
        // By the clock of the one who wrote it, that is yet to come.
        trigger("web", ms(3_000));
        hearing.published(7);
        let mut programming = Programming::default();
        let now = (began + ms(5), started + ms(2_000));
        for _ in 0..2 {
            programming.answered((&table, 7), hearing.recent(), now);
        }
        assert_eq!(seen(&programming.since_event), [(2_000, 1), (5_000, 1)]);
        assert_eq!(programming.since_event.sum, 7_000);
        assert_eq!(seen(&programming.cluster_ip), [(1_024_000, 1)]);
        assert_eq!(seen(&programming.headless), [(1_000, 1), (16_000, 1)]);
        assert_eq!(programming.headless.sum, 11_000);
    }
}
