//! May a Service be taken in, and which addresses and node ports does it get?

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use ingest::api::ServiceSpec;
use ipnet::IpNet;
use model::{Object, Rejection, ServiceName};

use crate::api::Service;
use crate::defaults::with_defaults;
use crate::node_ports::NodePorts;
use crate::service_addresses::ClusterIps;

/// The API server's own range.
pub const NODE_PORTS_DEFAULT: RangeInclusive<u16> = 30_000..=32_767;

/// Stands in for the API server: gives out ClusterIPs and node ports, each once.
#[derive(Debug, Clone)]
pub struct Allocator {
    cluster_ips: ClusterIps,
    node_ports: NodePorts,
    held: BTreeMap<ServiceName, ServiceSpec>,
}

impl Allocator {
    /// With the service CIDRs, of which only the first of each family counts.
    #[must_use]
    pub fn new(service_cidrs: &[IpNet], node_ports: RangeInclusive<u16>) -> Self {
        Self {
            cluster_ips: ClusterIps::new(service_cidrs),
            node_ports: NodePorts::new(node_ports),
            held: BTreeMap::new(),
        }
    }

    /// Takes a Service in, new or changed, and gives it back with defaults, addresses and node ports
    /// filled in. What a Service has it keeps, where its manifest says nothing else.
    ///
    /// # Errors
    ///
    /// The fields for which the API server would refuse it. Then all is as it was.
    pub fn admit(&mut self, service: Service) -> Result<Service, Vec<Rejection>> {
        let name = service.name();
        let refuse = |(field, reason): (String, String)| {
            vec![Rejection::new(Object::Service(name.clone()), field, reason)]
        };
        let mut service = with_defaults(service);
        let has_selector = !service.selector.is_empty();
        let held = self.held.get(&name).cloned().unwrap_or_default();
        let (mut cluster_ips, mut node_ports) = (self.cluster_ips.clone(), self.node_ports.clone());
        cluster_ips.release(&name);
        node_ports.release(&name);
        if service.is_external_name() {
            let spec = &mut service.object.spec;
            spec.cluster_ip = None;
            spec.cluster_ips.clear();
        } else {
            let before = addresses(&held);
            let spec = &mut service.object.spec;
            immutable(spec, &held).map_err(&refuse)?;
            cluster_ips.admit(spec, has_selector, &name, &before).map_err(&refuse)?;
            node_ports.admit(spec, &name, &held).map_err(&refuse)?;
        }
        self.cluster_ips = cluster_ips;
        self.node_ports = node_ports;
        self.held.insert(name.clone(), service.object.spec.clone());
        Ok(service)
    }

    /// Gives back all that a deleted Service had.
    pub fn release(&mut self, service: &ServiceName) {
        self.cluster_ips.release(service);
        self.node_ports.release(service);
        self.held.remove(service);
    }

    /// Who has which address.
    #[must_use]
    pub fn cluster_ips(&self) -> &BTreeMap<IpAddr, ServiceName> {
        self.cluster_ips.taken()
    }

    /// Who has which node port.
    #[must_use]
    pub fn node_ports(&self) -> &BTreeMap<u16, ServiceName> {
        self.node_ports.taken()
    }
}

/// A Service that has a first address, or is headless, stays so; and so does its first family.
fn immutable(spec: &mut ServiceSpec, held: &ServiceSpec) -> Result<(), (String, String)> {
    let first = |spec: &ServiceSpec| {
        let listed = spec.cluster_ips.first().or(spec.cluster_ip.as_ref()).cloned();
        listed.filter(|text| !text.is_empty())
    };
    let Some(before) = first(held) else { return Ok(()) };
    if spec.ip_families.is_empty() && before != "None" {
        spec.ip_families = held.ip_families.first().cloned().into_iter().collect();
    }
    match first(spec) {
        None => {
            if before == "None" {
                spec.cluster_ip = Some(before);
            }
            Ok(())
        }
        Some(now) if now == before => Ok(()),
        Some(now) => {
            let reason = format!(
                "expected {before}, which the Service has, found {now}; \
                 delete the Service to give it another"
            );
            Err(("spec.clusterIP".to_owned(), reason))
        }
    }
}

fn addresses(spec: &ServiceSpec) -> Vec<IpAddr> {
    spec.cluster_ips.iter().filter_map(|text| text.parse().ok()).collect()
}
