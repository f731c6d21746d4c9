//! Which objects do good bytes become?
//!
//! What is expected is written without `..`: whoever gives a struct one more field reads it here too.

use super::{
    bytes, entry, enveloped, event, expected_metadata, list, message, metadata, number, read,
};
use crate::api::{
    ClientIpConfig, Condition, Conditions, ConfigMap, Endpoint, EndpointPort, EndpointSlice,
    ForName, Hints, Ingress, IngressPort, IntOrString, Kind, LoadBalancerStatus, Namespace, Node,
    NodeAddress, NodeCondition, NodeSpec, NodeStatus, Object, ObjectReference, Pod, PodCondition,
    PodIp, PodSpec, PodStatus, Service, ServiceCidr, ServiceCidrSpec, ServicePort, ServiceSpec,
    ServiceStatus, SessionAffinityConfig, Status, Taint,
};
use crate::protobuf::{List, WatchEvent, status};

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn service_spec() -> Vec<u8> {
    let target_port = message(4, [number(1, 1), number(2, 0), bytes(3, "web")]);
    let port = [
        bytes(1, "http"),
        bytes(2, "TCP"),
        number(3, 80),
        target_port,
        number(5, 30_080),
        bytes(6, "h2c"),
    ];
    message(
        2,
        [
            message(1, port),
            entry(2, "app", "web"),
            bytes(3, "10.96.0.10"),
            bytes(4, "LoadBalancer"),
            bytes(5, "198.51.100.7"),
            bytes(7, "ClientIP"),
            bytes(8, "203.0.113.7"),
            bytes(9, "192.0.2.0/24"),
            bytes(10, "example.org"),
            bytes(11, "Local"),
            number(12, 30_000),
            number(13, 1),
            message(14, [message(1, [number(1, 60)])]),
            bytes(17, "PreferDualStack"),
            bytes(18, "10.96.0.10"),
            bytes(18, "fd00::10"),
            bytes(19, "IPv4"),
            number(20, 0),
            bytes(21, "pogu.dev/vip"),
            bytes(22, "Cluster"),
            bytes(23, "PreferClose"),
        ],
    )
}

fn expected_service_spec() -> ServiceSpec {
    let timeout_seconds = Some(IntOrString::Int(60));
    let client_ip = Some(ClientIpConfig { timeout_seconds });
    ServiceSpec {
        kind: some("LoadBalancer"),
        cluster_ip: some("10.96.0.10"),
        cluster_ips: texts(&["10.96.0.10", "fd00::10"]),
        ip_families: texts(&["IPv4"]),
        ip_family_policy: some("PreferDualStack"),
        external_ips: texts(&["198.51.100.7"]),
        external_name: some("example.org"),
        external_traffic_policy: some("Local"),
        internal_traffic_policy: some("Cluster"),
        traffic_distribution: some("PreferClose"),
        session_affinity: some("ClientIP"),
        session_affinity_config: Some(SessionAffinityConfig { client_ip }),
        selector: [("app".to_owned(), "web".to_owned())].into(),
        load_balancer_ip: some("203.0.113.7"),
        load_balancer_class: some("pogu.dev/vip"),
        load_balancer_source_ranges: texts(&["192.0.2.0/24"]),
        allocate_load_balancer_node_ports: Some(false),
        health_check_node_port: Some(IntOrString::Int(30_000)),
        publish_not_ready_addresses: Some(true),
        ports: vec![ServicePort {
            name: some("http"),
            protocol: some("TCP"),
            app_protocol: some("h2c"),
            port: Some(IntOrString::Int(80)),
            target_port: Some(IntOrString::String("web".to_owned())),
            node_port: Some(IntOrString::Int(30_080)),
        }],
    }
}

fn service_status() -> Vec<u8> {
    let port = message(4, [number(1, 80), bytes(2, "TCP"), bytes(3, "pogu.dev/no")]);
    let ingress =
        message(1, [bytes(1, "203.0.113.7"), bytes(2, "lb.example.org"), bytes(3, "VIP"), port]);
    let condition = message(
        2,
        [
            bytes(1, "Announced"),
            bytes(2, "True"),
            number(3, 3),
            message(4, [number(1, 0)]),
            bytes(5, "Here"),
            bytes(6, "on a"),
        ],
    );
    message(3, [message(1, [ingress]), condition])
}

fn expected_service_status() -> ServiceStatus {
    let ingress = Ingress {
        ip: some("203.0.113.7"),
        ip_mode: some("VIP"),
        hostname: some("lb.example.org"),
        ports: vec![IngressPort {
            port: Some(IntOrString::Int(80)),
            protocol: some("TCP"),
            error: some("pogu.dev/no"),
        }],
    };
    ServiceStatus {
        load_balancer: LoadBalancerStatus { ingress: vec![ingress] },
        conditions: vec![Condition {
            kind: "Announced".to_owned(),
            status: "True".to_owned(),
            observed_generation: Some(3),
            reason: "Here".to_owned(),
            message: "on a".to_owned(),
            last_transition_time: some("1970-01-01T00:00:00Z"),
        }],
    }
}

