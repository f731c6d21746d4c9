//! What stands under a name, and if nothing: why not?

use std::net::IpAddr;
use std::sync::Arc;

use model::{ByFamily, Family, PodName, Protocol};

use crate::wire::{Lowered, suffix_start};
use crate::zone::endpoint_name::address_of;
use crate::zone::names::{Host, NamedHost, ServiceNames, Stands};
use crate::zone::pointer::{self, Reverse};
use crate::zone::{Domain, PodMode, Zone};

/// Where a name stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place<'z> {
    /// In none of our zones.
    Outside,
    /// In one whose own name begins after so many labels.
    Inside { zone_label: usize, domain: Option<Domain>, found: Result<Found<'z>, Absent> },
}

/// What stands under a name of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<'z> {
    /// The zone's own name.
    Apex,
    /// `dns-version`
    Version,
    /// `ns.dns`
    NameServer,
    /// Nothing, but there are names below it (RFC 8020).
    Empty,
    Service(&'z Arc<ServiceNames>),
    Host(&'z Arc<ServiceNames>, Host<'z>),
    /// `_http._tcp` of a Service.
    Port {
        service: &'z Arc<ServiceNames>,
        name: &'z str,
        protocol: Protocol,
    },
    /// The endpoints of one topology zone, or all where that one is only preferred; `None` where it
    /// has none.
    Zonal(&'z Arc<ServiceNames>, Option<&'z ServiceNames>),
    /// A pod's address.
    Pod(IpAddr),
    /// An address that leads back to names.
    Pointers(IpAddr),
}

/// Why there is no such name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Absent {
    /// No name of a cluster has this form.
    Form,
    /// The namespace is not there, or hidden.
    Namespace,
    Service,
    /// The Service is there and has no endpoint that is ready.
    NotReady,
    /// The Service has no endpoint of that name that is ready.
    Endpoint,
    /// The Service has no port of that name and protocol.
    Port,
    /// An ExternalName has nothing below it.
    BelowAlias,
    /// What the ExternalName says is no name.
    BadAlias,
    /// Pods have no names here.
    PodsDisabled,
    /// No Pod of the namespace has the address.
    Pod,
    /// Nothing has the address.
    Address,
}

