//! How does an EndpointSlice object become lists of endpoints, and whose are they?

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::SystemTime;

use model::{Endpoint, EndpointSlice, Family, Protocol, Rejection, SlicePort};

use crate::api;
use crate::dns_name::is_subdomain;
use crate::labels::{HEADLESS, IMPORT_NAME, SERVICE_NAME, SOURCE_CLUSTER, TRIGGER_TIME};
use crate::names::Names;
use crate::number::parse_port;
use crate::protocol::parse_protocol;
use crate::report::{Report, quoted};
use crate::time::{parse_time, to_system_time};

mod members;

use members::{Member, endpoints, members};

/// Ports of one slice. The API server's own bound is 20,000, of which nobody makes use; each is compared
/// with all others here. More are rejected.
const PORTS_PER_SLICE_MAX: usize = 1_000;

/// Ports times endpoints of one slice, since each port has its own list of all endpoints: it keeps a
/// small text from becoming a large table. Ports beyond it are rejected.
const PAIRS_PER_SLICE_MAX: usize = 200_000;

/// What is kept of an EndpointSlice, and whose it is: the names of a Service and of a ServiceImport in
/// its namespace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) service: Option<Arc<str>>,
    pub(crate) import: Option<Arc<str>>,
    pub(crate) listed: Arc<EndpointSlice>,
}

/// All that an EndpointSlice says, and when what it shows happened.
pub(crate) struct Read {
    pub(crate) slice: Option<Slice>,
    pub(crate) trigger: Option<SystemTime>,
    pub(crate) rejections: Vec<Rejection>,
}

/// Reads the EndpointSlice `name`. Lists that are as in `old` stay the same allocation.
pub(crate) fn read(
    object: &api::EndpointSlice,
    name: &Arc<str>,
    old: Option<&Slice>,
    names: &mut Names,
) -> Read {
    let key = api::ObjectKey::of(api::Kind::EndpointSlice, &object.metadata);
    let mut report = Report::new(key.to_origin());
    let trigger = trigger(&object.metadata, &mut report);
    let name = old.map_or(name, |old| &old.listed.name);
    let slice = read_slice(object, name, old, names, &mut report);
    Read { slice, trigger, rejections: report.finish() }
}

fn trigger(metadata: &api::Metadata, report: &mut Report) -> Option<SystemTime> {
    let text = metadata.annotations.get(TRIGGER_TIME)?;
    let time = report.accept(parse_time(text), || format!("metadata.annotations[{TRIGGER_TIME}]"));
    to_system_time(time?)
}

fn read_slice(
    object: &api::EndpointSlice,
    name: &Arc<str>,
    old: Option<&Slice>,
    names: &mut Names,
    report: &mut Report,
) -> Option<Slice> {
    let labels = &object.metadata.labels;
    let mut owner = |label| {
        let name = labels.get(label).filter(|name| !name.is_empty())?;
        Some(names.text(name))
    };
    let (service, import) = (owner(SERVICE_NAME), owner(IMPORT_NAME));
    if service.is_none() && import.is_none() {
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
    let old = old.map(|old| &*old.listed);
    let members = members(object, family, names, report);
    let ports = read_ports(object, &members, old, names, report);
    let portless = if ports.is_empty() {
        let found = endpoints(&members, 0, true, report);
        known(old, &ports, &found).unwrap_or(found)
    } else {
        Arc::default()
    };
    let listed = EndpointSlice {
        name: Arc::clone(name),
        family,
        is_headless: labels.contains_key(HEADLESS),
        cluster: source_cluster(labels, names, report),
        ports: ports.into(),
        portless,
    };
    Some(Slice { service, import, listed: Arc::new(listed) })
}

/// A name that stands in names of the cluster DNS, between those of an endpoint and of its Service.
fn source_cluster(
    labels: &BTreeMap<String, String>,
    names: &mut Names,
    report: &mut Report,
) -> Option<Arc<str>> {
    let name = labels.get(SOURCE_CLUSTER).filter(|name| !name.is_empty())?;
    if is_subdomain(name) {
        return Some(names.text(name));
    }
    let found = quoted(name);
    report.reject(
        format!("metadata.labels[{SOURCE_CLUSTER}]"),
        format!("expected a DNS name in lower case, found {found}; no cluster is known"),
    );
    None
}

/// An equal list that is there already.
fn known(
    old: Option<&EndpointSlice>,
    ports: &[SlicePort],
    endpoints: &Arc<[Endpoint]>,
) -> Option<Arc<[Endpoint]>> {
    let portless = old.map(|old| &old.portless);
    let lists = old.into_iter().flat_map(|old| &old.ports).chain(ports).map(|it| &it.endpoints);
    portless.into_iter().chain(lists).find(|known| *known == endpoints).map(Arc::clone)
}

fn read_ports(
    object: &api::EndpointSlice,
    members: &[Member],
    old: Option<&EndpointSlice>,
    names: &mut Names,
    report: &mut Report,
) -> Vec<SlicePort> {
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
        // Only the first tells of addresses that contradict each other: the others could but repeat it.
        let endpoints = endpoints(members, number.get(), ports.is_empty(), report);
        let endpoints = known(old, &ports, &endpoints).unwrap_or(endpoints);
        ports.push(SlicePort { name: names.text(name), protocol, endpoints });
    }
    ports
}

fn reject_excess(field: &str, found: usize, max: usize, report: &mut Report) {
    if found > max {
        report.reject(field, format!("expected at most {max}, found {found}; the first are used"));
    }
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
