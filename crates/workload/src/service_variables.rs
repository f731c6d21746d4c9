//! Which variables tell a container where Services are?

use std::collections::BTreeMap;
use std::net::IpAddr;

use ingest::api::{IntOrString, Service, ServicePort};

/// The Service by which Pods reach the API server: its variables are always there.
const API_SERVER: (&str, &str) = ("default", "kubernetes");

/// Variables of the Services of a namespace, or of the API server's alone, as a kubelet makes them.
pub(crate) fn service_variables(
    services: &BTreeMap<(String, String), std::sync::Arc<Service>>,
    namespace: &str,
    has_links: bool,
) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    let is_wanted = |(of, name): &(String, String)| {
        (has_links && of == namespace) || (of.as_str(), name.as_str()) == API_SERVER
    };
    let is_own = |(of, _): &(String, String)| of == namespace;
    let mut wanted: Vec<_> = services.iter().filter(|(name, _)| is_wanted(name)).collect();
    // One of the namespace counts for more than the API server's of the same name.
    wanted.sort_by_key(|(name, _)| is_own(name));
    for ((_, name), service) in wanted {
        let ip = service.spec.cluster_ip.as_deref().and_then(|ip| ip.parse().ok());
        if let Some(ip) = ip {
            add(&mut variables, &in_capitals(name), ip, &service.spec.ports);
        }
    }
    variables
}

fn in_capitals(name: &str) -> String {
    name.replace('-', "_").to_uppercase()
}

fn add(variables: &mut BTreeMap<String, String>, name: &str, ip: IpAddr, ports: &[ServicePort]) {
    let mut set = |key: String, value: String| drop(variables.insert(key, value));
    set(format!("{name}_SERVICE_HOST"), ip.to_string());
    for (index, port) in ports.iter().enumerate() {
        let Some(IntOrString::Int(number)) = port.port else { continue };
        let protocol = port.protocol.as_deref().filter(|it| !it.is_empty()).unwrap_or("TCP");
        let lower = protocol.to_lowercase();
        let host = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
        let url = format!("{lower}://{host}:{number}");
        if index == 0 {
            set(format!("{name}_SERVICE_PORT"), number.to_string());
            set(format!("{name}_PORT"), url.clone());
        }
        if let Some(port_name) = port.name.as_deref().filter(|it| !it.is_empty()) {
            let key = format!("{name}_SERVICE_PORT_{}", in_capitals(port_name));
            set(key, number.to_string());
        }
        let prefix = format!("{name}_PORT_{number}_{}", protocol.to_uppercase());
        set(prefix.clone(), url);
        set(format!("{prefix}_PROTO"), lower);
        set(format!("{prefix}_PORT"), number.to_string());
        set(format!("{prefix}_ADDR"), ip.to_string());
    }
}
