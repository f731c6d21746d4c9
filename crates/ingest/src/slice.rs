//! How does an EndpointSlice object become lists of endpoints, and of which Service?

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::SystemTime;

use model::{Endpoint, Family, Hints, NodeName, Protocol, Rejection, ServiceName};

use crate::address::parse_reachable;
use crate::api;
use crate::labels::{HEADLESS, SERVICE_NAME, TRIGGER_TIME};
use crate::merge::{Entry, merge};
use crate::names::Names;
use crate::number::parse_port;
use crate::protocol::parse_protocol;
use crate::report::{Report, quoted};
use crate::time::{parse_time, to_system_time};

/// Endpoints of one slice: the API server's own bound. More are rejected.
const ENDPOINTS_PER_SLICE_MAX: usize = 1_000;

/// Ports of one slice. The API server's own bound is 20,000, of which nobody makes use; each is compared
/// with all others here. More are rejected.
const PORTS_PER_SLICE_MAX: usize = 1_000;

/// Ports times endpoints of one slice, since each port has its own list of all endpoints: it keeps a
/// small text from becoming a large table. Ports beyond it are rejected.
const PAIRS_PER_SLICE_MAX: usize = 200_000;

/// What is kept of an EndpointSlice: a list of endpoints for each of its ports.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) service: Option<ServiceName>,
    pub(crate) family: Family,
    /// Meant for a headless Service: names resolve to these endpoints, no address leads to them.
    pub(crate) is_headless: bool,
    pub(crate) ports: Box<[SlicePort]>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SlicePort {
    pub(crate) name: Arc<str>,
    pub(crate) protocol: Protocol,
    /// Sorted by address, each once.
    pub(crate) endpoints: Arc<[Endpoint]>,
}

/// All that an EndpointSlice says, and when what it shows happened.
pub(crate) struct Read {
    pub(crate) slice: Option<Slice>,
    pub(crate) trigger: Option<SystemTime>,
    pub(crate) rejections: Vec<Rejection>,
}

/// Reads an EndpointSlice. Lists that are as in `old` stay the same allocation.
pub(crate) fn read(object: &api::EndpointSlice, old: Option<&Slice>, names: &mut Names) -> Read {
    let key = api::ObjectKey::of(api::Kind::EndpointSlice, &object.metadata);
    let mut report = Report::new(key.to_origin());
    let trigger = trigger(&object.metadata, &mut report);
    let slice = read_slice(object, old, names, &mut report);
    Read { slice, trigger, rejections: report.finish() }
}

fn trigger(metadata: &api::Metadata, report: &mut Report) -> Option<SystemTime> {
    let text = metadata.annotations.get(TRIGGER_TIME)?;
    let time = report.accept(parse_time(text), || format!("metadata.annotations[{TRIGGER_TIME}]"));
    to_system_time(time?)
}

fn read_slice(
    object: &api::EndpointSlice,
    old: Option<&Slice>,
    names: &mut Names,
    report: &mut Report,
) -> Option<Slice> {
    let labels = &object.metadata.labels;
    let service = labels.get(SERVICE_NAME).filter(|name| !name.is_empty());
    if service.is_none() {
        report.reject(
            format!("metadata.labels[{SERVICE_NAME}]"),
            "expected the name of a Service, found none",
        );
    }
    let family = match object.address_type.as_str() {
        "IPv4" => Family::V4,
        "IPv6" => Family::V6,
        other => {
            let found = quoted(other);
            report.reject("addressType", format!("expected IPv4 or IPv6, found {found}"));
            return None;
        }
    };
    let members = members(object, family, names, report);
    let mut ports: Vec<SlicePort> = Vec::new();
    reject_excess("ports", object.ports.len(), PORTS_PER_SLICE_MAX, report);
    let fitting = PAIRS_PER_SLICE_MAX / members.len().max(1);
    if object.ports.len().min(PORTS_PER_SLICE_MAX) > fitting {
        let n = members.len();
        let reason =
            format!("expected at most {fitting} ports for {n} endpoints; the rest is ignored");
        report.reject("ports", reason);
    }
    let ports_max = PORTS_PER_SLICE_MAX.min(fitting);
    for (index, port) in object.ports.iter().enumerate().take(ports_max) {
        let path = format!("ports[{index}]");
        let Some((name, protocol, number)) = read_port(port, &path, report) else { continue };
        if ports.iter().any(|other| *other.name == *name && other.protocol == protocol) {
            let name = quoted(name);
            report.reject(path, format!("expected each name once, found {name}/{protocol} again"));
            continue;
        }
        let endpoints = endpoints(&members, number, index == 0, report);
        let known = old.into_iter().flat_map(|old| &old.ports).chain(&ports);
        let same = known.map(|known| &known.endpoints).find(|known| **known == endpoints);
        let endpoints = same.map_or(endpoints, Arc::clone);
        ports.push(SlicePort { name: names.text(name), protocol, endpoints });
    }
    Some(Slice {
        service: service.map(|service| names.service(&object.metadata.namespace, service)),
        family,
        is_headless: labels.contains_key(HEADLESS),
        ports: ports.into(),
    })
}

fn reject_excess(field: &str, found: usize, max: usize, report: &mut Report) {
    if found > max {
        report.reject(field, format!("expected at most {max}, found {found}; the first are used"));
    }
}

/// An endpoint before it has a port: all ports of a slice share the addresses.
struct Member {
    index: usize,
    address: IpAddr,
    node: Option<NodeName>,
    ready: bool,
    serving: bool,
    terminating: bool,
    hints: Option<Arc<Hints>>,
}

fn members(
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
        let node = endpoint.node_name.as_deref().filter(|node| !node.is_empty());
        members.push(Member {
            index,
            address,
            node: node.map(|node| names.node(node)),
            ready: endpoint.conditions.ready.unwrap_or(true),
            serving: endpoint.conditions.serving.unwrap_or(true),
            terminating: endpoint.conditions.terminating.unwrap_or(false),
            hints: endpoint.hints.as_ref().and_then(|hints| names.hints(hints)),
        });
    }
    members
}

fn read_port<'a>(
    port: &'a api::EndpointPort,
    path: &str,
    report: &mut Report,
) -> Option<(&'a str, Protocol, NonZeroU16)> {
    let protocol = parse_protocol(port.protocol.as_deref());
    let protocol = report.accept(protocol, || format!("{path}.protocol"));
    let number = match &port.port {
        Some(number) => report.accept(parse_port(number), || format!("{path}.port")),
        None => {
            report.reject(format!("{path}.port"), "expected a number from 1 to 65535, found none");
            None
        }
    };
    if port.name.is_none() {
        report.reject(
            format!("{path}.name"),
            "expected a name, empty for that of an unnamed port of the Service, found none",
        );
    }
    Some((port.name.as_deref()?, protocol?, number?))
}

/// The members at one port. Only the first port tells of addresses that contradict each other: the
/// others could but repeat it.
fn endpoints(
    members: &[Member],
    port: NonZeroU16,
    is_first: bool,
    report: &mut Report,
) -> Arc<[Endpoint]> {
    let entry = |member: &Member| Entry {
        endpoint: Endpoint {
            address: SocketAddr::new(member.address, port.get()),
            node: member.node.clone(),
            ready: member.ready,
            serving: member.serving,
            terminating: member.terminating,
            hints: member.hints.clone(),
            hostname: None,
            pod: None,
        },
        place: member.index,
    };
    let (merged, contradictions) = merge(members.iter().map(entry).collect());
    for it in contradictions.into_iter().filter(|_| is_first) {
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
