//! Which objects may come, right or wrong?

use proptest::collection::vec;
use proptest::prelude::*;

use crate::api::{
    AddressPool, AddressPoolSpec, Conditions, ConfigMap, Endpoint, EndpointPort, EndpointSlice,
    ForName, Hints, IntOrString, IpAddressPool, IpAddressPoolSpec, Metadata, Namespace, Node,
    NodeAddress, Object, ObjectReference, Pod, PodIp, Service, ServiceCidr, ServiceCidrSpec,
    ServiceImport, ServiceImportSpec, ServicePort, ServiceSpec,
};
use crate::labels::{HEADLESS, IMPORT_NAME, SERVICE_NAME, SERVICE_PROXY_NAME, SOURCE_CLUSTER};

/// Few values, so that histories meet the same names, ports and addresses again.
pub(super) fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(texts).prop_map(str::to_owned)
}

fn maybe(texts: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    prop::option::of(one_of(texts))
}

fn port_number() -> impl Strategy<Value = Option<IntOrString>> {
    let numbers = prop::sample::select(vec![0, 53, 80, 8080, 30_000, 70_000]);
    let number = numbers.prop_map(IntOrString::Int);
    prop::option::weighted(
        0.9,
        prop_oneof![9 => number, 1 => Just(IntOrString::String("x".to_owned()))],
    )
}

const PORT_NAMES: &[&str] = &["", "a", "b", "B"];
const PROTOCOLS: &[&str] = &["TCP", "UDP", "tcp"];

fn metadata(
    names: &'static [&'static str],
    labels: &'static [(&'static str, &'static [&'static str])],
) -> impl Strategy<Value = Metadata> {
    let values: Vec<_> = labels.iter().map(|(_, values)| maybe(values)).collect();
    (one_of(names), one_of(&["default", "shop"]), values).prop_map(|(name, namespace, values)| {
        let labels = labels.iter().zip(values);
        let labels = labels.filter_map(|((label, _), value)| Some(((*label).to_owned(), value?)));
        Metadata { name, namespace, labels: labels.collect(), ..Metadata::default() }
    })
}

pub(super) fn service() -> impl Strategy<Value = Object> {
    let port = (maybe(PORT_NAMES), maybe(PROTOCOLS), port_number(), port_number());
    let port = port.prop_map(|(name, protocol, port, node_port)| ServicePort {
        name,
        protocol,
        port,
        node_port,
        ..ServicePort::default()
    });
    let spec = (
        maybe(&["NodePort", "LoadBalancer", "ExternalName", "x"]),
        vec(one_of(&["10.96.0.1", "10.96.0.2", "fd00::1", "None", "x"]), 0..3),
        vec(one_of(&["192.0.2.1", "127.0.0.1", "fd00::9"]), 0..3),
        maybe(&["Local", "x"]),
        maybe(&["ClientIP", "x"]),
        vec(port, 0..4),
    );
    let spec =
        spec.prop_map(|(kind, cluster_ips, external_ips, policy, affinity, ports)| ServiceSpec {
            kind,
            cluster_ips,
            external_ips,
            external_traffic_policy: policy,
            session_affinity: affinity,
            ports,
            ..ServiceSpec::default()
        });
    let metadata = metadata(&["web", "dns"], &[(SERVICE_PROXY_NAME, &["", "x"])]);
    (metadata, spec).prop_map(|(metadata, spec)| {
        Object::Service(Box::new(Service { metadata, spec, ..Service::default() }))
    })
}

pub(super) fn slice() -> impl Strategy<Value = Object> {
    let flag = || prop::option::of(any::<bool>());
    let conditions = (flag(), flag(), flag())
        .prop_map(|(ready, serving, terminating)| Conditions { ready, serving, terminating });
    let hints = vec(one_of(&["z1", "z2", ""]), 0..3).prop_map(|zones| Hints {
        for_zones: zones.into_iter().map(|name| ForName { name }).collect(),
        for_nodes: Vec::new(),
    });
    let endpoint = (
        vec(one_of(&["10.1.0.1", "10.1.0.2", "010.1.0.1", "fd01::1", "x"]), 0..3),
        conditions,
        maybe(&["n1", "n2", ""]),
        prop::option::of(hints),
        maybe(&["h1", "h2", "H"]),
        maybe(&["p1", "p2", "P"]),
    );
    let endpoint =
        endpoint.prop_map(|(addresses, conditions, node_name, hints, hostname, pod)| Endpoint {
            addresses,
            conditions,
            node_name,
            hints,
            hostname,
            target_ref: pod.map(|name| ObjectReference {
                kind: Some("Pod".to_owned()),
                name: Some(name),
                ..ObjectReference::default()
            }),
            ..Endpoint::default()
        });
    let port = (maybe(PORT_NAMES), maybe(PROTOCOLS), port_number());
    let port = port.prop_map(|(name, protocol, port)| EndpointPort {
        name,
        protocol,
        port,
        app_protocol: None,
    });
    let labels: &[(&str, &[&str])] = &[
        (SERVICE_NAME, &["web", "dns", ""]),
        (IMPORT_NAME, &["web", ""]),
        (SOURCE_CLUSTER, &["east", "East"]),
        (HEADLESS, &[""]),
    ];
    let metadata = metadata(&["s1", "s2", "s3"], labels);
    let address_type = one_of(&["IPv4", "IPv4", "IPv6", "FQDN"]);
    (metadata, address_type, vec(endpoint, 0..4), vec(port, 0..4)).prop_map(
        |(metadata, address_type, endpoints, ports)| {
            Object::EndpointSlice(EndpointSlice { metadata, address_type, endpoints, ports })
        },
    )
}

