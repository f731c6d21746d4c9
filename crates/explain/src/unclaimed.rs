//! What of a packet for which no Service has a frontend?

use std::net::IpAddr;

use model::{Explained, Service, Verdict as Decided};

use crate::announced;
use crate::direct;
use crate::scene::Scene;
use crate::trace::{Object, Origin, Stage};
use crate::verdict::{Outcome, Verdict};
use crate::walk::Way;
use crate::warning::{Warning, WarningKind};

pub(crate) fn at(scene: &Scene<'_>, decided: Explained<Decided>) -> Way {
    let Explained { value, origins } = decided;
    let packet = scene.packet;
    let frontend = packet.frontend();
    let mut verdict = Verdict::at(scene.node(), Outcome::NotService, String::new());
    let origins: Vec<Origin> = origins.iter().map(Origin::from).collect();
    let says = match value {
        Decided::Reject(reason) => {
            verdict.set_reject(reason);
            format!(
                "{} is a ClusterIP, and its Service has no such port: {frontend}",
                packet.destination
            )
        }
        Decided::Drop(reason) => {
            verdict.set_drop(reason);
            format!("{} is in a ServiceCIDR, and no Service has it", packet.destination)
        }
        Decided::NotService | Decided::Forward { .. } => {
            if let Some(way) = direct::to_address(scene) {
                return way;
            }
            verdict.says =
                "is no Service's business, and is routed as if there were none".to_owned();
            format!("no Service has a frontend {frontend} on node {}", scene.node())
        }
    };
    let hops = vec![scene.hop(Stage::Frontend, says, origins)];
    let mut warnings: Vec<Warning> = Vec::new();
    if verdict.outcome == Outcome::NotService {
        warnings.extend(node_port(scene));
        warnings.extend(other_port(scene));
        warnings.extend(announced::unallocated(scene.view, packet.destination));
    }
    Way { hops, verdict, warnings }
}

/// A node port that is asked for at an address which does not accept node ports.
fn node_port(scene: &Scene<'_>) -> Option<Warning> {
    let packet = scene.packet;
    let node = &scene.table.node;
    if !node.local_addresses.contains(&packet.destination) && !packet.destination.is_loopback() {
        return None;
    }
    let (service, port) = scene.table.services.values().find_map(|service| {
        let mut ports = service.service.ports.iter();
        let wanted = ports.find(|port| {
            port.node_port == Some(packet.destination_port) && port.protocol == packet.protocol
        })?;
        Some((service, wanted))
    })?;
    let accepting: Vec<String> = node.node_port_addresses.iter().map(IpAddr::to_string).collect();
    let accepting = if accepting.is_empty() { "none".to_owned() } else { accepting.join(", ") };
    let says = format!(
        "{} is a node port of Service {}, but {} accepts none; on node {} these do: {accepting}",
        packet.destination_port,
        service.name(),
        packet.destination,
        scene.node()
    );
    let port = Origin::new(
        Object::service(service.name()),
        "spec.ports[].nodePort",
        port.node_port.map_or(0, u16::from),
    );
    let origins = vec![Origin::new(Object::agent(), "--nodeport-addresses", accepting), port];
    Some(Warning { origins, ..Warning::new(WarningKind::NodePortAddress, says) })
}

/// An external address of a Service, at a port that it does not have.
fn other_port(scene: &Scene<'_>) -> Option<Warning> {
    let destination = scene.packet.destination;
    let has = |service: &&Service| {
        service.external.iter().any(|external| external.address == destination)
    };
    let service = scene.view.cluster().services.values().map(AsRef::as_ref).find(has)?;
    let ports: Vec<String> =
        service.ports.iter().map(|port| format!("{}/{}", port.port, port.protocol)).collect();
    let says = format!(
        "{destination} is an address of Service {}, which has the ports {}",
        service.name,
        ports.join(", ")
    );
    let origin = Origin::new(Object::service(&service.name), "spec.ports", ports.join(","));
    Some(Warning { origins: vec![origin], ..Warning::new(WarningKind::OtherPort, says) })
}
