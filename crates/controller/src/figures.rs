//! What does a controller tell of itself in numbers?

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Written by the loop, read by scrapes.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) is_leading: AtomicBool,
    pub(crate) is_synced: AtomicBool,
    /// Objects of which something was left out.
    pub(crate) problems: AtomicU64,
    pub(crate) untold: AtomicU64,
    pub(crate) conditions_written: AtomicU64,
    pub(crate) events_written: AtomicU64,
    pub(crate) addresses_written: AtomicU64,
    /// Services that did not get all that they ask for.
    pub(crate) waiting_services: AtomicU64,
    pub(crate) failures: AtomicU64,
}

#[derive(Debug)]
pub(crate) struct Scrape(pub(crate) Arc<Figures>);

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let figures = &self.0;
        let read = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        let gauges = [
            (
                "pogu_controller_leading",
                "Whether this one acts",
                u64::from(figures.is_leading.load(Ordering::Relaxed)),
            ),
            (
                "pogu_controller_problems",
                "Parts that were left out of objects",
                read(&figures.problems),
            ),
            (
                "pogu_controller_untold_problems",
                "Those for which no Event was written for want of room",
                read(&figures.untold),
            ),
            (
                "pogu_controller_waiting_services",
                "Services that did not get all load balancer addresses that they ask for",
                read(&figures.waiting_services),
            ),
        ];
        for (name, help, value) in gauges {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(value).encode(metric)?;
        }
        let counters = [
            (
                "pogu_controller_conditions_written",
                "Conditions of Services written or taken away",
                read(&figures.conditions_written),
            ),
            (
                "pogu_controller_events_written",
                "Events written or counted up",
                read(&figures.events_written),
            ),
            (
                "pogu_controller_addresses_written",
                "Statuses and finalizers written for load balancer addresses",
                read(&figures.addresses_written),
            ),
            (
                "pogu_controller_write_failures",
                "Writings that the API server did not take",
                read(&figures.failures),
            ),
        ];
        for (name, help, value) in counters {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(value).encode(metric)?;
        }
        Ok(())
    }
}
