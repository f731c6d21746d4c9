//! Which fields does the API server fill in for those that a Service leaves out?

use ingest::api::{ClientIpConfig, IntOrString, ServiceSpec, SessionAffinityConfig};
use model::limits::AFFINITY_TIMEOUT_S_DEFAULT;

use crate::api::Service;

/// The Service with every default but addresses and node ports, which are allocated.
#[must_use]
pub fn with_defaults(mut service: Service) -> Service {
    let spec = &mut service.object.spec;
    let kind = spec.kind.get_or_insert_with(|| "ClusterIP".to_owned()).clone();
    let is_external = kind == "NodePort" || kind == "LoadBalancer" || !spec.external_ips.is_empty();
    if kind != "ExternalName" {
        or_word(&mut spec.internal_traffic_policy, "Cluster");
        if is_external {
            or_word(&mut spec.external_traffic_policy, "Cluster");
        }
    }
    if kind == "LoadBalancer" {
        spec.allocate_load_balancer_node_ports.get_or_insert(true);
    }
    or_word(&mut spec.session_affinity, "None");
    if spec.session_affinity.as_deref() == Some("ClientIP") {
        affinity_timeout(spec);
    }
    for port in &mut spec.ports {
        or_word(&mut port.protocol, "TCP");
        let is_absent = matches!(&port.target_port, None | Some(IntOrString::Int(0)))
            || matches!(&port.target_port, Some(IntOrString::String(text)) if text.is_empty());
        if is_absent {
            port.target_port.clone_from(&port.port);
        }
    }
    service
}

/// The wire writes an absent word as an empty one too.
fn or_word(field: &mut Option<String>, default: &str) {
    if field.as_deref().is_none_or(str::is_empty) {
        *field = Some(default.to_owned());
    }
}

fn affinity_timeout(spec: &mut ServiceSpec) {
    let config = spec.session_affinity_config.get_or_insert_with(SessionAffinityConfig::default);
    let client_ip = config.client_ip.get_or_insert_with(ClientIpConfig::default);
    let default = || IntOrString::Int(AFFINITY_TIMEOUT_S_DEFAULT.into());
    client_ip.timeout_seconds.get_or_insert_with(default);
}
