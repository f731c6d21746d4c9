//! What does the agent tell Prometheus?

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, SystemTime};

use hyper::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tokio::sync::oneshot;
use tokio::time::timeout;
use watch::ApiServerStatus;

use crate::event::{Event, MeasureRequest};
use crate::measurement::{Measurement, Source};
use crate::recorder::Recorder;
use crate::site::View;
use serve::Answer;

mod announcing;
mod api_server;
mod dns;
mod process;
mod scrape;
mod state;
mod traffic;

use scrape::Scrape;

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How long a scrape waits for the core. Prometheus itself gives up after ten seconds.
const MEASURE_TIMEOUT: Duration = Duration::from_secs(2);

/// Everything that is counted here, and the way to what the kernel counts.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    recorder: Recorder,
    healthz: Family<Code, Counter>,
    livez: Family<Code, Counter>,
    core: SyncSender<Event>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: u16,
}

impl Metrics {
    pub(crate) fn new(core: SyncSender<Event>) -> Self {
        let mut registry = Registry::default();
        let recorder = Recorder::new(&mut registry);
        let (healthz, livez) = (Family::default(), Family::default());
        let kube_proxy = registry.sub_registry_with_prefix("kubeproxy");
        kube_proxy.register("proxy_healthz", "Answers of /healthz", healthz.clone());
        kube_proxy.register("proxy_livez", "Answers of /livez", livez.clone());
        Self { registry, recorder, healthz, livez, core }
    }

    pub(crate) fn recorder(&self) -> Recorder {
        self.recorder.clone()
    }

    pub(crate) fn count_healthz(&self, status: StatusCode) {
        self.healthz.get_or_create(&Code { code: status.as_u16() }).inc();
    }

    pub(crate) fn count_livez(&self, status: StatusCode) {
        self.livez.get_or_create(&Code { code: status.as_u16() }).inc();
    }

    /// What only the core can say for a scrape.
    pub(crate) async fn measure(&self) -> Measurement {
        let (sender, receiver) = oneshot::channel();
        let asked = self.core.try_send(Event::Measure(MeasureRequest(sender)));
        let answer = match asked {
            Ok(()) => timeout(MEASURE_TIMEOUT, receiver).await.ok().and_then(Result::ok),
            // The core is busy or gone.
            Err(_) => None,
        };
        answer
            .unwrap_or_else(|| Measurement { failed: vec![Source::Core], ..Measurement::default() })
    }

    /// The page of one scrape.
    pub(crate) fn answer(&self, view: &View, measurement: Measurement, now: SystemTime) -> Answer {
        let dataplane = Some((view.published(), measurement));
        page(Some(&self.registry), Scrape { dataplane, ..scrape(view, now) })
    }

    /// The page where there is no dataplane.
    pub(crate) fn answer_names(&self, view: &View, now: SystemTime) -> Answer {
        page(None, scrape(view, now))
    }
}

fn scrape(view: &View, now: SystemTime) -> Scrape {
    Scrape {
        dataplane: None,
        dns: view.dns.clone(),
        api_server: view.api_server.as_ref().map(ApiServerStatus::state),
        announced: view.announced.as_ref().map(|state| Arc::clone(&state.borrow())),
        process: process::read(now),
    }
}

fn page(registry: Option<&Registry>, scrape: Scrape) -> Answer {
    let text = || -> Result<String, fmt::Error> {
        let mut page = String::new();
        if let Some(registry) = registry {
            encode_registry(&mut page, registry)?;
        }
        let mut once = Registry::default();
        once.register_collector(Box::new(scrape));
        encode_registry(&mut page, &once)?;
        encode_eof(&mut page)?;
        Ok(page)
    };
    text().map_or_else(
        |error| Answer::text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        |page| Answer::new(StatusCode::OK, CONTENT_TYPE, page),
    )
}
