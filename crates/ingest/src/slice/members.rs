//! Which endpoints does a slice list?

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use model::{Endpoint, Family, Hints, NodeName};

use super::reject_excess;
use crate::address::parse_reachable;
use crate::api;
use crate::dns_name::{is_label, is_subdomain};
use crate::merge::{Entry, by_hostname};
use crate::names::Names;
use crate::report::{Report, quoted};

/// Endpoints of one slice: the API server's own bound. More are rejected.
const ENDPOINTS_PER_SLICE_MAX: usize = 1_000;

/// An endpoint before it has a port: all ports of a slice share the addresses.
pub(super) struct Member {
    index: usize,
    address: IpAddr,
    node: Option<NodeName>,
    ready: bool,
    serving: bool,
    terminating: bool,
    hints: Option<Arc<Hints>>,
    hostname: Option<Arc<str>>,
    pod: Option<Arc<str>>,
    zone: Option<Arc<str>>,
}

pub(super) fn members(
    object: &api::EndpointSlice,
    family: Family,
    names: &mut Names,
    report: &mut Report,
) -> Vec<Member> {
    let mut members = Vec::with_capacity(object.endpoints.len().min(ENDPOINTS_PER_SLICE_MAX));
    reject_excess("endpoints", object.endpoints.len(), ENDPOINTS_PER_SLICE_MAX, report);
    for (index, endpoint) in object.endpoints.iter().enumerate().take(ENDPOINTS_PER_SLICE_MAX) {
        let field = || format!("endpoints[{index}].addresses[0]");
        // Further addresses stand for the same endpoint: one is enough.
        let Some(text) = endpoint.addresses.first() else {
            report.reject(
                format!("endpoints[{index}].addresses"),
                "expected at least one address, found none",
            );
            continue;
        };
        let Some(address) = report.accept(parse_reachable(text), field) else { continue };
        if Family::of(address) != family {
            report
                .reject(field(), format!("expected {family} as addressType says, found {address}"));
            continue;
        }
        let zone = endpoint.zone.as_deref().filter(|zone| !zone.is_empty());
        let node = endpoint.node_name.as_deref().filter(|node| !node.is_empty());
        members.push(Member {
            index,
            address,
            node: node.map(|node| names.node(node)),
            ready: endpoint.conditions.ready.unwrap_or(true),
            serving: endpoint.conditions.serving.unwrap_or(true),
            terminating: endpoint.conditions.terminating.unwrap_or(false),
            hints: endpoint.hints.as_ref().and_then(|hints| names.hints(hints)),
            hostname: hostname(endpoint, index, names, report),
            pod: pod(endpoint, index, &object.metadata.namespace, names, report),
            zone: zone.map(|zone| names.text(zone)),
        });
    }
    members
}

/// A name that the cluster DNS puts before that of the Service.
fn hostname(
    endpoint: &api::Endpoint,
    index: usize,
    names: &mut Names,
    report: &mut Report,
) -> Option<Arc<str>> {
    let name = endpoint.hostname.as_deref().filter(|name| !name.is_empty())?;
    if is_label(name) {
        return Some(names.text(name));
    }
    report.reject_with(format!("endpoints[{index}].hostname"), || {
        format!(
            "expected at most 63 of a-z, 0-9 and inner -, found {}; the endpoint has no hostname",
            quoted(name)
        )
    });
    None
}

/// The name of the Pod that the endpoint stands for, if it does.
fn pod(
    endpoint: &api::Endpoint,
    index: usize,
    namespace: &str,
    names: &mut Names,
    report: &mut Report,
) -> Option<Arc<str>> {
    let target = endpoint.target_ref.as_ref().filter(|it| it.kind.as_deref() == Some("Pod"))?;
    let name = target.name.as_deref().unwrap_or_default();
    let field = |field: &str| format!("endpoints[{index}].targetRef.{field}");
    if !is_subdomain(name) {
        report.reject_with(field("name"), || {
            format!("expected the name of a Pod, found {}; no Pod is known", quoted(name))
        });
        return None;
    }
    match target.namespace.as_deref() {
        Some(other) if !other.is_empty() && other != namespace => {
            report.reject_with(field("namespace"), || {
                let found = quoted(other);
                format!("expected {namespace} as of the slice, found {found}; no Pod is known")
            });
            None
        }
        _ => Some(names.text(name)),
    }
}

/// The members at one port, by address and hostname.
pub(super) fn endpoints(
    members: &[Member],
    port: u16,
    tells_of_contradictions: bool,
    report: &mut Report,
) -> Arc<[Endpoint]> {
    let entry = |member: &Member| Entry {
        endpoint: Endpoint {
            address: SocketAddr::new(member.address, port),
            node: member.node.clone(),
            ready: member.ready,
            serving: member.serving,
            terminating: member.terminating,
            hints: member.hints.clone(),
            hostname: member.hostname.clone(),
            pod: member.pod.clone(),
            zone: member.zone.clone(),
        },
        place: member.index,
    };
    let (merged, contradictions) = by_hostname(members.iter().map(entry).collect());
    for it in contradictions.into_iter().filter(|_| tells_of_contradictions) {
        report.reject(
            format!("endpoints[{}].nodeName", it.lost.place),
            format!(
                "expected {} as for endpoints[{}] with the same address {}, found {}",
                it.kept.node,
                it.kept.place,
                it.address.ip(),
                it.lost.node
            ),
        );
    }
    merged
}
