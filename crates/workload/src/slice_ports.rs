//! Which ports has a Pod for a Service?

use ingest::api::{EndpointPort, IntOrString, ServicePort};
use model::Protocol;

use crate::api::{Pod, Service};

/// The ports of the Service that the Pod has, with the Pod's numbers. A name that no container of
/// the Pod has leaves its port out.
pub(crate) fn slice_ports(service: &Service, pod: &Pod) -> Vec<EndpointPort> {
    let ports = &service.object.spec.ports;
    ports.iter().filter_map(|port| slice_port(port, pod)).collect()
}

fn slice_port(port: &ServicePort, pod: &Pod) -> Option<EndpointPort> {
    let protocol = port.protocol.as_deref().unwrap_or("TCP");
    let number = match port.target_port.as_ref().or(port.port.as_ref())? {
        IntOrString::Int(0) => port.port.clone()?,
        IntOrString::Int(number) => IntOrString::Int(*number),
        IntOrString::String(name) => number_of(pod, name, protocol)?.into(),
    };
    Some(EndpointPort {
        name: Some(port.name.clone().unwrap_or_default()),
        protocol: Some(protocol.to_owned()),
        port: Some(number),
        app_protocol: port.app_protocol.clone(),
    })
}

fn number_of(pod: &Pod, name: &str, protocol: &str) -> Option<u16> {
    let spec = &pod.spec;
    let sidecars = spec.init_containers.iter().filter(|container| container.is_sidecar());
    let mut ports = spec.containers.iter().chain(sidecars).flat_map(|container| &container.ports);
    ports
        .find(|port| port.name == name && Protocol::from(port.protocol).as_str() == protocol)
        .map(|port| port.container_port.get())
}
