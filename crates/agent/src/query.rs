//! What does the agent hold, for whoever asks on its socket?
//!
//! The answers are objects in the API's manner, so that they can be shown as they are.

use hyper::Uri;
use model::ServiceName;

use crate::site::View;
use serve::Answer;

mod address;
mod api_server;
mod client;
mod dns_failure;
mod endpoint;
mod explained;
mod frontend;
mod metadata;
mod pool;
mod service;
mod status;

pub use address::Address;
pub(crate) use address::role;
pub use api_server::{ApiServerView, ResourceView, TroubleView};
pub use client::{AskError, Reply, ask, explain, get};
pub use dns_failure::DnsFailure;
pub use endpoint::{Conditions, Endpoint, ForName, Hints};
pub use explained::CLUSTER_DOMAIN;
pub(crate) use explained::answer as explain_answer;
pub use frontend::{Frontend, Outcome};
pub use metadata::Metadata;
pub use pool::{Fill, Pool};
pub use service::{
    Affinity, ClientIp, EndpointCount, Ingress, LoadBalancer, Service, ServicePort, ServiceSpec,
    ServiceStatus,
};
pub use status::{AppliedView, DnsStatusView, FailingView, RejectionView, StatusView};

/// What can be asked for, as the last part of the path.
pub const SERVICES: &str = "/v1/services";
pub const ENDPOINTS: &str = "/v1/endpoints";
pub const FRONTENDS: &str = "/v1/frontends";
pub const STATUS: &str = "/v1/status";
pub const DNS_FAILURES: &str = "/v1/dns-failures";
pub const ADDRESSES: &str = "/v1/addresses";
pub const POOLS: &str = "/v1/pools";

/// What will happen to a request; the query is a `Question`, the answer a `Trace`.
pub const EXPLAIN: &str = "/explain";

/// Answers from one published value; `?namespace=` and `?name=` narrow the Services.
pub(crate) fn answer(view: &View, uri: &Uri) -> Answer {
    let published = &*view.published();
    let wanted = Wanted::of(uri.query().unwrap_or(""));
    match uri.path() {
        SERVICES => Answer::value(&service::list(published, wanted)),
        ENDPOINTS => Answer::value(&endpoint::list(published, wanted)),
        FRONTENDS => Answer::value(&frontend::list(published, wanted)),
        STATUS => Answer::value(&StatusView::of(view)),
        DNS_FAILURES => Answer::value(&dns_failure::list(view)),
        ADDRESSES => Answer::value(&address::list(view, wanted, host::clock::wall())),
        POOLS => Answer::value(&pool::list(&published.table)),
        _ => Answer::not_found(&[
            SERVICES,
            ENDPOINTS,
            FRONTENDS,
            STATUS,
            DNS_FAILURES,
            ADDRESSES,
            POOLS,
            EXPLAIN,
        ]),
    }
}

/// The Services that a request means. Names hold no sign that a query string would escape.
#[derive(Debug, Clone, Copy, Default)]
struct Wanted<'a> {
    namespace: Option<&'a str>,
    name: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    fn of(query: &'a str) -> Self {
        let mut wanted = Self::default();
        for pair in query.split('&') {
            match pair.split_once('=') {
                Some(("namespace", value)) => wanted.namespace = Some(value),
                Some(("name", value)) => wanted.name = Some(value),
                Some(_) | None => {}
            }
        }
        wanted
    }

    fn has(self, service: &ServiceName) -> bool {
        self.namespace.is_none_or(|namespace| *service.namespace == *namespace)
            && self.name.is_none_or(|name| *service.name == *name)
    }
}
