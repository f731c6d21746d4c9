//! What does the measured cluster consist of?

use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net};

use ingest::api::{
    Conditions, Endpoint, EndpointPort, EndpointSlice, IntOrString, Metadata, Object, Service,
    ServicePort, ServiceSpec,
};

/// Where the ClusterIPs are.
pub(crate) const SERVICES: IpNet = IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(10, 96, 0, 0), 12));

/// The number of a Service: its name and addresses follow from it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number(pub(crate) usize);

impl Number {
    pub(crate) fn name(self) -> String {
        format!("service-{}", self.0)
    }

    pub(crate) fn cluster_ip(self) -> Ipv4Addr {
        offset(Ipv4Addr::new(10, 96, 0, 10), self.0)
    }

    /// A ClusterIP Service with one TCP port.
    pub(crate) fn service(self) -> Object {
        let cluster_ip = self.cluster_ip().to_string();
        Object::Service(Box::new(Service {
            metadata: metadata(&self.name()),
            spec: ServiceSpec {
                cluster_ip: Some(cluster_ip.clone()),
                cluster_ips: vec![cluster_ip],
                ports: vec![ServicePort {
                    port: Some(IntOrString::Int(80)),
                    ..ServicePort::default()
                }],
                ..ServiceSpec::default()
            },
            ..Service::default()
        }))
    }

    /// Its one slice. Endpoint `i` of generation `g` has an address of its own.
    pub(crate) fn slice(self, endpoints: &[Ipv4Addr]) -> Object {
        let mut metadata = metadata(&format!("{}-slice", self.name()));
        metadata.labels.insert("kubernetes.io/service-name".to_owned(), self.name());
        let endpoint = |address: &Ipv4Addr| Endpoint {
            addresses: vec![address.to_string()],
            conditions: Conditions { ready: Some(true), ..Conditions::default() },
            node_name: Some(format!("node-{}", address.octets()[3] % 100)),
            ..Endpoint::default()
        };
        Object::EndpointSlice(EndpointSlice {
            metadata,
            address_type: "IPv4".to_owned(),
            endpoints: endpoints.iter().map(endpoint).collect(),
            ports: vec![EndpointPort {
                name: Some(String::new()),
                port: Some(IntOrString::Int(8080)),
                protocol: Some("TCP".to_owned()),
                ..EndpointPort::default()
            }],
        })
    }

    pub(crate) fn endpoints(self, n: usize) -> Vec<Ipv4Addr> {
        (0..n).map(|i| offset(Ipv4Addr::new(10, 128, 0, 1), self.0 * n + i)).collect()
    }
}

/// An address that no Service of the cluster has among its endpoints yet.
pub(crate) fn fresh_endpoint(i: usize) -> Ipv4Addr {
    offset(Ipv4Addr::new(10, 192, 0, 1), i)
}

fn offset(base: Ipv4Addr, by: usize) -> Ipv4Addr {
    let by = u32::try_from(by).unwrap_or(u32::MAX);
    Ipv4Addr::from(u32::from(base).wrapping_add(by))
}

fn metadata(name: &str) -> Metadata {
    Metadata { name: name.to_owned(), namespace: "default".to_owned(), ..Metadata::default() }
}