#[test]
fn a_service_is_what_its_fields_say() {
    let object = [metadata(), service_spec(), service_status()].concat();
    let expected = Service {
        metadata: expected_metadata(),
        spec: expected_service_spec(),
        status: expected_service_status(),
    };
    assert_eq!(read(Kind::Service, &object), Ok(Object::Service(Box::new(expected))));
}

#[test]
fn what_is_written_though_it_is_empty_is_absent_where_json_leaves_it_out() {
    let port = [
        bytes(1, ""),
        bytes(2, ""),
        number(3, 0),
        message(4, [number(1, 0), number(2, 0), bytes(3, "")]),
        number(5, 0),
    ];
    let spec = [
        message(1, port),
        bytes(3, ""),
        bytes(4, ""),
        bytes(7, ""),
        bytes(8, ""),
        bytes(10, ""),
        bytes(11, ""),
        number(12, 0),
        number(13, 0),
        bytes(17, ""),
        bytes(22, ""),
    ];
    let metadata =
        [bytes(1, ""), bytes(3, ""), bytes(5, ""), bytes(6, ""), number(7, 0), message(8, [])];
    let status = message(3, [message(1, [message(1, [bytes(1, ""), bytes(2, "")])])]);
    let object = [message(1, metadata), message(2, spec), status].concat();
    let mut expected = Box::<Service>::default();
    // Of these Go tells what is not there from what is empty, or always writes them.
    expected.spec.ip_family_policy = some("");
    expected.spec.internal_traffic_policy = some("");
    expected.spec.ports = vec![ServicePort {
        port: Some(IntOrString::Int(0)),
        target_port: Some(IntOrString::Int(0)),
        ..ServicePort::default()
    }];
    expected.status.load_balancer.ingress = vec![Ingress::default()];
    assert_eq!(read(Kind::Service, &object), Ok(Object::Service(expected)));
}

#[test]
fn an_endpoint_whose_conditions_are_not_told_is_another_than_one_that_is_not_ready() {
    let endpoint = [
        bytes(1, "10.0.0.2"),
        message(2, [number(1, 0), number(2, 1), number(3, 1)]),
        bytes(3, "db-0"),
        message(
            4,
            [bytes(1, "Pod"), bytes(2, "shop"), bytes(3, "db-0"), bytes(4, "u"), bytes(5, "")],
        ),
        entry(5, "old", "one"),
        bytes(6, "a"),
        bytes(7, ""),
        message(8, [message(1, [bytes(1, "z1")]), message(2, [bytes(1, "a")])]),
    ];
    let object = [
        metadata(),
        message(2, [bytes(1, "10.0.0.1"), message(2, [])]),
        message(2, endpoint),
        message(3, [bytes(1, ""), bytes(2, "TCP"), number(3, 8080), bytes(4, "h2c")]),
        message(3, []),
        bytes(4, "IPv4"),
    ];
    let for_name = |name: &str| vec![ForName { name: name.to_owned() }];
    let expected = EndpointSlice {
        metadata: expected_metadata(),
        address_type: "IPv4".to_owned(),
        endpoints: vec![
            Endpoint { addresses: texts(&["10.0.0.1"]), ..Endpoint::default() },
            Endpoint {
                addresses: texts(&["10.0.0.2"]),
                conditions: Conditions {
                    ready: Some(false),
                    serving: Some(true),
                    terminating: Some(true),
                },
                hostname: some("db-0"),
                node_name: some("a"),
                zone: some(""),
                hints: Some(Hints { for_zones: for_name("z1"), for_nodes: for_name("a") }),
                target_ref: Some(ObjectReference {
                    kind: some("Pod"),
                    namespace: some("shop"),
                    name: some("db-0"),
                    uid: some("u"),
                }),
            },
        ],
        ports: vec![
            EndpointPort {
                name: some(""),
                protocol: some("TCP"),
                port: Some(IntOrString::Int(8080)),
                app_protocol: some("h2c"),
            },
            EndpointPort::default(),
        ],
    };
    assert_eq!(read(Kind::EndpointSlice, &object.concat()), Ok(Object::EndpointSlice(expected)));
}

