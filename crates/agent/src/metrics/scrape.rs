//! Which figures are made new for each scrape, and how are they written?

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use watch::ApiServerState;

use super::dns::Scaled;
use super::process::Process;
use super::{announcing, api_server, dns, process, state, traffic};
use crate::announcing::AnnouncedState;
use crate::cluster_dns::DnsView;
use crate::measurement::Measurement;
use crate::published::Published;

/// One moment: what the core published, what the kernel counted, what the process uses.
#[derive(Debug)]
pub(super) struct Scrape {
    /// Absent where names are all.
    pub(super) dataplane: Option<(Arc<Published>, Measurement)>,
    pub(super) dns: Option<DnsView>,
    /// Absent where the objects come from elsewhere.
    pub(super) api_server: Option<ApiServerState>,
    /// Absent where no address is announced.
    pub(super) announced: Option<Arc<AnnouncedState>>,
    /// Absent when it cannot be read.
    pub(super) process: Option<Process>,
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        if let Some((published, measurement)) = &self.dataplane {
            state::write(&mut page, published)?;
            traffic::write(&mut page, measurement)?;
        }
        page.gauges(
            "pogu_build_info",
            "The version that runs",
            std::iter::once(([("version", env!("CARGO_PKG_VERSION"))], 1_u64)),
        )?;
        if let Some(state) = &self.announced {
            announcing::write(&mut page, state)?;
        }
        if let Some(state) = &self.api_server {
            api_server::write(&mut page, state)?;
        }
        if let Some(view) = &self.dns {
            dns::write(&mut page, view)?;
        }
        self.process.map_or(Ok(()), |process| process::write(&mut page, process))
    }
}

/// The page that is being written, one metric after the other.
pub(super) struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    /// A metric with one figure. Counters get their `_total` from the encoder.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.metric(name, help, MetricType::Counter)?
            .encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    pub(super) fn counter_f64(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        self.metric(name, help, MetricType::Counter)?
            .encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    pub(super) fn gauge(
        &mut self,
        name: &str,
        help: &str,
        value: impl EncodeGaugeValue,
    ) -> fmt::Result {
        self.metric(name, help, MetricType::Gauge)?.encode_gauge(&value)
    }

    pub(super) fn counters<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        figures: impl Iterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let mut metric = self.metric(name, help, MetricType::Counter)?;
        for (labels, value) in figures {
            metric.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    pub(super) fn gauges<L: EncodeLabelSet, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        figures: impl Iterator<Item = (L, V)>,
    ) -> fmt::Result {
        let mut metric = self.metric(name, help, MetricType::Gauge)?;
        for (labels, value) in figures {
            metric.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    pub(super) fn histograms<'b, L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        figures: impl Iterator<Item = (L, Scaled<'b>)>,
    ) -> fmt::Result {
        let mut metric = self.metric(name, help, MetricType::Histogram)?;
        for (labels, scaled) in figures {
            let (sum, count, ranges) = scaled.figures();
            let mut one = metric.encode_family(&labels)?;
            one.encode_histogram::<NoLabelSet>(sum, count, &ranges, None)?;
        }
        Ok(())
    }

    fn metric<'s>(
        &'s mut self,
        name: &'s str,
        help: &str,
        kind: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        self.0.encode_descriptor(name, help, None, kind)
    }
}
