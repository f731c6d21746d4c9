//! Which names does one Service have, and what do they lead to?
//!
//! Made once when the Service changes. Addresses stand as octets one behind the other, as they are
//! copied into replies. An endpoint without a hostname has no name of its own here: its label follows
//! from its address.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

use model::{
    ByFamily, Family, ImportKind, Protocol, Service, ServiceImport, ServiceKind, ServiceName,
};

use crate::wire::Name;
use crate::zone::endpoint_name::address_of;
use crate::zone::hosts::{Hosts, Naming, zones};
use crate::zone::settings::Settings;

/// What stands below a Service's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceNames {
    pub name: ServiceName,
    /// Seconds since 1970: of two Services with one address, the older has the address's name.
    pub created_s: i64,
    pub stands: Stands,
    /// Addresses of ready endpoints that are named after their addresses, sorted.
    pub dashed: ByFamily<Box<[u8]>>,
    /// Ready endpoints that have a hostname, sorted by their labels.
    pub named: Box<[NamedHost]>,
    /// Endpoints that are not ready, and so have no name.
    pub unready: u32,
    /// The ready endpoints of each topology zone, where there are names for that.
    pub zones: Box<[ZoneNames]>,
}

/// What a Service's own name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stands {
    /// For addresses of its own.
    Addresses { addresses: ByFamily<Box<[u8]>>, ports: Box<[ServicePortNumber]> },
    /// For its ready endpoints.
    Endpoints { addresses: ByFamily<Box<[u8]>>, srv: Box<[Srv]> },
    /// For another name; `None` where that is none, an address among them.
    Alias(Option<Name>),
}

/// The ready endpoints of one topology zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneNames {
    /// The zone's name as labels, in wire form without the root.
    pub labels: Box<[u8]>,
    /// The Service, as if it had these alone.
    pub names: ServiceNames,
}

/// A port of a Service with an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePortNumber {
    /// May be empty.
    pub name: Arc<str>,
    pub protocol: Protocol,
    pub port: NonZeroU16,
}

/// One endpoint at one port of a headless Service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Srv {
    /// The endpoint's labels below the Service, in wire form without the root.
    pub labels: Box<[u8]>,
    /// The port's name; may be empty.
    pub name: Arc<str>,
    pub protocol: Protocol,
    pub port: u16,
}

/// An endpoint by its name: one hostname may have many addresses, and may be how another address is
/// written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Host<'z> {
    pub named: Option<&'z NamedHost>,
    pub dashed: Option<IpAddr>,
}

impl Host<'_> {
    pub(crate) fn count(&self) -> usize {
        let named = self.named.map_or(0, |named| count(&named.addresses));
        named + usize::from(self.dashed.is_some())
    }
}

/// How many addresses stand as octets.
pub(crate) fn count(addresses: &ByFamily<Box<[u8]>>) -> usize {
    Family::ALL.iter().map(|family| addresses.get(*family).len() / width(*family)).sum()
}

/// Whether an address is among sorted ones.
fn holds(sorted: &[u8], width: usize, address: IpAddr) -> bool {
    with_octets(address, |octets| {
        let (mut low, mut high) = (0, sorted.len() / width);
        while low < high {
            let middle = usize::midpoint(low, high);
            match sorted.get(middle * width..(middle + 1) * width).map(|it| it.cmp(octets)) {
                Some(Ordering::Less) => low = middle + 1,
                Some(Ordering::Greater) => high = middle,
                Some(Ordering::Equal) => return true,
                None => return false,
            }
        }
        false
    })
}

/// Addresses that share a hostname.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedHost {
    /// In wire form without the root; two where a cluster's name stands behind the hostname.
    pub labels: Box<[u8]>,
    pub addresses: ByFamily<Box<[u8]>>,
}

impl ServiceNames {
    pub(crate) fn of_service(service: &Service, settings: &Settings) -> Self {
        let naming = Naming { pod_names: settings.endpoint_pod_names, with_cluster: false };
        let hosts = Hosts::new(&service.slices, naming);
        let stands = match &service.kind {
            ServiceKind::ExternalName(target) => Stands::Alias(alias(target)),
            ServiceKind::ClusterIp | ServiceKind::NodePort | ServiceKind::LoadBalancer(_)
                if service.cluster_ips.is_empty() =>
            {
                hosts.stands()
            }
            ServiceKind::ClusterIp | ServiceKind::NodePort | ServiceKind::LoadBalancer(_) => {
                let ports = service.ports.iter().map(|port| ServicePortNumber {
                    name: Arc::clone(&port.name),
                    protocol: port.protocol,
                    port: port.port,
                });
                Stands::Addresses {
                    addresses: octets(&service.cluster_ips),
                    ports: ports.collect(),
                }
            }
        };
        let is_headless = matches!(stands, Stands::Endpoints { .. });
        let mut names = hosts.finish((&service.name, service.created_s), stands);
        if settings.zonal && is_headless {
            names.zones = zones(&names, &service.slices, naming);
        }
        names
    }

