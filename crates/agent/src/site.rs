//! Who answers what? One variant for each thing that listens.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::SystemTime;

use ::watch::ApiServerStatus;
use hyper::{Method, StatusCode, Uri};
use model::{Family, ServiceName};
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use crate::announcing::AnnouncedState;
use crate::cluster_dns::DnsView;
use crate::config::Config;
use crate::event::Event;
use crate::health::{Health, healthz, livez, service_health};
use crate::metrics::Metrics;
use crate::published::Published;
use crate::query;
use serve::Answer;

#[derive(Debug)]
pub(crate) enum Site {
    /// `/healthz` and `/livez`, for load balancers and liveness probes.
    Health(View, Arc<Metrics>),
    /// The health check node port of one Service, on an address of a family.
    ServiceHealth(View, ServiceName, Family),
    /// `/metrics` and what is asked beside it.
    Metrics(View, Arc<Metrics>),
    /// `/health`, `/ready` and `/metrics` of a DNS that runs alone.
    Names(View, Arc<Metrics>),
    /// What the agent holds, for `pogu get`, and what it foretells, for `pogu explain`.
    Query(View, SyncSender<Event>),
}

/// What every site sees: the published value and the configuration.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) config: Arc<Config>,
    pub(crate) published: watch::Receiver<Arc<Published>>,
    /// Absent where no DNS is served.
    pub(crate) dns: Option<DnsView>,
    /// Absent where the objects come from elsewhere.
    pub(crate) api_server: Option<ApiServerStatus>,
    /// Absent where no address is announced.
    pub(crate) announced: Option<watch::Receiver<Arc<AnnouncedState>>>,
}

impl View {
    pub(crate) fn published(&self) -> Arc<Published> {
        Arc::clone(&self.published.borrow())
    }

    fn health(&self, now: SystemTime) -> Health {
        let config = &self.config;
        Health::of(&self.published(), &config.node_name, config.sync_period, now)
    }
}

impl serve::Site for Site {
    async fn answer(&self, method: &Method, uri: &Uri) -> Answer {
        let now = now();
        let is_read = matches!(*method, Method::GET | Method::HEAD);
        match self {
            Self::ServiceHealth(view, service, family) => {
                let is_well = view.health(now).is_dataplane_well();
                let check = view.published().health_checks.of(service);
                let here = check.and_then(|check| *check.local_endpoints.get(*family));
                here.map_or_else(
                    || Answer::text(StatusCode::NOT_FOUND, format!("no such Service: {service}\n")),
                    |here| service_health(service, here, is_well),
                )
            }
            Self::Health(..) | Self::Metrics(..) | Self::Names(..) | Self::Query(..)
                if !is_read =>
            {
                Answer::text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n")
            }
            Self::Health(view, metrics) => match uri.path() {
                "/healthz" => {
                    let answer = healthz(view.health(now), now);
                    metrics.count_healthz(answer.status);
                    answer
                }
                "/livez" => {
                    let answer = livez(view.health(now), now);
                    metrics.count_livez(answer.status);
                    answer
                }
                "/health" => health(),
                "/ready" => ready(view),
                "/readyz" => readyz(view),
                _ => Answer::not_found(&["/healthz", "/livez", "/readyz", "/health", "/ready"]),
            },
            Self::Names(view, metrics) => match uri.path() {
                "/health" => health(),
                "/ready" => ready(view),
                "/readyz" => readyz(view),
                "/metrics" => {
                    let (view, metrics) = (view.clone(), Arc::clone(metrics));
                    beside(move || metrics.answer_names(&view, now)).await
                }
                _ => Answer::not_found(&["/health", "/ready", "/readyz", "/metrics"]),
            },
            Self::Metrics(view, metrics) => match uri.path() {
                "/metrics" => {
                    let measurement = metrics.measure().await;
                    let (view, metrics) = (view.clone(), Arc::clone(metrics));
                    beside(move || metrics.answer(&view, measurement, now)).await
                }
                "/proxyMode" => Answer::text(StatusCode::OK, "nftables"),
                "/healthz" => Answer::text(StatusCode::OK, "ok"),
                "/configz" => Answer::value(&view.config.to_json()),
                _ => Answer::not_found(&["/metrics", "/proxyMode", "/healthz", "/configz"]),
            },
            Self::Query(view, core) if uri.path() == query::EXPLAIN => {
                query::explain_answer(view, core, uri.query().map(str::to_owned)).await
            }
            Self::Query(view, _) => {
                let (view, uri) = (view.clone(), uri.clone());
                beside(move || query::answer(&view, &uri)).await
            }
        }
    }
}

/// The process answers: that is all that whoever asks wants to know.
fn health() -> Answer {
    Answer::text(StatusCode::OK, "OK")
}

/// Whether the cluster has been read, so that its names may be denied.
fn ready(view: &View) -> Answer {
    match &view.dns {
        Some(dns) if dns.state().is_ready => Answer::text(StatusCode::OK, "OK"),
        Some(_) => {
            Answer::text(StatusCode::SERVICE_UNAVAILABLE, "the cluster has not been read yet\n")
        }
        None => Answer::text(StatusCode::NOT_FOUND, "no DNS is served here\n"),
    }
}

/// Whether the cluster has been read once, and since when changes are not heard of. Who cannot hear
/// of changes goes on with what is known, and so does whoever asks here.
fn readyz(view: &View) -> Answer {
    let is_read = view.published().status.synced;
    let state = view.api_server.as_ref().map(ApiServerStatus::state).unwrap_or_default();
    let mut text = if is_read { "ok\n" } else { "the cluster has not been read yet\n" }.to_owned();
    let troubles = state.collections.iter().filter_map(|it| it.trouble.as_ref());
    for trouble in state.away.iter().chain(troubles) {
        let since = host::rfc3339::format(trouble.since);
        text.extend(["since ", &since, ": ", &trouble.reason, "\n"]);
    }
    let status = if is_read { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Answer::text(status, text)
}

/// Makes a long answer on a thread of its own, so that `/healthz` need not wait for it.
async fn beside(answer: impl FnOnce() -> Answer + Send + 'static) -> Answer {
    spawn_blocking(answer).await.unwrap_or_else(|error| {
        tracing::error!(%error, "making an answer broke");
        Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n")
    })
}

#[expect(clippy::disallowed_methods, reason = "a server asks for the time of its answers")]
fn now() -> SystemTime {
    SystemTime::now()
}
