//! How does a Service object become a Service, still without endpoints?

use std::num::NonZeroU16;
use std::sync::Arc;

use model::limits::{AFFINITY_TIMEOUT_S_DEFAULT, AFFINITY_TIMEOUT_S_MAX};
use model::{
    Affinity, LoadBalancer, Object, Rejection, Service, ServiceKind, ServiceName, TrafficPolicy,
};

use crate::address_request;
use crate::api;
use crate::dns_name::is_subdomain;
use crate::labels::SERVICE_PROXY_NAME;
use crate::names::Names;
use crate::number::{parse_number, parse_optional_port};
use crate::report::{Report, quoted};
use crate::time::parse_time;

/// The condition by which a controller says whether a Service has its load balancer addresses.
pub const ALLOCATED: &str = "pogu.dev/Allocated";

mod addresses;
mod ports;
mod source_ranges;

pub(crate) use addresses::{keep_external_ips_within, keep_one_of_family};
pub(crate) use ports::read_ports;

/// Reads all that a Service says of itself. Its endpoint lists are empty.
pub(crate) fn read(object: &api::Service, names: &mut Names) -> (Service, Vec<Rejection>) {
    let name = names.service(&object.metadata.namespace, &object.metadata.name);
    let mut report = Report::new(Object::Service(name.clone()));
    let service = read_spec(object, name, names, &mut report);
    (service, report.finish())
}

fn read_spec(
    object: &api::Service,
    name: ServiceName,
    names: &mut Names,
    report: &mut Report,
) -> Service {
    let spec = &object.spec;
    let kind = kind(object, names, report);
    let cluster_ips = addresses::cluster_ips(spec, &kind, report);
    let external_policy =
        policy("spec.externalTrafficPolicy", spec.external_traffic_policy.as_deref(), report);
    judge_families(spec, report);
    if spec.ports.is_empty() && !cluster_ips.is_empty() {
        report.reject("spec.ports", "expected at least one port, found none");
    }
    Service {
        name,
        created_s: created_s(&object.metadata, report),
        external: addresses::external(object, &kind, &cluster_ips, report),
        source_ranges: source_ranges::read(object, &kind, report),
        internal_policy: policy(
            "spec.internalTrafficPolicy",
            spec.internal_traffic_policy.as_deref(),
            report,
        ),
        external_policy,
        affinity: affinity(spec, report),
        health_check_node_port: health_check_node_port(spec, &kind, external_policy, report),
        other_proxy: object.metadata.labels.get(SERVICE_PROXY_NAME).map(|proxy| names.text(proxy)),
        ports: read_ports(&spec.ports, &kind, names, report),
        cluster_ips,
        kind,
        slices: Arc::default(),
    }
}

/// A field that takes one of a few words. The first word is the API's default: it is taken when the
/// field is absent, and for any word that is none of them.
pub(crate) fn word<T: Copy, const N: usize>(
    field: &str,
    text: Option<&str>,
    (default, meaning): (&str, T),
    others: [(&str, T); N],
    report: &mut Report,
) -> T {
    let text = text.unwrap_or_default();
    if text.is_empty() || text == default {
        return meaning;
    }
    if let Some((_, meaning)) = others.iter().find(|(word, _)| *word == text) {
        return *meaning;
    }
    let words = others.map(|(word, _)| word).join(" or ");
    let found = quoted(text);
    report
        .reject(field, format!("expected {default} or {words}, found {found}; {default} is used"));
    meaning
}

fn policy(field: &str, text: Option<&str>, report: &mut Report) -> TrafficPolicy {
    let default = ("Cluster", TrafficPolicy::Cluster);
    word(field, text, default, [("Local", TrafficPolicy::Local)], report)
}

fn kind(object: &api::Service, names: &mut Names, report: &mut Report) -> ServiceKind {
    let spec = &object.spec;
    #[derive(Clone, Copy)]
    enum Type {
        ClusterIp,
        NodePort,
        LoadBalancer,
        ExternalName,
    }
    let default = ("ClusterIP", Type::ClusterIp);
    let others = [
        ("NodePort", Type::NodePort),
        ("LoadBalancer", Type::LoadBalancer),
        ("ExternalName", Type::ExternalName),
    ];
    match word("spec.type", spec.kind.as_deref(), default, others, report) {
        Type::ClusterIp => ServiceKind::ClusterIp,
        Type::NodePort => ServiceKind::NodePort,
        Type::LoadBalancer => ServiceKind::LoadBalancer(Arc::new(load_balancer(object, names))),
        Type::ExternalName => ServiceKind::ExternalName(names.text(external_name(spec, report))),
    }
}

