//! Which names have the endpoints of a Service's slices?

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use model::{Endpoint, EndpointSlice, ServiceName, SlicePort};

use crate::zone::endpoint_name::DashedLabel;
use crate::zone::names::{NamedHost, ServiceNames, Srv, Stands, ZoneNames, octets};

/// The longest label.
const LABEL_LEN_MAX: usize = 63;

/// How endpoints are named.
#[derive(Debug, Clone, Copy)]
pub(super) struct Naming {
    /// After their Pods, where they have no hostname.
    pub(super) pod_names: bool,
    /// With their cluster's name. Those that say not which cluster they are in have no name then.
    pub(super) with_cluster: bool,
}

/// The endpoints of each topology zone that has ready ones, sorted by the zone's labels. Case does not
/// count in names. Each endpoint is looked at as often as it stands in the slices, however many zones
/// there are.
pub(super) fn zones(
    service: &ServiceNames,
    slices: &[Arc<EndpointSlice>],
    naming: Naming,
) -> Box<[ZoneNames]> {
    let mut by_zone: BTreeMap<String, Hosts> = BTreeMap::new();
    let key = |endpoint: &Endpoint| {
        let zone = endpoint.zone.as_deref().filter(|zone| !zone.is_empty());
        zone.map(str::to_ascii_lowercase)
    };
    for slice in slices {
        let named = Named::of(slice, naming);
        for endpoint in slice.endpoints().iter() {
            if let Some(zone) = key(endpoint) {
                by_zone.entry(zone).or_default().add(endpoint, named);
            }
        }
        for (port, endpoint) in named.at_ports(slice) {
            if let Some(zone) = key(endpoint) {
                by_zone.entry(zone).or_default().add_srv(port, endpoint, named);
            }
        }
    }
    let zones = by_zone.into_iter().filter(|(_, hosts)| hosts.has_ready()).map(|(zone, hosts)| {
        let mut labels = Vec::new();
        for label in zone.split('.') {
            push_label(&mut labels, label);
        }
        let stands = hosts.stands();
        let names = hosts.finish((&service.name, service.created_s), stands);
        ZoneNames { labels: labels.into(), names }
    });
    let mut zones: Vec<ZoneNames> = zones.collect();
    zones.sort_by(|a, b| a.labels.cmp(&b.labels));
    zones.into()
}

/// How those of one slice are named.
#[derive(Debug, Clone, Copy)]
struct Named<'s> {
    naming: Naming,
    cluster: Option<&'s str>,
    /// They should be named with their cluster, which nobody says.
    is_nameless: bool,
}

impl<'s> Named<'s> {
    fn of(slice: &'s EndpointSlice, naming: Naming) -> Self {
        let cluster = slice.cluster.as_deref().filter(|_| naming.with_cluster);
        Self { naming, cluster, is_nameless: naming.with_cluster && cluster.is_none() }
    }

    /// The ready endpoints of each port, where they have names.
    fn at_ports(
        self,
        slice: &'s EndpointSlice,
    ) -> impl Iterator<Item = (&'s SlicePort, &'s Endpoint)> {
        let ports = slice.ports.iter().filter(move |_| !self.is_nameless);
        ports.flat_map(|port| {
            port.endpoints.iter().filter(|it| it.ready).map(move |endpoint| (port, endpoint))
        })
    }
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
    pub(super) fn new(slices: &[Arc<EndpointSlice>], naming: Naming) -> Self {
        let mut hosts = Self::default();
        for slice in slices {
            let named = Named::of(slice, naming);
            for endpoint in slice.endpoints().iter() {
                hosts.add(endpoint, named);
            }
            for (port, endpoint) in named.at_ports(slice) {
                hosts.add_srv(port, endpoint, named);
            }
        }
        hosts
    }

