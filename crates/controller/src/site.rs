//! What does a controller answer to those who look after it?

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper::{Method, StatusCode, Uri};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use serve::Answer;

use crate::figures::{Figures, Scrape};

const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug)]
pub(crate) struct Site(pub(crate) Arc<Figures>);

impl serve::Site for Site {
    async fn answer(&self, method: &Method, uri: &Uri) -> Answer {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return Answer::text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        }
        match uri.path() {
            // One that does not act is as well as one that does.
            "/healthz" | "/livez" => Answer::text(StatusCode::OK, "ok"),
            "/readyz" if self.0.is_synced.load(Ordering::Relaxed) => {
                Answer::text(StatusCode::OK, "ok")
            }
            "/readyz" => {
                let says = "the cluster has not been read yet\n";
                Answer::text(StatusCode::SERVICE_UNAVAILABLE, says)
            }
            "/metrics" => self.metrics(),
            _ => Answer::not_found(&["/healthz", "/livez", "/readyz", "/metrics"]),
        }
    }
}

impl Site {
    fn metrics(&self) -> Answer {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Scrape(Arc::clone(&self.0))));
        let mut page = String::new();
        match encode(&mut page, &registry) {
            Ok(()) => Answer::new(StatusCode::OK, METRICS_TYPE, page),
            Err(error) => Answer::text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }
}
