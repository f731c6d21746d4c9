//! How does a Pod object become a Pod?

use std::net::IpAddr;

use model::{Family, Pod, PodName, Readiness, Rejection};

use crate::address::parse_address;
use crate::api::{self, Kind, ObjectKey};
use crate::names::Names;
use crate::report::Report;

/// The condition by which a Pod says that it takes traffic.
const READY: &str = "Ready";

pub(crate) fn read(object: &api::Pod, names: &mut Names) -> (Pod, Vec<Rejection>) {
    let metadata = &object.metadata;
    let mut report = Report::new(ObjectKey::of(Kind::Pod, metadata).to_origin());
    let node = object.spec.node_name.as_deref().filter(|name| !name.is_empty());
    let pod = Pod {
        name: PodName {
            namespace: names.text(&metadata.namespace),
            name: names.text(&metadata.name),
        },
        node: node.map(|name| names.node(name)),
        host_network: object.spec.host_network,
        addresses: addresses(&object.status, &mut report),
        ready: object.status.conditions.iter().find(|it| it.kind == READY).map(|condition| {
            Readiness {
                is_ready: condition.status == "True",
                reason: names.text(&condition.reason),
                message: condition.message.as_str().into(),
            }
        }),
    };
    (pod, report.finish())
}

/// A Pod that has ended still names its addresses, and others may have them by now.
fn has_ended(status: &api::PodStatus) -> bool {
    matches!(status.phase.as_str(), "Succeeded" | "Failed")
}

/// The list counts; the single field is its first item, for clients older than two families.
fn addresses(status: &api::PodStatus, report: &mut Report) -> Vec<IpAddr> {
    let mut kept: Vec<IpAddr> = Vec::new();
    if has_ended(status) {
        return kept;
    }
    let single = status.pod_ip.iter().filter(|_| status.pod_ips.is_empty());
    let written = single.map(|text| (text, "status.podIP".to_owned())).chain(
        status
            .pod_ips
            .iter()
            .zip(0..)
            .map(|(it, at): (&api::PodIp, usize)| (&it.ip, format!("status.podIPs[{at}].ip"))),
    );
    for (text, field) in written.filter(|(text, _)| !text.is_empty()) {
        let Some(address) = report.accept(parse_address(text), || field.clone()) else { continue };
        let family = Family::of(address);
        if kept.iter().any(|known| Family::of(*known) == family) {
            report.reject(field, format!("expected one address of each family, found {address}"));
        } else {
            kept.push(address);
        }
    }
    kept
}
