//! Which flows must the kernel forget, because they lead to an endpoint that is no more?
//!
//! A UDP or SCTP flow has no end that the kernel sees, and while it is remembered its packets go
//! where they went before. TCP is left alone: a connection to an endpoint that is gone ends itself.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use model::{Frontend, NodePort, NodeService, Protocol, ServiceChange};

/// Flows of one frontend: all but those to these endpoints must go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StaleFlows {
    pub frontend: Frontend,
    pub keep: BTreeSet<SocketAddr>,
}

/// What a change leaves behind. Flows to endpoints that still serve stay, whatever policies and
/// topology say now: a flow is not moved without need.
#[must_use]
pub fn stale_flows(change: &ServiceChange) -> Vec<StaleFlows> {
    let new = change.new.as_deref().map(flows_of).unwrap_or_default();
    let old = change.old.as_deref().map(flows_of).unwrap_or_default();
    let is_gone = |flows: &StaleFlows| new.iter().all(|kept| kept.frontend != flows.frontend);
    let gone = old
        .iter()
        .filter(|flows| is_gone(flows))
        .map(|flows| StaleFlows { frontend: flows.frontend, keep: BTreeSet::new() });
    let mut stale: Vec<StaleFlows> = gone.collect();
    stale.extend(new.iter().filter(|flows| !old.contains(flows)).cloned());
    stale.sort();
    stale
}

/// The frontends of a Service whose flows have no end, with the endpoints that serve.
fn flows_of(service: &NodeService) -> Vec<StaleFlows> {
    let endless = service.ports.iter().filter(|port| port.protocol != Protocol::Tcp);
    endless
        .flat_map(|port| {
            let keep = serving(service, port);
            let frontends = port.frontends.iter();
            frontends.map(move |known| StaleFlows { frontend: known.frontend, keep: keep.clone() })
        })
        .collect()
}

fn serving(service: &NodeService, port: &NodePort) -> BTreeSet<SocketAddr> {
    let same =
        |known: &&model::ServicePort| known.name == port.name && known.protocol == port.protocol;
    let Some(known) = service.service.ports.iter().find(same) else { return BTreeSet::new() };
    let endpoints = known.endpoints.get(port.family).iter();
    endpoints
        .filter(|endpoint| endpoint.ready || endpoint.serving)
        .map(|endpoint| endpoint.address)
        .collect()
}