    /// Only a headless one has names of endpoints, and each says which cluster it is in: of the
    /// others, the clusters are nobody's concern.
    pub(crate) fn of_import(import: &ServiceImport, settings: &Settings) -> Self {
        match import.kind {
            ImportKind::Headless => {
                let pod_names = settings.endpoint_pod_names;
                let naming = Naming { pod_names, with_cluster: true };
                let hosts = Hosts::new(&import.slices, naming);
                let stands = hosts.stands();
                hosts.finish((&import.name, 0), stands)
            }
            ImportKind::ClusterSetIp => {
                let ports = import.ports.iter().map(|port| ServicePortNumber {
                    name: Arc::clone(&port.name),
                    protocol: port.protocol,
                    port: port.port,
                });
                let addresses = octets(&import.ips);
                let stands = Stands::Addresses { addresses, ports: ports.collect() };
                Hosts::default().finish((&import.name, 0), stands)
            }
        }
    }

    /// The endpoints of a hostname, or the one of an address that is written so. `labels` is in lower
    /// case and in wire form, without the root.
    #[must_use]
    pub fn host(&self, labels: &[u8]) -> Option<Host<'_>> {
        let at = self.named.binary_search_by(|host| (*host.labels).cmp(labels));
        let named = at.ok().and_then(|at| self.named.get(at));
        let alone = labels.split_first().filter(|(len, rest)| usize::from(**len) == rest.len());
        let said = alone.and_then(|(_, label)| address_of(label));
        let dashed = said.filter(|address| {
            let family = Family::of(*address);
            holds(self.dashed.get(family), width(family), *address)
        });
        (named.is_some() || dashed.is_some()).then_some(Host { named, dashed })
    }

    /// Whether any endpoint is ready.
    #[must_use]
    pub fn has_ready(&self) -> bool {
        !(self.named.is_empty() && Family::ALL.iter().all(|it| self.dashed.get(*it).is_empty()))
    }

    /// The addresses that lead back to this Service: its own, and those of its endpoints.
    pub(crate) fn addresses(&self) -> BTreeSet<IpAddr> {
        let own = match &self.stands {
            Stands::Addresses { addresses, .. } => Some(addresses),
            Stands::Endpoints { .. } | Stands::Alias(_) => None,
        };
        let hosts = self.named.iter().map(|host| &host.addresses);
        let all = own.into_iter().chain([&self.dashed]).chain(hosts);
        all.flat_map(|octets| Family::ALL.map(|it| (it, octets.get(it))))
            .flat_map(|(family, octets)| addresses_in(family, octets))
            .collect()
    }
}

/// The addresses that stand as octets.
pub(crate) fn addresses_in(family: Family, octets: &[u8]) -> impl Iterator<Item = IpAddr> {
    octets.chunks_exact(width(family)).filter_map(|chunk| match chunk.len() {
        4 => <[u8; 4]>::try_from(chunk).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(chunk).ok().map(IpAddr::from),
    })
}

/// Octets of an address.
pub(crate) const fn width(family: Family) -> usize {
    match family {
        Family::V4 => 4,
        Family::V6 => 16,
    }
}

/// An address's octets, whatever its family.
pub(crate) fn with_octets<T>(address: IpAddr, then: impl FnOnce(&[u8]) -> T) -> T {
    match address {
        IpAddr::V4(address) => then(&address.octets()),
        IpAddr::V6(address) => then(&address.octets()),
    }
}

pub(super) fn octets<'a>(addresses: impl IntoIterator<Item = &'a IpAddr>) -> ByFamily<Box<[u8]>> {
    let mut all: ByFamily<Vec<u8>> = ByFamily::default();
    for address in addresses {
        let into = all.get_mut(Family::of(*address));
        with_octets(*address, |octets| into.extend_from_slice(octets));
    }
    ByFamily { v4: all.v4.into(), v6: all.v6.into() }
}

/// An address is no name, and one that is longer than any name cannot be asked for.
fn alias(target: &str) -> Option<Name> {
    if target.parse::<IpAddr>().is_ok() {
        return None;
    }
    Name::from_text(target).ok().filter(|name| name.as_wire().len() > 1)
}
