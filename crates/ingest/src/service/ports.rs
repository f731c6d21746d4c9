//! On which ports does a Service listen?

use std::collections::BTreeSet;
use std::num::NonZeroU16;
use std::sync::Arc;

use model::{ByFamily, Protocol, ServiceKind, ServicePort};

use crate::api;
use crate::dns_name::is_label;
use crate::names::Names;
use crate::number::{parse_optional_port, parse_port};
use crate::protocol::parse_protocol;
use crate::report::{Report, quoted};

/// The ports, without endpoints. A port with a wrong number, protocol or name is left out; of two
/// that exclude each other the first stays.
pub(crate) fn read_ports(
    ports: &[api::ServicePort],
    kind: &ServiceKind,
    names: &mut Names,
    report: &mut Report,
) -> Vec<ServicePort> {
    let mut taken = Taken::default();
    let mut found: Vec<ServicePort> = Vec::with_capacity(ports.len());
    for (index, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{index}]");
        let Some(mut port) = read_one(port, &path, kind, names, report) else { continue };
        if let Some(why) = taken.conflict(&port) {
            report.reject(path, why);
            continue;
        }
        if let Some(number) = port.node_port
            && !taken.node_ports.insert((port.protocol, number))
        {
            let protocol = port.protocol;
            report.reject(
                format!("{path}.nodePort"),
                format!("expected each node port once, found {number}/{protocol} again"),
            );
            port.node_port = None;
        }
        taken.names.insert(Arc::clone(&port.name));
        taken.ports.insert((port.protocol, port.port));
        found.push(port);
    }
    found
}

/// What the ports so far leave to no other.
#[derive(Default)]
struct Taken {
    names: BTreeSet<Arc<str>>,
    ports: BTreeSet<(Protocol, NonZeroU16)>,
    node_ports: BTreeSet<(Protocol, NonZeroU16)>,
}

impl Taken {
    /// Why a port cannot be in one Service with those before it.
    fn conflict(&self, port: &ServicePort) -> Option<String> {
        if self.ports.contains(&(port.protocol, port.port)) {
            let (number, protocol) = (port.port, port.protocol);
            return Some(format!("expected each port once, found {number}/{protocol} again"));
        }
        if !self.names.contains(&port.name) {
            return None;
        }
        Some(if port.name.is_empty() {
            "expected a name where there are several ports, found a second one without".to_owned()
        } else {
            format!("expected each name once, found {} again", quoted(&port.name))
        })
    }
}

fn read_one(
    port: &api::ServicePort,
    path: &str,
    kind: &ServiceKind,
    names: &mut Names,
    report: &mut Report,
) -> Option<ServicePort> {
    let name = port_name(port, path, report);
    let protocol = parse_protocol(port.protocol.as_deref());
    let protocol = report.accept(protocol, || format!("{path}.protocol"));
    let number = match &port.port {
        Some(number) => report.accept(parse_port(number), || format!("{path}.port")),
        None => {
            report.reject(format!("{path}.port"), "expected a number from 1 to 65535, found none");
            None
        }
    };
    let node_port = node_port(port, path, kind, report);
    let app_protocol = port.app_protocol.as_deref().unwrap_or_default();
    Some(ServicePort {
        name: names.text(name?),
        protocol: protocol?,
        port: number?,
        node_port,
        app_protocol: (!app_protocol.is_empty()).then(|| names.text(app_protocol)),
        endpoints: ByFamily { v4: Arc::default(), v6: Arc::default() },
    })
}

fn port_name<'a>(port: &'a api::ServicePort, path: &str, report: &mut Report) -> Option<&'a str> {
    let name = port.name.as_deref().unwrap_or_default();
    if name.is_empty() || is_label(name) {
        return Some(name);
    }
    report.reject(
        format!("{path}.name"),
        format!("expected at most 63 of a-z, 0-9 and inner -, found {}", quoted(name)),
    );
    None
}

fn node_port(
    port: &api::ServicePort,
    path: &str,
    kind: &ServiceKind,
    report: &mut Report,
) -> Option<NonZeroU16> {
    let field = || format!("{path}.nodePort");
    let number = report.accept(parse_optional_port(port.node_port.as_ref()), field)??;
    if matches!(kind, ServiceKind::NodePort | ServiceKind::LoadBalancer(_)) {
        return Some(number);
    }
    report.reject(
        field(),
        format!("expected only where type is NodePort or LoadBalancer, found {number}"),
    );
    None
}
