//! Is a table after any history the table of what is there in the end, and does no text panic?

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::any_object::{import, one_of, other, service, slice};
use crate::Objects;
use crate::api::{Kind, Metadata, Node, Object, ObjectKey};
use crate::manifest::{Manifest, parse};

#[derive(Debug, Clone)]
enum Step {
    Apply(Box<Object>),
    Delete(ObjectKey),
    /// Somebody looks at the table: what is pending is settled.
    Look,
}

fn step() -> impl Strategy<Value = Step> {
    let object = || prop_oneof![3 => service(), 4 => slice(), 1 => import(), 1 => other()];
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
        prop_assert_eq!(&found.pods, &expected.pods);
        prop_assert_eq!(&found.namespaces, &expected.namespaces);
        prop_assert_eq!(&found.imports, &expected.imports);
        prop_assert_eq!(&found.config_maps, &expected.config_maps);
        prop_assert_eq!(&found.address_pools, &expected.address_pools);
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
