//! What does the core report about its own work?
//!
//! The names are kube-proxy's where it has one for the thing, so that its dashboards and alerts
//! work; what only pogu counts is called `pogu_`.

use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use model::Family;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family as Labelled;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Handles to the agent's own counters. A copy counts into the same ones.
#[derive(Debug, Clone)]
pub struct Recorder {
    apply_s: ByIpFamily<Histogram>,
    apply_full_s: ByIpFamily<Histogram>,
    apply_partial_s: ByIpFamily<Histogram>,
    last_applied_s: ByIpFamily<Gauge<f64, AtomicU64>>,
    last_queued_s: ByIpFamily<Gauge<f64, AtomicU64>>,
    programming_s: ByIpFamily<Histogram>,
    service_changes: ByIpFamily<Counter>,
    endpoint_changes: ByIpFamily<Counter>,
    apply_failures: ByIpFamily<Counter>,
    cleanup_failures: ByIpFamily<Counter>,
    conntrack_s: ByIpFamily<Histogram>,
    conntrack_deleted: ByIpFamily<Counter>,
    operations: Counter,
    drift_repaired: Counter,
}

type ByIpFamily<T> = Labelled<IpFamily, T, fn() -> T>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct IpFamily {
    ip_family: &'static str,
}

/// One transaction that the kernel acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Apply {
    /// It set everything anew, or only what differed.
    pub full: bool,
    pub took: Duration,
    pub at: SystemTime,
    /// Set elements and rules that it changed.
    pub operations: u64,
}

impl Recorder {
    /// Registers everything it counts.
    #[must_use]
    pub fn new(registry: &mut Registry) -> Self {
        let recorder = Self {
            apply_s: Labelled::new_with_constructor(apply_histogram),
            apply_full_s: Labelled::new_with_constructor(apply_histogram),
            apply_partial_s: Labelled::new_with_constructor(apply_histogram),
            last_applied_s: Labelled::new_with_constructor(Gauge::default),
            last_queued_s: Labelled::new_with_constructor(Gauge::default),
            programming_s: Labelled::new_with_constructor(programming_histogram),
            service_changes: Labelled::new_with_constructor(Counter::default),
            endpoint_changes: Labelled::new_with_constructor(Counter::default),
            apply_failures: Labelled::new_with_constructor(Counter::default),
            cleanup_failures: Labelled::new_with_constructor(Counter::default),
            conntrack_s: Labelled::new_with_constructor(apply_histogram),
            conntrack_deleted: Labelled::new_with_constructor(Counter::default),
            operations: Counter::default(),
            drift_repaired: Counter::default(),
        };
        recorder.register_kube_proxy(registry.sub_registry_with_prefix("kubeproxy"));
        recorder.register_own(registry.sub_registry_with_prefix("pogu"));
        recorder.show_zeros();
        recorder
    }

    fn register_kube_proxy(&self, to: &mut Registry) {
        let rules = to.sub_registry_with_prefix("sync_proxy_rules");
        rules.register(
            "duration_seconds",
            "Time of a transaction, to the kernel's acknowledgement",
            self.apply_s.clone(),
        );
        rules.register(
            "last_timestamp_seconds",
            "When the kernel last acknowledged a transaction",
            self.last_applied_s.clone(),
        );
        rules.register(
            "last_queued_timestamp_seconds",
            "When a change last came that the kernel must have",
            self.last_queued_s.clone(),
        );
        rules.register(
            "service_changes",
            "Changes of Services that touched this node's decisions",
            self.service_changes.clone(),
        );
        rules.register(
            "endpoint_changes",
            "Changes of endpoints that touched this node's decisions",
            self.endpoint_changes.clone(),
        );
        rules.register(
            "nftables_sync_failures",
            "Transactions that the kernel refused",
            self.apply_failures.clone(),
        );
        // Always zero: what is stale goes in the transaction that replaces it.
        rules.register(
            "nftables_cleanup_failures",
            "Removals of stale tables that the kernel refused",
            self.cleanup_failures.clone(),
        );
        to.register(
            "sync_full_proxy_rules_duration_seconds",
            "Time of a transaction that sets everything anew",
            self.apply_full_s.clone(),
        );
        to.register(
            "sync_partial_proxy_rules_duration_seconds",
            "Time of a transaction that sets what differs",
            self.apply_partial_s.clone(),
        );
        to.register(
            "network_programming_duration_seconds",
            "From the change of a Pod or Service to the kernel's acknowledgement",
            self.programming_s.clone(),
        );
        to.register(
            "conntrack_reconciler_sync_duration_seconds",
            "Time of removing stale connection tracking entries",
            self.conntrack_s.clone(),
        );
        to.register(
            "conntrack_reconciler_deleted_entries",
            "Connection tracking entries removed because they were stale",
            self.conntrack_deleted.clone(),
        );
    }

