//! How does each name server learn the cluster's names?
//!
//! pogu and CoreDNS get the objects: one from a file, the other from an API server. unbound gets the
//! addresses of all Services and of the headless one, which is less: no names of endpoints, no SRV and
//! no PTR records.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};

use crate::cluster::Number;

use super::question::{CREW, CREW_ENDPOINTS, DOMAIN};

/// The headless Service's number: its endpoints come behind those of all others.
const CREW_NUMBER: Number = Number(10_000);
const NAMESPACE: &str = "default";
const TTL: u32 = 30;
const SOA: &str = "ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 30";

/// An address of the other family that tells as much.
fn v6(address: Ipv4Addr) -> Ipv6Addr {
    let [a, b, c, d] = address.octets().map(u16::from);
    Ipv6Addr::new(0xfd00, 0, 0, 0, a, b, c, d)
}

fn crew() -> Vec<Ipv4Addr> {
    CREW_NUMBER.endpoints(CREW_ENDPOINTS)
}

/// Name and addresses of whatever has some.
fn names(services: usize) -> impl Iterator<Item = (String, Vec<Ipv4Addr>)> {
    (0..services)
        .map(Number)
        .map(|number| (number.name(), vec![number.cluster_ip()]))
        .chain(std::iter::once((CREW.to_owned(), crew())))
}

/// Owner, type and address of each record.
fn records(services: usize) -> impl Iterator<Item = (String, &'static str, String)> {
    names(services).flat_map(|(name, addresses)| {
        let owner = format!("{name}.{NAMESPACE}.svc.{DOMAIN}.");
        let four = addresses.clone().into_iter().map(|address| ("A", address.to_string()));
        let six = addresses.into_iter().map(|address| ("AAAA", v6(address).to_string()));
        four.chain(six).map(move |(kind, address)| (owner.clone(), kind, address))
    })
}

/// The addresses as unbound's configuration has them.
pub(crate) fn unbound_zone(services: usize) -> String {
    let head = format!(
        "local-zone: \"{DOMAIN}.\" static\n\
         local-data: \"{DOMAIN}. {TTL} IN SOA {SOA}\"\n"
    );
    let line =
        |(owner, kind, address)| format!("local-data: \"{owner} {TTL} IN {kind} {address}\"\n");
    head + &records(services).map(line).collect::<String>()
}

/// The objects of the cluster, each Service with so many endpoints of each family.
#[derive(Debug)]
pub(crate) struct Objects {
    pub(crate) namespaces: Vec<Value>,
    pub(crate) services: Vec<Value>,
    pub(crate) slices: Vec<Value>,
}

impl Objects {
    pub(crate) fn new(services: usize, endpoints: usize) -> Self {
        let namespace = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": NAMESPACE, "resourceVersion": "1"},
        });
        let crew = service(CREW, &["None".to_owned()]);
        let mut objects =
            Self { namespaces: vec![namespace], services: vec![crew], slices: Vec::new() };
        objects.add_slices(CREW, &self::crew());
        for number in (0..services).map(Number) {
            let address = number.cluster_ip();
            let addresses = [address.to_string(), v6(address).to_string()];
            objects.services.push(service(&number.name(), &addresses));
            objects.add_slices(&number.name(), &number.endpoints(endpoints));
        }
        objects
    }

    fn add_slices(&mut self, service: &str, endpoints: &[Ipv4Addr]) {
        let four = endpoints.iter().map(Ipv4Addr::to_string).collect::<Vec<_>>();
        let six = endpoints.iter().map(|it| v6(*it).to_string()).collect::<Vec<_>>();
        self.slices.extend([slice(service, "IPv4", &four), slice(service, "IPv6", &six)]);
    }

    /// As a file of manifests.
    pub(crate) fn manifests(&self) -> String {
        let all = self.namespaces.iter().chain(&self.services).chain(&self.slices);
        all.map(|object| format!("{object}\n---\n")).collect()
    }
}

fn service(name: &str, addresses: &[String]) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": NAMESPACE, "resourceVersion": "1"},
        "spec": {
            "type": "ClusterIP",
            "clusterIP": addresses.first(),
            "clusterIPs": addresses,
            "ipFamilies": ["IPv4", "IPv6"],
            "ipFamilyPolicy": "RequireDualStack",
            "ports": [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}],
        },
    })
}

fn slice(service: &str, family: &str, addresses: &[String]) -> Value {
    let endpoint = |address| json!({"addresses": [address], "conditions": {"ready": true}});
    json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": format!("{service}-{}", family.to_ascii_lowercase()),
            "namespace": NAMESPACE,
            "resourceVersion": "1",
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": family,
        "endpoints": addresses.iter().map(endpoint).collect::<Vec<_>>(),
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_an_address_of_each_family() {
        let found: Vec<_> = records(1).take(3).collect();
        let owner = "service-0.default.svc.cluster.local.".to_owned();
        let crew = "crew.default.svc.cluster.local.".to_owned();
        assert_eq!(
            found,
            [
                (owner.clone(), "A", "10.96.0.10".to_owned()),
                (owner, "AAAA", "fd00::a:60:0:a".to_owned()),
                (crew, "A", "10.143.66.65".to_owned()),
            ]
        );
        assert_eq!(records(5).count(), 2 * (5 + CREW_ENDPOINTS));
    }

    #[test]
    fn the_objects_are_taken_without_a_rejection() {
        let (found, rejections) = ingest::manifest::parse("bench", &Objects::new(2, 3).manifests());
        assert_eq!((found.len(), rejections), (1 + 3 * 3, Vec::new()));
    }
}
