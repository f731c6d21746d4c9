//! At which addresses is a Service reached?

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use model::{ExternalAddress, Family, Rejection, Service, ServiceKind};

use crate::address::parse_reachable;
use crate::api;
use crate::report::{Report, quoted};

/// The text that makes a Service headless.
const HEADLESS: &str = "None";

/// The ClusterIPs: one for each family at most, none for a headless Service.
pub(super) fn cluster_ips(
    spec: &api::ServiceSpec,
    kind: &ServiceKind,
    report: &mut Report,
) -> Vec<IpAddr> {
    let written = written_cluster_ips(spec, report);
    let mut found: Vec<IpAddr> = Vec::new();
    for (field, text) in &written {
        if text.is_empty() || text == HEADLESS {
            if written.len() > 1 {
                let text = quoted(text);
                report.reject(field, format!("expected an IP address beside others, found {text}"));
            }
            continue;
        }
        if matches!(kind, ServiceKind::ExternalName(_)) {
            let text = quoted(text);
            report.reject(field, format!("expected none where type is ExternalName, found {text}"));
            continue;
        }
        let Some(address) = report.accept(parse_reachable(text), || field.clone()) else {
            continue;
        };
        keep_one_of_family(&mut found, address, field, report);
    }
    found
}

/// Adds the address, unless there is one of its family already.
pub(crate) fn keep_one_of_family(
    found: &mut Vec<IpAddr>,
    address: IpAddr,
    field: &str,
    report: &mut Report,
) {
    let family = Family::of(address);
    match found.iter().find(|other| Family::of(**other) == family) {
        None => found.push(address),
        Some(first) => report.reject(
            field,
            format!("expected one address of each family, found {address} beside {first}"),
        ),
    }
}

/// Each with its field. The list counts; the single field is its first item, and all that there is
/// when the list was not written.
fn written_cluster_ips(spec: &api::ServiceSpec, report: &mut Report) -> Vec<(String, String)> {
    let single = spec.cluster_ip.as_deref().unwrap_or_default();
    let Some(first) = spec.cluster_ips.first() else {
        return match single {
            "" => Vec::new(),
            text => vec![("spec.clusterIP".to_owned(), text.to_owned())],
        };
    };
    if !single.is_empty() && single != first {
        report.reject(
            "spec.clusterIP",
            format!(
                "expected the first of clusterIPs, {}, found {}",
                quoted(first),
                quoted(single)
            ),
        );
    }
    let field = |index| format!("spec.clusterIPs[{index}]");
    spec.cluster_ips.iter().enumerate().map(|(index, text)| (field(index), text.clone())).collect()
}

/// The addresses outside the cluster that nodes intercept.
pub(super) fn external(
    object: &api::Service,
    kind: &ServiceKind,
    cluster_ips: &[IpAddr],
    report: &mut Report,
) -> Vec<ExternalAddress> {
    let mut found = Found::default();
    for (index, text) in object.spec.external_ips.iter().enumerate() {
        add(text, format!("spec.externalIPs[{index}]"), false, cluster_ips, &mut found, report);
    }
    for (index, ingress) in object.status.load_balancer.ingress.iter().enumerate() {
        let field = format!("status.loadBalancer.ingress[{index}]");
        if !kind.is_load_balancer() {
            report.reject(field, "expected only where type is LoadBalancer; it is not served");
        } else if let Some(text) = intercepted(ingress, &field, report) {
            add(text, format!("{field}.ip"), true, cluster_ips, &mut found, report);
        }
    }
    found.in_order
}

/// External addresses as they are found.
#[derive(Default)]
struct Found {
    in_order: Vec<ExternalAddress>,
    seen: BTreeSet<ExternalAddress>,
}

/// The address of a load balancer that nodes may stand in for. One that changes the packets on
/// their way (mode `Proxy`), or has a name only, must be reached itself.
fn intercepted<'a>(ingress: &'a api::Ingress, field: &str, report: &mut Report) -> Option<&'a str> {
    let text = ingress.ip.as_deref().unwrap_or_default();
    if text.is_empty() {
        if ingress.hostname.as_deref().unwrap_or_default().is_empty() {
            report.reject(field, "expected an ip or a hostname, found neither");
        }
        return None;
    }
    match ingress.ip_mode.as_deref().unwrap_or_default() {
        "" | "VIP" => Some(text),
        "Proxy" => None,
        mode => {
            report.reject(
                format!("{field}.ipMode"),
                format!("expected VIP or Proxy, found {}; it is not served", quoted(mode)),
            );
            None
        }
    }
}

fn add(
    text: &str,
    field: String,
    load_balancer: bool,
    cluster_ips: &[IpAddr],
    found: &mut Found,
    report: &mut Report,
) {
    let Some(address) = report.accept(parse_reachable(text), || field.clone()) else { return };
    let family = Family::of(address);
    let added = ExternalAddress { address, load_balancer };
    if !cluster_ips.is_empty() && cluster_ips.iter().all(|ip| Family::of(*ip) != family) {
        report.reject(
            field,
            format!("expected a family that clusterIPs has, found the {family} address {address}"),
        );
    } else if found.seen.insert(added) {
        found.in_order.push(added);
    } else {
        report.reject(field, format!("expected each address once, found {address} again"));
    }
}

/// Takes away the external IPs that are in none of the ranges; gives what is wrong with them.
pub(crate) fn keep_external_ips_within(
    service: &mut Service,
    object: &api::Service,
    ranges: &[IpNet],
) -> Vec<Rejection> {
    let mut rejections = Vec::new();
    let origin = model::Object::Service(service.name.clone());
    service.external.retain(|it| {
        let is_allowed = it.load_balancer || ranges.iter().any(|net| net.contains(&it.address));
        if !is_allowed {
            let texts = object.spec.external_ips.iter();
            let index = texts.zip(0..).find(|(text, _)| parse_reachable(text) == Ok(it.address));
            let index = index.map_or(0, |(_, index): (_, usize)| index);
            let address = it.address;
            rejections.push(Rejection::new(
                origin.clone(),
                format!("spec.externalIPs[{index}]"),
                format!("{address} is in no range of --external-ip-range; it is not served"),
            ));
        }
        is_allowed
    });
    rejections
}