#[test]
fn nodes_and_pods_are_what_their_fields_say() {
    let taint = message(5, [bytes(1, "one"), bytes(2, "x"), bytes(3, "NoExecute"), message(4, [])]);
    let spec = message(2, [bytes(1, "10.244.0.0/24"), taint, bytes(7, "10.244.0.0/24")]);
    let condition = message(4, [bytes(1, "NetworkUnavailable"), bytes(2, "True"), bytes(5, "No")]);
    let address = message(5, [bytes(1, "InternalIP"), bytes(2, "192.0.2.1")]);
    let node = [metadata(), spec, message(3, [entry(1, "cpu", "2"), condition, address])].concat();
    let expected = Node {
        metadata: expected_metadata(),
        spec: NodeSpec {
            pod_cidr: some("10.244.0.0/24"),
            pod_cidrs: texts(&["10.244.0.0/24"]),
            taints: vec![Taint {
                key: "one".to_owned(),
                value: some("x"),
                effect: some("NoExecute"),
            }],
        },
        status: NodeStatus {
            addresses: vec![NodeAddress {
                kind: "InternalIP".to_owned(),
                address: "192.0.2.1".to_owned(),
            }],
            conditions: vec![NodeCondition {
                kind: "NetworkUnavailable".to_owned(),
                status: "True".to_owned(),
            }],
        },
    };
    assert_eq!(read(Kind::Node, &node), Ok(Object::Node(expected)));

    let condition = [bytes(1, "Ready"), bytes(2, "False"), bytes(5, "No"), bytes(6, "not yet")];
    let status = [
        bytes(1, "Running"),
        message(2, condition),
        bytes(3, "a message"),
        bytes(6, "192.0.2.1"),
        message(12, [bytes(1, "192.0.2.1")]),
    ];
    let pod =
        [metadata(), message(2, [bytes(10, "a"), number(11, 1)]), message(3, status)].concat();
    let expected = Pod {
        metadata: expected_metadata(),
        spec: PodSpec { node_name: some("a"), host_network: true },
        status: PodStatus {
            phase: "Running".to_owned(),
            pod_ip: some("192.0.2.1"),
            pod_ips: vec![PodIp { ip: "192.0.2.1".to_owned() }],
            conditions: vec![PodCondition {
                kind: "Ready".to_owned(),
                status: "False".to_owned(),
                reason: "No".to_owned(),
                message: "not yet".to_owned(),
            }],
        },
    };
    assert_eq!(read(Kind::Pod, &pod), Ok(Object::Pod(expected)));
}

#[test]
fn of_other_kinds_the_little_is_read_that_is_needed() {
    let metadata_and = |rest: Vec<u8>| [metadata(), rest].concat();
    let namespace = Namespace { metadata: expected_metadata() };
    let found = read(Kind::Namespace, &metadata_and(message(2, [bytes(1, "kubernetes")])));
    assert_eq!(found, Ok(Object::Namespace(namespace)));

    let data = [("Corefile".to_owned(), ".:53 {}".to_owned())].into();
    let config_map = ConfigMap { metadata: expected_metadata(), data };
    let binary = message(3, [bytes(1, "x"), bytes(2, [0xff])]);
    let texts_and_bytes = [entry(2, "Corefile", ".:53 {}"), binary].concat();
    let found = read(Kind::ConfigMap, &metadata_and(texts_and_bytes));
    assert_eq!(found, Ok(Object::ConfigMap(config_map)));

    let spec = ServiceCidrSpec { cidrs: texts(&["10.96.0.0/16", "fd00:10:96::/108"]) };
    let service_cidr = ServiceCidr { metadata: expected_metadata(), spec };
    let cidrs = message(2, [bytes(1, "10.96.0.0/16"), bytes(1, "fd00:10:96::/108")]);
    let found = read(Kind::ServiceCidr, &metadata_and(cidrs));
    assert_eq!(found, Ok(Object::ServiceCidr(service_cidr)));
}

#[test]
fn a_list_and_the_messages_of_a_watch_say_what_they_are() {
    let bytes_of_list = list(Kind::Pod, &[metadata()]);
    let read = List::read(Kind::Pod, &bytes_of_list).unwrap();
    assert_eq!((&*read.metadata.resource_version, read.metadata.next), ("77", some("more")));

    let bookmark = event("BOOKMARK", "v1", "Pod", &metadata());
    let heard = WatchEvent::read(&bookmark).unwrap();
    let named = heard.item(Kind::Pod).unwrap().metadata();
    assert_eq!((heard.kind, named), ("BOOKMARK", Ok(expected_metadata())));

    let refused = [bytes(2, "Failure"), bytes(3, "too old"), bytes(4, "Expired"), number(6, 410)];
    let error = event("ERROR", "v1", "Status", &refused.concat());
    let heard = WatchEvent::read(&error).unwrap();
    let expected =
        Status { code: 410, reason: "Expired".to_owned(), message: "too old".to_owned() };
    assert_eq!((heard.kind, heard.status()), ("ERROR", Ok(expected.clone())));
    assert_eq!(status(&enveloped("v1", "Status", &refused.concat())), Ok(expected));
}