    fn register_own(&self, to: &mut Registry) {
        to.register(
            "apply_operations",
            "Set elements and rules that transactions changed",
            self.operations.clone(),
        );
        to.register(
            "drift_repaired",
            "How often the table was found changed by others, and repaired",
            self.drift_repaired.clone(),
        );
    }

    /// A counter that never counted reads zero, so that its first increase is seen as one.
    fn show_zeros(&self) {
        for family in Family::ALL {
            let label = label(family);
            for counters in [
                &self.service_changes,
                &self.endpoint_changes,
                &self.apply_failures,
                &self.cleanup_failures,
                &self.conntrack_deleted,
            ] {
                drop(counters.get_or_create(&label));
            }
        }
    }

    /// Changes came that the kernel must have. The numbers are per family: Services and endpoints.
    pub fn queued(&self, family: Family, services: u64, endpoints: u64, at: SystemTime) {
        let label = label(family);
        self.last_queued_s.get_or_create(&label).set(seconds_since_1970(at));
        self.service_changes.get_or_create(&label).inc_by(services);
        self.endpoint_changes.get_or_create(&label).inc_by(endpoints);
    }

    /// The kernel acknowledged a transaction that touched these families.
    pub fn applied(&self, families: &[Family], apply: Apply) {
        let took_s = apply.took.as_secs_f64();
        let apart = if apply.full { &self.apply_full_s } else { &self.apply_partial_s };
        for &family in families {
            let label = label(family);
            self.apply_s.get_or_create(&label).observe(took_s);
            apart.get_or_create(&label).observe(took_s);
            self.last_applied_s.get_or_create(&label).set(seconds_since_1970(apply.at));
        }
        self.operations.inc_by(apply.operations);
    }

    /// How long it took from the change of a Pod or Service until the kernel had it.
    pub fn programmed(&self, family: Family, latency: Duration) {
        self.programming_s.get_or_create(&label(family)).observe(latency.as_secs_f64());
    }

    /// The kernel refused a transaction.
    pub fn apply_failed(&self, families: &[Family]) {
        for &family in families {
            self.apply_failures.get_or_create(&label(family)).inc();
        }
    }

    /// Stale connection tracking entries were removed.
    pub fn conntrack_cleaned(&self, family: Family, took: Duration, deleted: u64) {
        let label = label(family);
        self.conntrack_s.get_or_create(&label).observe(took.as_secs_f64());
        self.conntrack_deleted.get_or_create(&label).inc_by(deleted);
    }

    /// The table was found changed by others, and is right again.
    pub fn drift_repaired(&self) {
        self.drift_repaired.inc();
    }
}

const fn label(family: Family) -> IpFamily {
    IpFamily { ip_family: family.as_str() }
}

fn seconds_since_1970(at: SystemTime) -> f64 {
    at.duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// kube-proxy's buckets, and below its first the ones in which we mostly are.
fn apply_histogram() -> Histogram {
    let fine = [0.000_062_5, 0.000_125, 0.000_25, 0.000_5];
    let kube_proxy = (0..15).map(|doublings| 0.001 * f64::from(1_u32 << doublings));
    Histogram::new(fine.into_iter().chain(kube_proxy))
}

/// kube-proxy's buckets up to five minutes, and below its first the ones in which we mostly are.
fn programming_histogram() -> Histogram {
    let fine = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5];
    let steps = (1..60).chain((60..120).step_by(5)).chain((120..=300).step_by(30));
    Histogram::new(fine.into_iter().chain(steps.map(f64::from)))
}

/// Used where a reader needs a `Recorder` and nobody scrapes.
impl Default for Recorder {
    fn default() -> Self {
        Self::new(&mut Registry::default())
    }
}
