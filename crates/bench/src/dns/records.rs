//! How does each name server learn the cluster's names?
//!
//! The peers get the addresses of all Services and of the headless one. pogu gets the objects that they
//! follow from, and so has more to keep: names of endpoints, SRV and PTR records too.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::cluster::Number;

use super::question::{CREW, CREW_ENDPOINTS, DOMAIN};

/// The headless Service's number: its endpoints come behind those of all others.
const CREW_NUMBER: Number = Number(10_000);
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
        let owner = format!("{name}.default.svc.{DOMAIN}.");
        let four = addresses.clone().into_iter().map(|address| ("A", address.to_string()));
        let six = addresses.into_iter().map(|address| ("AAAA", v6(address).to_string()));
        four.chain(six).map(move |(kind, address)| (owner.clone(), kind, address))
    })
}

/// A zone file, as RFC 1035 has it.
pub(crate) fn zone_file(services: usize) -> String {
    let head = format!(
        "{DOMAIN}. {TTL} IN SOA {SOA}\n\
         {DOMAIN}. {TTL} IN NS ns.dns.{DOMAIN}.\n\
         ns.dns.{DOMAIN}. {TTL} IN A 127.0.0.1\n"
    );
    let line = |(owner, kind, address)| format!("{owner} {TTL} IN {kind} {address}\n");
    head + &records(services).map(line).collect::<String>()
}

/// The same as unbound's configuration has it.
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
pub(crate) fn manifests(services: usize, endpoints: usize) -> String {
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: default}\n---\n";
    let with_address = (0..services).map(Number).map(|number| {
        let (four, six) = (number.cluster_ip(), v6(number.cluster_ip()));
        let addresses = format!("clusterIP: {four}, clusterIPs: [{four}, \"{six}\"]");
        objects(&number.name(), &addresses, &number.endpoints(endpoints))
    });
    let headless = objects(CREW, "clusterIP: None, clusterIPs: [None]", &crew());
    with_address.chain(std::iter::once(headless)).fold(namespace.to_owned(), |text, it| text + &it)
}

fn objects(name: &str, addresses: &str, endpoints: &[Ipv4Addr]) -> String {
    let service = format!(
        "apiVersion: v1\n\
         kind: Service\n\
         metadata: {{name: {name}, namespace: default}}\n\
         spec: {{{addresses}, ipFamilies: [IPv4, IPv6], ipFamilyPolicy: RequireDualStack, \
           ports: [{{name: http, port: 80, targetPort: 8080, protocol: TCP}}]}}\n\
         ---\n"
    );
    let four: Vec<String> = endpoints.iter().map(Ipv4Addr::to_string).collect();
    let six: Vec<String> =
        endpoints.iter().map(|address| format!("\"{}\"", v6(*address))).collect();
    service + &slice(name, "IPv4", &four) + &slice(name, "IPv6", &six)
}

fn slice(service: &str, family: &str, addresses: &[String]) -> String {
    let endpoints: Vec<String> = addresses
        .iter()
        .map(|address| format!("{{addresses: [{address}], conditions: {{ready: true}}}}"))
        .collect();
    format!(
        "apiVersion: discovery.k8s.io/v1\n\
         kind: EndpointSlice\n\
         metadata: {{name: {service}-{}, namespace: default, \
           labels: {{kubernetes.io/service-name: {service}}}}}\n\
         addressType: {family}\n\
         endpoints: [{}]\n\
         ports: [{{name: http, port: 8080, protocol: TCP}}]\n\
         ---\n",
        family.to_ascii_lowercase(),
        endpoints.join(", "),
    )
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
        let (found, rejections) = ingest::manifest::parse("bench", &manifests(2, 3));
        assert_eq!((found.len(), rejections), (1 + 3 * 3, Vec::new()));
    }
}
