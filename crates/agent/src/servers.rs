//! What listens, and where?

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use ::watch::ApiServerStatus;
use serve::{Listener, Stop, listen, listen_if_possible, serve};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::announcing::AnnouncedState;
use crate::cluster_dns::DnsView;
use crate::config::{Config, Listen};
use crate::event::Event;
use crate::failure::Failure;
use crate::health_check_ports::HealthCheckPorts;
use crate::metrics::Metrics;
use crate::published::Published;
use crate::recorder::Recorder;
use crate::site::{Site, View};
use crate::socket;

/// All servers, not yet listening.
#[derive(Debug, Clone)]
pub(crate) struct Servers {
    view: View,
    metrics: Arc<Metrics>,
    core: SyncSender<Event>,
}

/// All servers, listening: a client that connects now waits until they run.
#[derive(Debug)]
pub(crate) struct Listening {
    servers: Servers,
    healthz: Vec<TcpListener>,
    metrics: Vec<TcpListener>,
    names: Vec<TcpListener>,
    query: UnixListener,
}

impl Servers {
    pub(crate) fn new(
        config: Arc<Config>,
        published: watch::Receiver<Arc<Published>>,
        dns: Option<DnsView>,
        core: SyncSender<Event>,
    ) -> Self {
        let metrics = Arc::new(Metrics::new(core.clone()));
        Self {
            view: View { config, published, dns, api_server: None, announced: None },
            metrics,
            core,
        }
    }

    /// Shows how the connection to the API server is.
    pub(crate) fn with_api_server(mut self, status: Option<ApiServerStatus>) -> Self {
        self.view.api_server = status;
        self
    }

    /// Shows which addresses are announced.
    pub(crate) fn with_announced(
        mut self,
        state: Option<watch::Receiver<Arc<AnnouncedState>>>,
    ) -> Self {
        self.view.announced = state;
        self
    }

    /// Handles to the counters of the core's own work.
    pub(crate) fn recorder(&self) -> Recorder {
        self.metrics.recorder()
    }

    /// Opens every fixed address, inside a runtime.
    pub(crate) fn listen(&self) -> Result<Listening, Failure> {
        let config = &self.view.config;
        Ok(Listening {
            // First, since it tells whether another agent runs.
            query: socket::open(&config.socket)?,
            healthz: listen_all("/healthz", &config.healthz)?,
            metrics: listen_all("/metrics", &config.metrics)?,
            names: listen_all("/health, /ready and /metrics", &config.names_http)?,
            servers: self.clone(),
        })
    }
}

impl Listening {
    /// Serves until the end.
    pub(crate) async fn run(self, stop: Stop) {
        let Servers { view, metrics, core } = self.servers;
        let mut running = JoinSet::new();
        let health = Arc::new(Site::Health(view.clone(), Arc::clone(&metrics)));
        for listener in self.healthz {
            running.spawn(serve(Listener::Tcp(listener), Arc::clone(&health), stop.clone()));
        }
        let names = Arc::new(Site::Names(view.clone(), Arc::clone(&metrics)));
        for listener in self.names {
            running.spawn(serve(Listener::Tcp(listener), Arc::clone(&names), stop.clone()));
        }
        let metrics = Arc::new(Site::Metrics(view.clone(), metrics));
        for listener in self.metrics {
            running.spawn(serve(Listener::Tcp(listener), Arc::clone(&metrics), stop.clone()));
        }
        let query = Arc::new(Site::Query(view.clone(), core.clone()));
        running.spawn(serve(Listener::Unix(self.query), query, stop.clone()));
        running.spawn(HealthCheckPorts::new(view.clone(), core).run(stop));
        while let Some(ended) = running.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a server broke");
            }
        }
        if let Err(error) = std::fs::remove_file(&view.config.socket) {
            tracing::debug!(%error, "the socket was gone already");
        }
    }
}

fn listen_all(purpose: &'static str, all: &[Listen]) -> Result<Vec<TcpListener>, Failure> {
    let mut listeners = Vec::with_capacity(all.len());
    for one in all {
        let listening = if one.required {
            listen(one.address).map(Some)
        } else {
            listen_if_possible(one.address)
        };
        let failed = |source| Failure::Listen { purpose, address: one.address, source };
        listeners.extend(listening.map_err(failed)?);
    }
    Ok(listeners)
}