    fn add(&mut self, endpoint: &Endpoint, named: Named<'_>) {
        #[cfg(test)]
        tests::LOOKED_AT.set(tests::LOOKED_AT.get() + 1);
        if !endpoint.ready {
            self.unready += 1;
            return;
        }
        let address = endpoint.address.ip();
        let labels = labels(endpoint, named);
        if named.is_nameless {
            self.nameless.insert(address);
        } else if labels.is_named || named.naming.with_cluster {
            self.named.entry(labels.wire).or_default().insert(address);
        } else {
            self.dashed.insert(address);
        }
    }

    fn add_srv(&mut self, port: &SlicePort, endpoint: &Endpoint, named: Named<'_>) {
        #[cfg(test)]
        tests::LOOKED_AT.set(tests::LOOKED_AT.get() + 1);
        self.srv.insert(Srv {
            labels: labels(endpoint, named).wire,
            name: Arc::clone(&port.name),
            protocol: port.protocol,
            port: endpoint.address.port(),
        });
    }

    fn has_ready(&self) -> bool {
        !(self.dashed.is_empty() && self.named.is_empty() && self.nameless.is_empty())
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
fn labels(endpoint: &Endpoint, named: Named<'_>) -> Labels {
    let Named { naming: Naming { pod_names, .. }, cluster, .. } = named;
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fmt::Write as _;

    use ingest::Objects;
    use ingest::manifest::{Manifest, parse};

    use crate::wire::Name;
    use crate::zone::Settings;
    use crate::zone::names::{ServiceNames, count};

    thread_local! {
        /// Endpoints, and endpoints at ports, that were looked at.
        pub(super) static LOOKED_AT: Cell<usize> = const { Cell::new(0) };
    }

    /// The names of a headless Service with this many endpoints in these zones, in turn, at two
    /// ports; and how many endpoints that took.
    fn names(endpoints: usize, zones: usize, zonal: bool) -> (ServiceNames, usize) {
        let mut text = "apiVersion: v1\nkind: Service\nmetadata: {name: peers, namespace: shop}\n\
            spec: {clusterIP: None, ports: [{port: 80}]}\n"
            .to_owned();
        for slice in 0..endpoints.div_ceil(1_000) {
            write!(
                text,
                "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{name: \
                 peers-{slice}, namespace: shop, labels: {{kubernetes.io/service-name: peers}}}}\n\
                 addressType: IPv4\nports: [{{name: a, port: 1}}, {{name: b, port: 2}}]\n\
                 endpoints:\n"
            )
            .unwrap();
            for at in slice * 1_000..endpoints.min((slice + 1) * 1_000) {
                let (high, low, zone) = (at / 250, at % 250, at % zones);
                writeln!(text, "- {{addresses: [10.1.{high}.{low}], zone: z{zone}}}").unwrap();
            }
        }
        let (manifests, rejections) = parse("test.yaml", &text);
        assert_eq!(rejections, []);
        let mut objects = Objects::new();
        for manifest in manifests {
            let Manifest::Object(object) = manifest else { panic!("{manifest:?}") };
            objects.apply(object);
        }
        let table = objects.table();
        let service = table.services.values().next().unwrap();
        let mut settings = Settings::new(Name::from_text("cluster.local").unwrap());
        settings.zonal = zonal;
        LOOKED_AT.set(0);
        let names = ServiceNames::of_service(service, &settings);
        (names, LOOKED_AT.get())
    }

    #[test]
    fn names_of_zones_cost_as_much_again_however_many_zones_there_are() {
        // Each endpoint is looked at once, and once at each port.
        let once = 3_000 * 3;
        assert_eq!(names(3_000, 1, false).1, once);
        for zones in [1, 3, 1_000, 3_000] {
            let (names, looked_at) = names(3_000, zones, true);
            assert_eq!(looked_at, 2 * once, "{zones}");
            let told = names.zones.iter().map(|zone| count(&zone.names.dashed));
            assert_eq!((names.zones.len(), told.sum::<usize>()), (zones, 3_000));
        }
    }
}
