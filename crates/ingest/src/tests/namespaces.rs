//! Are Namespaces known by their objects?

use std::sync::Arc;

use model::Namespace;

use super::{object, shown};
use crate::Objects;
use crate::manifest::parse;

fn namespace(name: &str, labels: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}, namespace: ignored, labels: {{{labels}}}}}, \
         spec: {{finalizers: [kubernetes]}}, status: {{phase: Active}}}}"
    )
}

#[test]
fn a_namespace_has_a_name_and_labels_and_goes() {
    let mut objects = Objects::new();
    objects.apply(object(&namespace("shop", "team: a")));
    objects.apply(object(&namespace("empty", "")));
    let before = objects.table();
    let shop = Namespace { name: "shop".into(), labels: [("team".into(), "a".into())].into() };
    assert_eq!(*before.namespaces["shop"], shop);
    assert_eq!(["shop", "empty", "x"].map(|name| before.has_namespace(name)), [true, true, false]);
    assert_eq!(shown(&before), Vec::<String>::new());

    objects.apply(object(&namespace("empty", "")));
    assert_eq!(before.changed_namespaces(&objects.table()), Vec::<Arc<str>>::new());
    objects.delete(&object(&namespace("shop", "")).key());
    let after = objects.table();
    assert_eq!(before.changed_namespaces(&after), [Arc::from("shop")]);
    assert!(!after.has_namespace("shop"));
}

#[test]
fn a_name_that_no_namespace_can_have_is_told() {
    let (manifests, rejections) = parse("a.yaml", &namespace("a.b", ""));
    let rejections: Vec<String> = rejections.iter().map(ToString::to_string).collect();
    assert_eq!(
        (manifests, rejections),
        (
            vec![],
            vec![
                "file a.yaml line 1 metadata.name: expected a DNS name in lower case for a Namespace, \
                 found \"a.b\""
                    .to_owned()
            ]
        )
    );
}
