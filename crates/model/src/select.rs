//! Which endpoints of a Service port may this node use? The one place where readiness, topology
//! hints and the fallback to terminating endpoints are decided.
//!
//! The rules are those of kube-proxy's endpoint categories; every dataplane shares this function.

use std::sync::Arc;

use crate::endpoint::{Endpoint, Hints};
use crate::name::NodeName;

/// The endpoints that each traffic policy may use on one node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// For the policy Cluster; empty when `wants.cluster` was not asked.
    pub cluster: Arc<[Endpoint]>,
    /// For the policy Local; empty when `wants.local` was not asked.
    pub local: Arc<[Endpoint]>,
    /// A usable endpoint exists somewhere: tells a drop (not here) from a reject (nowhere).
    pub any: bool,
    pub topology: Topology,
}

/// How topology hints narrowed the choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Topology {
    /// Not at all: the hints are missing, incomplete, or name neither this node nor its zone.
    #[default]
    Ignored,
    SameZone,
    SameNode,
}

/// Which policies the Service port uses; the other set stays empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wants {
    pub cluster: bool,
    pub local: bool,
}

/// Selects among `endpoints` (sorted, unique) for a node and its zone.
#[must_use]
pub fn select(
    endpoints: &Arc<[Endpoint]>,
    wants: Wants,
    node: &NodeName,
    zone: Option<&str>,
) -> Selection {
    let mut selection = Selection::default();
    if wants.cluster {
        selection.topology = topology(endpoints, node, zone);
        let near = |endpoint: &Endpoint| {
            endpoint.ready && is_near(endpoint, selection.topology, node, zone)
        };
        selection.cluster = first_non_empty(endpoints, &near, &Endpoint::is_draining);
        selection.any = !selection.cluster.is_empty();
    }
    if wants.local {
        let here_ready = |endpoint: &Endpoint| endpoint.ready && endpoint.is_on(node);
        let here_draining = |endpoint: &Endpoint| endpoint.is_draining() && endpoint.is_on(node);
        selection.local = first_non_empty(endpoints, &here_ready, &here_draining);
        selection.any |= endpoints.iter().any(|endpoint| endpoint.ready || endpoint.is_draining());
    }
    selection
}

/// The endpoints that pass `preferred`; when there are none, those that pass `fallback`.
fn first_non_empty(
    endpoints: &Arc<[Endpoint]>,
    preferred: &dyn Fn(&Endpoint) -> bool,
    fallback: &dyn Fn(&Endpoint) -> bool,
) -> Arc<[Endpoint]> {
    let chosen = keep(endpoints, preferred);
    if chosen.is_empty() { keep(endpoints, fallback) } else { chosen }
}

/// Keeps the endpoints that pass; shares the list when all of them do, which is the common case.
fn keep(endpoints: &Arc<[Endpoint]>, passes: &dyn Fn(&Endpoint) -> bool) -> Arc<[Endpoint]> {
    if endpoints.iter().all(passes) {
        Arc::clone(endpoints)
    } else {
        endpoints.iter().filter(|endpoint| passes(endpoint)).cloned().collect()
    }
}

/// Hints count only when every ready endpoint has one of the kind and at least one names us.
fn topology(endpoints: &[Endpoint], node: &NodeName, zone: Option<&str>) -> Topology {
    let ready_hints = || {
        endpoints.iter().filter(|endpoint| endpoint.ready).map(|endpoint| endpoint.hints.as_deref())
    };
    let usable = |has: &dyn Fn(&Hints) -> bool, names_us: &dyn Fn(&Hints) -> bool| {
        ready_hints().all(|hints| hints.is_some_and(has)) && ready_hints().flatten().any(names_us)
    };
    if usable(&|hints| !hints.nodes.is_empty(), &|hints| hints.nodes.contains(node)) {
        return Topology::SameNode;
    }
    match zone {
        Some(zone)
            if usable(&|hints| !hints.zones.is_empty(), &|hints| hints.zones.contains(zone)) =>
        {
            Topology::SameZone
        }
        _ => Topology::Ignored,
    }
}

fn is_near(endpoint: &Endpoint, topology: Topology, node: &NodeName, zone: Option<&str>) -> bool {
    let hints = endpoint.hints.as_deref();
    match topology {
        Topology::Ignored => true,
        Topology::SameNode => hints.is_some_and(|hints| hints.nodes.contains(node)),
        Topology::SameZone => {
            hints.zip(zone).is_some_and(|(hints, zone)| hints.zones.contains(zone))
        }
    }
}
