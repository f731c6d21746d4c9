//! Which of its addresses is meant, when a Service is named by its own name?

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

use model::{Family, Frontend, Protocol, Service, ServiceName};

use crate::name::{End, Names, Wish};
use crate::place::Place;
use crate::question::Refusal;
use crate::target::PortName;
use crate::trace::{Object, Origin};

impl Names<'_> {
    /// A Service by its own name: the address that the one who asks would use.
    pub(crate) fn service(
        &mut self,
        name: &ServiceName,
        port: Option<&PortName>,
        protocol: Option<Protocol>,
    ) -> Result<(Option<Arc<Service>>, End), Refusal> {
        let Some(service) = self.view.cluster().services.get(name).map(Arc::clone) else {
            return Err(Refusal::absent(format!("no such Service: {name}"), self.nearest(name)));
        };
        let found = find_port(&service, port, protocol)?;
        let wish = Wish { scheme: None, port: found.0, protocol: found.1 };
        let whole = format!("{}.{}.svc.{}", name.name, name.namespace, self.domain());
        // Of an ExternalName and of a headless Service only the DNS tells where they lead.
        if service.cluster_ips.is_empty() {
            return self.single(&whole, &whole, Some(wish));
        }
        let (address, port, field) = match self.for_outside(&service, found.2) {
            Some(outside) => outside,
            None => {
                let address = self.cluster_ip(&service)?;
                self.note_other_family(&service, address);
                (address, wish.port, "spec.clusterIPs")
            }
        };
        let origin = Origin::new(Object::service(name), field, address);
        let frontend = Frontend { address, protocol: wish.protocol, port };
        let says = format!("Service {name} is asked for at {frontend}");
        self.say(says, vec![origin]);
        Ok((Some(service), End::Frontend(frontend)))
    }

    /// For a client outside, the first address that is made for such.
    fn for_outside(
        &self,
        service: &Service,
        node_port: Option<NonZeroU16>,
    ) -> Option<(IpAddr, NonZeroU16, &'static str)> {
        let is_outside = match &self.asker.place {
            Place::Outside => true,
            Place::Node(_) | Place::Pod(_) | Place::Arriving(_) => false,
        };
        if !is_outside {
            return None;
        }
        let wanted = self.family.or_else(|| self.asker.family());
        let fits = |address: &IpAddr| wanted.is_none_or(|family| Family::of(*address) == family);
        let port = service.ports.iter().find(|port| port.node_port == node_port)?.port;
        for (is_load_balancer, field) in
            [(true, "status.loadBalancer.ingress"), (false, "spec.externalIPs")]
        {
            let mut external =
                service.external.iter().filter(|it| it.load_balancer == is_load_balancer);
            if let Some(found) = external.find(|external| fits(&external.address)) {
                return Some((found.address, port, field));
            }
        }
        let has_family = |address: &&IpAddr| service.cluster_ip(Family::of(**address)).is_some();
        let mut own = self.view.here.node.node_port_addresses.iter();
        let own = own.find(|address| fits(address) && has_family(address)).copied();
        Some((own?, node_port?, "spec.ports[].nodePort"))
    }

    /// A hint for a Service that is not there.
    fn nearest(&self, name: &ServiceName) -> String {
        let services = || self.view.cluster().services.keys();
        let same_name = services().find(|known| known.name == name.name);
        let same_namespace = services().find(|known| known.namespace == name.namespace);
        match same_name.or(same_namespace).or_else(|| services().next()) {
            Some(other) => format!("there is svc/{other}, for example"),
            None => "there is no Service at all".to_owned(),
        }
    }
}

/// The port of a Service, by number or name; the first, if none is named. Its number, protocol and
/// node port. A number that the Service has not is taken as it is: there is an answer to that too.
fn find_port(
    service: &Service,
    port: Option<&PortName>,
    protocol: Option<Protocol>,
) -> Result<(NonZeroU16, Protocol, Option<NonZeroU16>), Refusal> {
    let fits = |known: &&model::ServicePort| protocol.is_none_or(|it| known.protocol == it);
    let mut ports = service.ports.iter().filter(fits);
    let found = match port {
        None => ports.next(),
        Some(PortName::Number(number)) => ports.find(|known| known.port == *number),
        Some(PortName::Name(name)) => ports.find(|known| *known.name == **name),
    };
    if let Some(found) = found {
        return Ok((found.port, found.protocol, found.node_port));
    }
    if let Some(PortName::Number(number)) = port {
        return Ok((*number, protocol.unwrap_or(Protocol::Tcp), None));
    }
    let known: Vec<String> = service
        .ports
        .iter()
        .map(|port| match &*port.name {
            "" => format!("{}/{}", port.port, port.protocol),
            name => format!("{name} ({}/{})", port.port, port.protocol),
        })
        .collect();
    let hint = if known.is_empty() {
        "name one by its number: svc/NAMESPACE/NAME:PORT".to_owned()
    } else {
        format!("it has {}", known.join(", "))
    };
    let wanted = match port {
        Some(PortName::Name(name)) => format!("no such port of Service {}: {name}", service.name),
        Some(PortName::Number(_)) | None => format!("no port of Service {} fits", service.name),
    };
    Err(Refusal::absent(wanted, hint))
}
