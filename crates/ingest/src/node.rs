//! How does a Node object become a Node?

use std::net::IpAddr;

use ipnet::IpNet;
use model::{Node, Rejection};

use crate::address::{parse_address, parse_range};
use crate::api;
use crate::labels::{EXCLUDED, TO_BE_DELETED, ZONE};
use crate::names::Names;
use crate::report::{Report, quoted};

/// The condition of a node to which no routes lead.
const NETWORK_UNAVAILABLE: &str = "NetworkUnavailable";

pub(crate) fn read(object: &api::Node, names: &mut Names) -> (Node, Vec<Rejection>) {
    let name = names.node(&object.metadata.name);
    let mut report = Report::new(model::Object::Node(name.clone()));
    let zone = object.metadata.labels.get(ZONE).filter(|zone| !zone.is_empty());
    let excluded = object.metadata.labels.get(EXCLUDED);
    let (addresses, internal) = addresses(object, &mut report);
    let is_being_deleted = object.metadata.deletion_timestamp.is_some();
    let node = Node {
        name,
        zone: zone.map(|zone| names.text(zone)),
        labels: names.labels(&object.metadata.labels),
        addresses,
        internal,
        pod_cidrs: pod_cidrs(&object.spec, &mut report),
        leaving: is_being_deleted || object.spec.taints.iter().any(|it| it.key == TO_BE_DELETED),
        // Once the label counted whatever its value, so only a clear word lets the node in.
        excluded: excluded.is_some_and(|value| value != "false"),
        network_unavailable: object
            .status
            .conditions
            .iter()
            .any(|condition| condition.kind == NETWORK_UNAVAILABLE && condition.status == "True"),
    };
    (node, report.finish())
}

/// Those of the cluster first, and how many these are.
fn addresses(object: &api::Node, report: &mut Report) -> (Vec<IpAddr>, usize) {
    let (mut internal, mut external) = (Vec::new(), Vec::new());
    for (index, written) in object.status.addresses.iter().enumerate() {
        let path = format!("status.addresses[{index}]");
        let list = match written.kind.as_str() {
            "InternalIP" => &mut internal,
            "ExternalIP" => &mut external,
            "Hostname" | "InternalDNS" | "ExternalDNS" => continue,
            other => {
                let found = quoted(other);
                report.reject(
                    format!("{path}.type"),
                    format!("expected InternalIP, ExternalIP or a kind of name, found {found}"),
                );
                continue;
            }
        };
        match report.accept(parse_address(&written.address), || format!("{path}.address")) {
            Some(address) if address.is_unspecified() || address.is_multicast() => {
                report.reject(
                    format!("{path}.address"),
                    format!("expected the address of one machine, found {address}"),
                );
            }
            Some(address) => list.push(address),
            None => {}
        }
    }
    let count = internal.len();
    internal.append(&mut external);
    (internal, count)
}

/// The list counts; the single field is its first item, for clients older than two families.
fn pod_cidrs(spec: &api::NodeSpec, report: &mut Report) -> Vec<IpNet> {
    if spec.pod_cidrs.is_empty() {
        let text = spec.pod_cidr.as_deref().filter(|text| !text.is_empty());
        let range = text.map(|text| report.accept(parse_range(text), || "spec.podCIDR".to_owned()));
        return range.flatten().into_iter().collect();
    }
    let mut ranges = Vec::with_capacity(spec.pod_cidrs.len());
    for (index, text) in spec.pod_cidrs.iter().enumerate() {
        ranges.extend(report.accept(parse_range(text), || format!("spec.podCIDRs[{index}]")));
    }
    ranges
}