impl Zone {
    /// What stands under a name. Nothing is allocated.
    #[must_use]
    pub fn find(&self, name: &Lowered) -> Place<'_> {
        let settings = &self.settings;
        if let Some(labels) = name.labels_before(settings.domain.as_wire()) {
            return self.inside(Domain::Cluster, name, labels);
        }
        let clusterset = settings.clusterset.as_ref();
        if let Some(labels) = clusterset.and_then(|zone| name.labels_before(zone.as_wire())) {
            return self.inside(Domain::ClusterSet, name, labels);
        }
        self.find_reverse(name)
    }

    fn inside(&self, domain: Domain, name: &Lowered, labels: usize) -> Place<'_> {
        let found = self.find_below(domain, name, labels);
        Place::Inside { zone_label: labels, domain: Some(domain), found }
    }

    fn find_below(
        &self,
        domain: Domain,
        name: &Lowered,
        labels: usize,
    ) -> Result<Found<'_>, Absent> {
        let from_right = |at: usize| labels.checked_sub(at + 1).and_then(|at| name.label(at));
        let Some(kind) = from_right(0) else { return Ok(Found::Apex) };
        let namespace = from_right(1);
        match (kind, namespace) {
            (b"svc", None) => Ok(Found::Empty),
            (b"pod", None) if domain == Domain::Cluster => Ok(Found::Empty),
            (b"dns-version", None) => Ok(Found::Version),
            (b"dns", None) => Ok(Found::Empty),
            (b"dns", Some(b"ns")) if labels == 2 => Ok(Found::NameServer),
            (b"svc", Some(namespace)) => {
                let names = self.tree(domain).namespaces.get(namespace).ok_or(Absent::Namespace)?;
                let Some(label) = from_right(2) else { return Ok(Found::Empty) };
                let service = names.get(label).ok_or(Absent::Service)?;
                self.find_in_service(service, domain, name, labels - 3)
            }
            (b"pod", Some(namespace)) if domain == Domain::Cluster => {
                self.find_pod(namespace, name, labels)
            }
            (_, _) => Err(Absent::Form),
        }
    }

    fn find_in_service<'z>(
        &self,
        service: &'z Arc<ServiceNames>,
        domain: Domain,
        name: &Lowered,
        below: usize,
    ) -> Result<Found<'z>, Absent> {
        if self.settings.zonal && domain == Domain::Cluster && is_zonal(service, name, below) {
            return find_zonal(service, name, below);
        }
        match &service.stands {
            Stands::Alias(None) => return Err(Absent::BadAlias),
            Stands::Alias(Some(_)) if below > 0 => return Err(Absent::BelowAlias),
            Stands::Endpoints { addresses, .. } if is_none(addresses) => {
                return Err(Absent::NotReady);
            }
            Stands::Addresses { .. }
                if self.settings.ignores_empty_services
                    && domain == Domain::Cluster
                    && !service.has_ready() =>
            {
                return Err(Absent::NotReady);
            }
            Stands::Alias(Some(_)) | Stands::Endpoints { .. } | Stands::Addresses { .. } => {}
        }
        match (below, name.label(0), name.label(1)) {
            (0, ..) => Ok(Found::Service(service)),
            (1, Some([b'_', protocol @ ..]), _) => find_protocol(service, protocol),
            (2, Some([b'_', port @ ..]), Some([b'_', protocol @ ..])) => {
                find_port(service, port, protocol)
            }
            // A cluster's name may have several labels.
            _ if below == 1 || domain == Domain::ClusterSet => {
                let labels = name.as_wire().get(..name.start(below)).unwrap_or_default();
                find_host(service, labels)
            }
            _ => Err(if below > 2 { Absent::Form } else { Absent::Endpoint }),
        }
    }

    fn find_pod(
        &self,
        namespace: &[u8],
        name: &Lowered,
        labels: usize,
    ) -> Result<Found<'_>, Absent> {
        if !self.cluster.namespaces.contains_key(namespace) {
            return Err(Absent::Namespace);
        }
        if labels == 2 {
            return Ok(Found::Empty);
        }
        if self.settings.pods == PodMode::Disabled {
            return Err(Absent::PodsDisabled);
        }
        let label = name.label(0).filter(|_| labels == 3).ok_or(Absent::Form)?;
        let address = address_of(label).ok_or(Absent::Pod)?;
        let has_it = |address: IpAddr| {
            let first = PodName { namespace: Arc::default(), name: Arc::default() };
            let of_address = self.pods.range((address, first)..);
            let mut of_address = of_address.take_while(|(of, _)| *of == address);
            of_address.any(|(_, pod)| pod.namespace.as_bytes() == namespace)
        };
        match self.settings.pods {
            PodMode::Verified if !has_it(address) => Err(Absent::Pod),
            PodMode::Verified | PodMode::Insecure | PodMode::Disabled => Ok(Found::Pod(address)),
        }
    }

    fn find_reverse(&self, name: &Lowered) -> Place<'_> {
        let Some(reverse) = Reverse::of(name) else { return Place::Outside };
        let zones = self.settings.reverse.iter();
        let mut ours = zones.filter_map(|zone| name.labels_before(zone.as_wire()));
        let zone_label = ours.next();
        let found = match reverse {
            Reverse::Address(address) if self.has_pointer(address) => Ok(Found::Pointers(address)),
            _ if zone_label == Some(0) => Ok(Found::Apex),
            Reverse::Within(first, last) if self.has_pointer_within(first, last) => {
                Ok(Found::Empty)
            }
            Reverse::Address(_) | Reverse::Within(..) | Reverse::NoAddress => Err(Absent::Address),
        };
        let root = name.label_count().saturating_sub(pointer::ROOT_LABELS);
        match (zone_label, &found) {
            (Some(zone_label), _) => Place::Inside { zone_label, domain: None, found },
            (None, Ok(Found::Pointers(_))) => {
                Place::Inside { zone_label: root, domain: None, found }
            }
            (None, _) => Place::Outside,
        }
    }
}