pub(super) fn other() -> impl Strategy<Value = Object> {
    let addresses = vec(one_of(&["10.0.0.1", "fd00::5", "x"]), 0..3);
    let node = (metadata(&["n1", "n2"], &[]), addresses).prop_map(|(metadata, addresses)| {
        let mut node = Node { metadata, ..Node::default() };
        let kind = || "InternalIP".to_owned();
        node.status.addresses =
            addresses.into_iter().map(|address| NodeAddress { kind: kind(), address }).collect();
        Object::Node(node)
    });
    let cidrs = vec(one_of(&["10.96.0.0/16", "10.97.0.0/16", "fd00::/112", "x"]), 0..3);
    let cidr = (metadata(&["c1", "c2"], &[]), cidrs).prop_map(|(metadata, cidrs)| {
        Object::ServiceCidr(ServiceCidr { metadata, spec: ServiceCidrSpec { cidrs } })
    });
    let pod = (metadata(&["p1", "p2"], &[]), vec(one_of(&["10.1.0.1", "x"]), 0..2));
    let pod = pod.prop_map(|(metadata, addresses)| {
        let mut pod = Pod { metadata, ..Pod::default() };
        pod.status.pod_ips = addresses.into_iter().map(|ip| PodIp { ip }).collect();
        Object::Pod(pod)
    });
    let namespace = metadata(&["default", "shop"], &[("team", &["a", "b"])])
        .prop_map(|metadata| Object::Namespace(Namespace { metadata }));
    let config_map =
        (one_of(&["coredns", "x"]), one_of(&["kube-system", "x"]), one_of(&["a", "b"]));
    let config_map = config_map.prop_map(|(name, namespace, text)| {
        let metadata = Metadata { name, namespace, ..Metadata::default() };
        Object::ConfigMap(ConfigMap { metadata, data: [("key".to_owned(), text)].into() })
    });
    prop_oneof![node, cidr, pod, namespace, config_map, address_pool()]
}

fn address_pool() -> impl Strategy<Value = Object> {
    let addresses = || vec(one_of(&["192.0.2.0/24", "192.0.2.1-192.0.2.9", "fd00::1", "x"]), 0..3);
    let metallb = (metadata(&["p", "q"], &[]), addresses()).prop_map(|(metadata, addresses)| {
        let spec = IpAddressPoolSpec { addresses, ..IpAddressPoolSpec::default() };
        Object::IpAddressPool(IpAddressPool { metadata, spec })
    });
    let ours = (metadata(&["p", "q"], &[]), addresses()).prop_map(|(metadata, addresses)| {
        let spec = AddressPoolSpec { addresses, ..AddressPoolSpec::default() };
        Object::AddressPool(AddressPool { metadata, spec })
    });
    prop_oneof![metallb, ours]
}

pub(super) fn import() -> impl Strategy<Value = Object> {
    let spec = (
        maybe(&["ClusterSetIP", "Headless", "x"]),
        vec(one_of(&["10.112.0.1", "10.112.0.2", "fd00:112::1", "x"]), 0..3),
        vec((maybe(PORT_NAMES), maybe(PROTOCOLS), port_number()), 0..3),
    );
    (metadata(&["web", "dns"], &[]), spec).prop_map(|(metadata, (kind, ips, ports))| {
        let port =
            |(name, protocol, port)| ServicePort { name, protocol, port, ..ServicePort::default() };
        let ports = ports.into_iter().map(port).collect();
        Object::ServiceImport(ServiceImport {
            metadata,
            spec: ServiceImportSpec { kind, ips, ports },
        })
    })
}
