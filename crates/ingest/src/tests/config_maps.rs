//! Are the ConfigMaps of the cluster DNS kept, and all others left alone?

use std::sync::Arc;

use model::{ConfigMap, ConfigMapName};

use super::{object, shown, table};
use crate::Objects;
use crate::api;
use crate::manifest::{Manifest, parse};

fn config_map(namespace: &str, name: &str, fields: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, namespace: {namespace}}}, {fields}}}\n---\n"
    )
}

#[test]
fn those_of_the_cluster_dns_are_kept() {
    let fields = "data: {Corefile: '. {}', empty: null}, binaryData: {a: AA==}, immutable: true";
    let texts = ["kube-dns", "coredns", "coredns-custom"]
        .map(|name| config_map("kube-system", name, fields));
    let table = table(&texts.concat());
    let expected = |name: &str| {
        Arc::new(ConfigMap {
            name: ConfigMapName::new("kube-system", name),
            data: [("Corefile".into(), ". {}".into()), ("empty".into(), "".into())].into(),
        })
    };
    let found: Vec<_> = table.config_maps.values().cloned().collect();
    assert_eq!(found, ["coredns", "coredns-custom", "kube-dns"].map(expected));
}

#[test]
fn others_are_of_no_kind_of_ours_however_they_come() {
    let others = [("default", "coredns"), ("kube-system", "extension-apiserver-authentication")];
    for (namespace, name) in others {
        let text = config_map(namespace, name, "data: [wrong], unknown: 1");
        let other = Manifest::Other { kind: "ConfigMap".to_owned(), name: name.to_owned() };
        assert_eq!(parse("a.yaml", &text), (vec![other], vec![]));

        let mut from_a_server = api::ConfigMap::default();
        from_a_server.metadata.namespace = namespace.to_owned();
        from_a_server.metadata.name = name.to_owned();
        let mut objects = Objects::new();
        objects.apply(api::Object::ConfigMap(from_a_server));
        assert_eq!(objects.table().config_maps.len(), 0);
    }
    let unnamed = "{apiVersion: v1, kind: ConfigMap, metadata: {name: coredns}}";
    let other = Manifest::Other { kind: "ConfigMap".to_owned(), name: "coredns".to_owned() };
    assert_eq!(parse("a.yaml", unnamed), (vec![other], vec![]));
}

#[test]
fn one_beyond_the_bound_is_told_and_empty_and_goes() {
    const MAX: usize = 1 << 20;
    let with = |bytes: usize| {
        let text = "x".repeat(bytes - "a".len());
        object(&config_map("kube-system", "coredns", &format!("data: {{a: {text}}}")))
    };
    let mut objects = Objects::new();
    objects.apply(with(MAX));
    let name = ConfigMapName::new("kube-system", "coredns");
    let table = objects.table();
    assert_eq!((table.config_maps[&name].data.len(), shown(&table)), (1, vec![]));
    objects.apply(with(MAX + 1));
    let table = objects.table();
    assert_eq!(table.config_maps[&name].data.len(), 0);
    assert_eq!(
        shown(&table),
        [
            "ConfigMap kube-system/coredns data: expected at most 1048576 bytes, found 1048577; none is used"
        ]
    );
    objects.delete(&with(2).key());
    let table = objects.table();
    assert_eq!((table.config_maps.len(), table.rejections.len()), (0, 0));
}