/// What it says to whoever gives it addresses.
fn load_balancer(object: &api::Service, names: &mut Names) -> LoadBalancer {
    let class = object.spec.load_balancer_class.as_deref().filter(|class| !class.is_empty());
    LoadBalancer {
        class: class.map(|class| names.text(class)),
        labels: names.labels(&object.metadata.labels),
        is_sharing: address_request::is_sharing(object),
        lacks: lacks(object).map(|message| names.text(message)),
    }
}

/// What whoever allocates says of a Service that has not got all that it asked for.
fn lacks(object: &api::Service) -> Option<&str> {
    let mut conditions = object.status.conditions.iter();
    let refused = conditions.find(|it| it.kind == ALLOCATED && it.status == "False")?;
    Some(&refused.message)
}

/// Empty where none can be accepted: still no load balancer, and no name either.
fn external_name<'a>(spec: &'a api::ServiceSpec, report: &mut Report) -> &'a str {
    let name = spec.external_name.as_deref().unwrap_or_default();
    if is_subdomain(name.strip_suffix('.').unwrap_or(name)) {
        return name;
    }
    let found = quoted(name);
    report.reject("spec.externalName", format!("expected a DNS name in lower case, found {found}"));
    ""
}

fn created_s(metadata: &api::Metadata, report: &mut Report) -> i64 {
    let Some(text) = metadata.creation_timestamp.as_deref() else { return 0 };
    let time = report.accept(parse_time(text), || "metadata.creationTimestamp".to_owned());
    // What cannot be read must not make a Service the oldest, which wins over others.
    time.map_or(i64::MAX, |(seconds, _)| seconds)
}

fn affinity(spec: &api::ServiceSpec, report: &mut Report) -> Option<Affinity> {
    let text = spec.session_affinity.as_deref();
    let is_on = word("spec.sessionAffinity", text, ("None", false), [("ClientIP", true)], report);
    let timeout = spec
        .session_affinity_config
        .as_ref()
        .and_then(|config| config.client_ip.as_ref())
        .and_then(|client_ip| client_ip.timeout_seconds.as_ref());
    let field = "spec.sessionAffinityConfig.clientIP.timeoutSeconds";
    match timeout {
        Some(_) if !is_on => {
            report.reject(field, "expected only where sessionAffinity is ClientIP; it is ignored");
            None
        }
        Some(timeout) => match parse_number(timeout, 1..=AFFINITY_TIMEOUT_S_MAX) {
            Ok(timeout_s) => Some(Affinity { timeout_s }),
            Err(error) => {
                report.reject(field, format!("{error}; {AFFINITY_TIMEOUT_S_DEFAULT} is used"));
                Some(Affinity { timeout_s: AFFINITY_TIMEOUT_S_DEFAULT })
            }
        },
        None => is_on.then_some(Affinity { timeout_s: AFFINITY_TIMEOUT_S_DEFAULT }),
    }
}

fn health_check_node_port(
    spec: &api::ServiceSpec,
    kind: &ServiceKind,
    external_policy: TrafficPolicy,
    report: &mut Report,
) -> Option<NonZeroU16> {
    let field = "spec.healthCheckNodePort";
    let port = parse_optional_port(spec.health_check_node_port.as_ref());
    let port = report.accept(port, || field.to_owned())??;
    if kind.is_load_balancer() && external_policy == TrafficPolicy::Local {
        return Some(port);
    }
    report.reject(
        field,
        format!(
            "expected only where type is LoadBalancer and externalTrafficPolicy is Local, \
             found {port}; it is not served"
        ),
    );
    None
}

/// The families decide when addresses are allocated; here the addresses themselves count, and the
/// words must only not be nonsense.
fn judge_families(spec: &api::ServiceSpec, report: &mut Report) {
    let mut judge = |field: &str, text: &str, words: &[&str]| {
        if !text.is_empty() && !words.contains(&text) {
            let words = words.join(" or ");
            report
                .reject(field, format!("expected {words}, found {}; it is ignored", quoted(text)));
        }
    };
    for (index, family) in spec.ip_families.iter().enumerate() {
        judge(&format!("spec.ipFamilies[{index}]"), family, &["IPv4", "IPv6"]);
    }
    if let Some(policy) = &spec.ip_family_policy {
        let words = ["SingleStack", "PreferDualStack", "RequireDualStack"];
        judge("spec.ipFamilyPolicy", policy, &words);
    }
    // Only the hints of the endpoints steer traffic; whoever writes them reads this word.
    if let Some(distribution) = &spec.traffic_distribution {
        let words = ["PreferClose", "PreferSameZone", "PreferSameNode"];
        judge("spec.trafficDistribution", distribution, &words);
    }
}
