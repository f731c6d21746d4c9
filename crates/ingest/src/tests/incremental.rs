//! Is a table after any history the table of what is there in the end, and does no text panic?

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::Objects;
use crate::api::{
    Conditions, Endpoint, EndpointPort, EndpointSlice, ForName, Hints, IntOrString, Kind, Metadata,
    Node, NodeAddress, Object, ObjectKey, Service, ServiceCidr, ServiceCidrSpec, ServicePort,
    ServiceSpec,
};
use crate::labels::{HEADLESS, SERVICE_NAME, SERVICE_PROXY_NAME};
use crate::manifest::{Manifest, parse};

/// Few values, so that histories meet the same names, ports and addresses again.
fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
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

fn service() -> impl Strategy<Value = Object> {
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

fn slice() -> impl Strategy<Value = Object> {
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
    );
    let endpoint = endpoint.prop_map(|(addresses, conditions, node_name, hints)| Endpoint {
        addresses,
        conditions,
        node_name,
        hints,
        ..Endpoint::default()
    });
    let port = (maybe(PORT_NAMES), maybe(PROTOCOLS), port_number());
    let port = port.prop_map(|(name, protocol, port)| EndpointPort {
        name,
        protocol,
        port,
        app_protocol: None,
    });
    let labels: &[(&str, &[&str])] = &[(SERVICE_NAME, &["web", "dns", ""]), (HEADLESS, &[""])];
    let metadata = metadata(&["s1", "s2", "s3"], labels);
    let address_type = one_of(&["IPv4", "IPv4", "IPv6", "FQDN"]);
    (metadata, address_type, vec(endpoint, 0..4), vec(port, 0..4)).prop_map(
        |(metadata, address_type, endpoints, ports)| {
            Object::EndpointSlice(EndpointSlice { metadata, address_type, endpoints, ports })
        },
    )
}

fn other() -> impl Strategy<Value = Object> {
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
    prop_oneof![node, cidr]
}

#[derive(Debug, Clone)]
enum Step {
    Apply(Box<Object>),
    Delete(ObjectKey),
    /// Somebody looks at the table: what is pending is settled.
    Look,
}

fn step() -> impl Strategy<Value = Step> {
    let object = || prop_oneof![3 => service(), 4 => slice(), 1 => other()];
    prop_oneof![
        6 => object().prop_map(|object| Step::Apply(Box::new(object))),
        2 => object().prop_map(|object| Step::Delete(object.key())),
        2 => Just(Step::Look),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_after_any_history_is_that_of_the_last_objects(history in vec(step(), 0..40)) {
        let mut objects = Objects::new();
        let mut last: BTreeMap<ObjectKey, Object> = BTreeMap::new();
        for step in history {
            match step {
                Step::Apply(object) => {
                    last.insert(object.key(), Object::clone(&object));
                    objects.apply(*object);
                }
                Step::Delete(key) => {
                    last.remove(&key);
                    objects.delete(&key);
                }
                Step::Look => {
                    objects.table();
                }
            }
        }
        let mut fresh = Objects::new();
        for object in last.into_values() {
            fresh.apply(object);
        }
        let (found, expected) = (objects.table(), fresh.table());
        prop_assert_eq!(&found.services, &expected.services);
        prop_assert_eq!(&found.nodes, &expected.nodes);
        prop_assert_eq!(&found.service_cidrs, &expected.service_cidrs);
        prop_assert_eq!(&found.rejections, &expected.rejections);
    }

    #[test]
    fn a_touched_service_is_named_and_no_other_changes(history in vec(step(), 0..20), object in prop_oneof![service(), slice()]) {
        let mut objects = Objects::new();
        for step in history {
            match step {
                Step::Apply(object) => drop(objects.apply(*object)),
                Step::Delete(key) => drop(objects.delete(&key)),
                Step::Look => drop(objects.table()),
            }
        }
        let before = objects.table();
        let touched = objects.apply(object);
        let after = objects.table();
        for name in before.changed_services(&after) {
            prop_assert!(touched.services.contains(&name), "{} changed, {:?} were told", name, touched);
        }
        for (name, service) in &after.services {
            if !touched.services.contains(name) {
                let old = before.services.get(name);
                prop_assert!(old.is_some_and(|old| Arc::ptr_eq(old, service)));
            }
        }
    }
}

/// Lines and pieces of manifests, whole, cut and mixed.
fn text() -> impl Strategy<Value = String> {
    let pieces: &[&str] = &[
        "apiVersion: v1\n",
        "apiVersion: discovery.k8s.io/v1\n",
        "kind: Service\n",
        "kind: List\n",
        "kind: EndpointSlice\n",
        "kind: Node\n",
        "metadata:\n",
        "  name: a\n",
        "items:\n",
        "- ",
        "spec:\n",
        "  ports:\n",
        "  - port: 80\n",
        "  - ",
        "    nodePort: 1\n",
        "---\n",
        "...\n",
        "\t",
        "{",
        "}",
        "[",
        "]",
        ": ",
        ", ",
        "&a ",
        "*a",
        "<<: ",
        "\"",
        "'",
        "|\n",
        "# ",
        "!!int ",
        "é",
        "99999999999999999999999",
        "-0x",
        "1e999",
        ".nan",
        "null",
        "~",
        "%YAML 1.2\n",
        "\r\n",
        "\u{feff}",
        "endpoints: [{addresses: [10.0.0.1]}]\n",
        "status: {addresses: 1}\n",
        "true",
        r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},"spec":{"ports":[{"port":1}]}}"#,
    ];
    let piece = prop_oneof![
        20 => one_of(pieces),
        1 => any::<String>(),
        1 => any::<char>().prop_map(String::from),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics_or_undoes_what_was_there(text in text()) {
        let steady = parse("steady", "apiVersion: v1\nkind: Service\nmetadata: {name: steady, namespace: steady}");
        let mut objects = Objects::new();
        for text in [steady, parse("text", &text)] {
            for manifest in text.0 {
                if let Manifest::Object(object) = manifest {
                    objects.apply(object);
                }
            }
        }
        let name = model::ServiceName::new("steady", "steady");
        prop_assert!(objects.table().services.contains_key(&name));
    }
}

#[test]
fn keys_of_kinds_without_namespace_have_none() {
    let node = Object::Node(Node {
        metadata: Metadata {
            name: "n".to_owned(),
            namespace: "x".to_owned(),
            ..Metadata::default()
        },
        ..Node::default()
    });
    let expected = ObjectKey { kind: Kind::Node, namespace: String::new(), name: "n".to_owned() };
    assert_eq!(node.key(), expected);
}
