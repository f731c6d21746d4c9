//! Which names have the endpoints of a Service's slices?

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use model::{Endpoint, EndpointSlice, ServiceName};

use crate::zone::endpoint_name::DashedLabel;
use crate::zone::names::{NamedHost, ServiceNames, Srv, Stands, ZoneNames, octets};

/// The longest label.
const LABEL_LEN_MAX: usize = 63;

/// Which endpoints, and how they are named.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'w> {
    /// After their Pods, where they have no hostname.
    pub(super) pod_names: bool,
    /// With their cluster's name. Those that say not which cluster they are in have no name then.
    pub(super) with_cluster: bool,
    /// Only those of a topology zone, in lower case.
    pub(super) zone: Option<&'w str>,
}

impl Wanted<'_> {
    fn is_in_zone(&self, endpoint: &Endpoint) -> bool {
        let zone = endpoint.zone.as_deref().unwrap_or_default();
        self.zone.is_none_or(|wanted| zone.eq_ignore_ascii_case(wanted))
    }
}

/// The endpoints of each topology zone that has ready ones, sorted by the zone's labels. Case does not
/// count in names.
pub(super) fn zones(
    service: &ServiceNames,
    slices: &[Arc<EndpointSlice>],
    wanted: Wanted<'_>,
) -> Box<[ZoneNames]> {
    let endpoints = slices.iter().flat_map(|slice| slice.endpoints().iter());
    let ready = endpoints.filter(|endpoint| endpoint.ready);
    let named = ready.filter_map(|endpoint| endpoint.zone.as_deref());
    let named: BTreeSet<String> = named.map(str::to_ascii_lowercase).collect();
    let zones = named.iter().map(|zone| {
        let mut labels = Vec::new();
        for label in zone.split('.') {
            push_label(&mut labels, label);
        }
        let hosts = Hosts::new(slices, Wanted { zone: Some(zone), ..wanted });
        let stands = hosts.stands();
        let names = hosts.finish((&service.name, service.created_s), stands);
        ZoneNames { labels: labels.into(), names }
    });
    let mut zones: Vec<ZoneNames> = zones.collect();
    zones.sort_by(|a, b| a.labels.cmp(&b.labels));
    zones.into()
}

/// The ready endpoints of all slices, each once.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    dashed: BTreeSet<IpAddr>,
    named: BTreeMap<Box<[u8]>, BTreeSet<IpAddr>>,
    /// Those that have no name.
    nameless: BTreeSet<IpAddr>,
    srv: BTreeSet<Srv>,
    unready: u32,
}

impl Hosts {
    pub(super) fn new(slices: &[Arc<EndpointSlice>], wanted: Wanted<'_>) -> Self {
        let Wanted { pod_names, with_cluster, .. } = wanted;
        let mut hosts = Self::default();
        for slice in slices {
            let cluster = slice.cluster.as_deref().filter(|_| with_cluster);
            let is_nameless = with_cluster && cluster.is_none();
            for endpoint in slice.endpoints().iter().filter(|it| wanted.is_in_zone(it)) {
                if !endpoint.ready {
                    hosts.unready += 1;
                    continue;
                }
                let address = endpoint.address.ip();
                let labels = labels(endpoint, pod_names, cluster);
                if is_nameless {
                    hosts.nameless.insert(address);
                } else if labels.is_named || with_cluster {
                    hosts.named.entry(labels.wire).or_default().insert(address);
                } else {
                    hosts.dashed.insert(address);
                }
            }
            if !is_nameless {
                hosts.add_srv(slice, wanted, cluster);
            }
        }
        hosts
    }

    fn add_srv(&mut self, slice: &EndpointSlice, wanted: Wanted<'_>, cluster: Option<&str>) {
        for port in &slice.ports {
            for endpoint in port.endpoints.iter().filter(|it| it.ready && wanted.is_in_zone(it)) {
                self.srv.insert(Srv {
                    labels: labels(endpoint, wanted.pod_names, cluster).wire,
                    name: Arc::clone(&port.name),
                    protocol: port.protocol,
                    port: endpoint.address.port(),
                });
            }
        }
    }

    pub(super) fn stands(&self) -> Stands {
        let named = self.named.values().flatten();
        let all: BTreeSet<IpAddr> =
            named.chain(&self.dashed).chain(&self.nameless).copied().collect();
        Stands::Endpoints { addresses: octets(&all), srv: self.srv.iter().cloned().collect() }
    }

    pub(super) fn finish(
        self,
        (name, created_s): (&ServiceName, i64),
        stands: Stands,
    ) -> ServiceNames {
        let named = self.named.into_iter();
        ServiceNames {
            name: name.clone(),
            created_s,
            stands,
            dashed: octets(&self.dashed),
            named: named
                .map(|(labels, addresses)| NamedHost { labels, addresses: octets(&addresses) })
                .collect(),
            unready: self.unready,
            zones: Box::default(),
        }
    }
}

struct Labels {
    wire: Box<[u8]>,
    is_named: bool,
}

/// Hostname, then the Pod's name where that is wished and fits, then the address.
fn labels(endpoint: &Endpoint, pod_names: bool, cluster: Option<&str>) -> Labels {
    let pod = endpoint.pod.as_deref().filter(|pod| pod_names && is_label(pod));
    let name = endpoint.hostname.as_deref().filter(|name| is_label(name)).or(pod);
    let mut wire = Vec::new();
    match name {
        Some(name) => push_label(&mut wire, name),
        None => wire.extend_from_slice(DashedLabel::of(endpoint.address.ip()).as_wire()),
    }
    for label in cluster.into_iter().flat_map(|cluster| cluster.split('.')) {
        push_label(&mut wire, label);
    }
    Labels { wire: wire.into(), is_named: name.is_some() }
}

/// A Pod's name may have dots, and then is no label.
fn is_label(text: &str) -> bool {
    (1..=LABEL_LEN_MAX).contains(&text.len()) && !text.contains('.')
}

fn push_label(wire: &mut Vec<u8>, label: &str) {
    wire.push(u8::try_from(label.len()).unwrap_or_default());
    wire.extend(label.bytes().map(|octet| octet.to_ascii_lowercase()));
}