fn is_none(addresses: &ByFamily<Box<[u8]>>) -> bool {
    Family::ALL.iter().all(|family| addresses.get(*family).is_empty())
}

/// `_tcp`, which has ports below it.
fn find_protocol<'z>(service: &'z ServiceNames, protocol: &[u8]) -> Result<Found<'z>, Absent> {
    let protocol = protocol_of(protocol).ok_or(Absent::Port)?;
    let some = port_name(service, |name, of| of == protocol && !name.is_empty());
    some.map(|_| Found::Empty).ok_or(Absent::Port)
}

/// An endpoint, or the end of the names of some: a cluster that has endpoints.
fn find_host<'z>(service: &'z Arc<ServiceNames>, labels: &[u8]) -> Result<Found<'z>, Absent> {
    if let Some(host) = service.host(labels) {
        return Ok(Found::Host(service, host));
    }
    let is_below = |host: &NamedHost| suffix_start(&host.labels, labels).is_some_and(|at| at > 0);
    let is_empty = service.named.iter().any(is_below);
    if is_empty { Ok(Found::Empty) } else { Err(Absent::Endpoint) }
}

/// `us-west-2a.pin._zone` of a Service that stands for its endpoints.
fn is_zonal(service: &ServiceNames, name: &Lowered, below: usize) -> bool {
    below > 2
        && matches!(service.stands, Stands::Endpoints { .. })
        && name.label(below - 1) == Some(b"_zone")
}

fn find_zonal<'z>(
    service: &'z Arc<ServiceNames>,
    name: &Lowered,
    below: usize,
) -> Result<Found<'z>, Absent> {
    let labels = name.as_wire().get(..name.start(below - 2)).unwrap_or_default();
    let at = service.zones.binary_search_by(|zone| (*zone.labels).cmp(labels));
    let zone = at.ok().and_then(|at| service.zones.get(at)).map(|zone| &zone.names);
    match name.label(below - 2) {
        Some(b"pin") => Ok(Found::Zonal(service, zone)),
        Some(b"prefer") => Ok(Found::Zonal(service, zone.or(Some(service)))),
        Some(_) | None => Err(Absent::Endpoint),
    }
}

fn find_port<'z>(
    service: &'z Arc<ServiceNames>,
    port: &[u8],
    protocol: &[u8],
) -> Result<Found<'z>, Absent> {
    let protocol = protocol_of(protocol).ok_or(Absent::Port)?;
    let is_it = |name: &str, of: Protocol| {
        of == protocol && !name.is_empty() && name.as_bytes().eq_ignore_ascii_case(port)
    };
    let name = port_name(service, is_it).ok_or(Absent::Port)?;
    Ok(Found::Port { service, name, protocol })
}

fn port_name(service: &ServiceNames, is_it: impl Fn(&str, Protocol) -> bool) -> Option<&str> {
    match &service.stands {
        Stands::Addresses { ports, .. } => {
            let port = ports.iter().find(|port| is_it(&port.name, port.protocol));
            port.map(|port| &*port.name)
        }
        Stands::Endpoints { srv, .. } => {
            let srv = srv.iter().find(|srv| is_it(&srv.name, srv.protocol));
            srv.map(|srv| &*srv.name)
        }
        Stands::Alias(_) => None,
    }
}

fn protocol_of(label: &[u8]) -> Option<Protocol> {
    let known = Protocol::ALL.into_iter();
    known.into_iter().find(|it| it.as_str().as_bytes().eq_ignore_ascii_case(label))
}
