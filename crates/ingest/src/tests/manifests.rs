//! Is a file read as far as it can be?

use crate::api::{IntOrString, Object};
use crate::manifest::{Manifest, parse};

/// The objects (by their keys, others in brackets) and the rejections of a text.
fn read(text: &str) -> (Vec<String>, Vec<String>) {
    let (manifests, rejections) = parse("dir/file.yaml", text);
    let name = |manifest: &Manifest| match manifest {
        Manifest::Object(object) => object.key().to_string(),
        Manifest::Other { kind, name } => format!("[{kind} {name}]"),
    };
    (manifests.iter().map(name).collect(), rejections.iter().map(ToString::to_string).collect())
}

#[track_caller]
fn check(text: &str, objects: &[&str], rejections: &[&str]) {
    let (found, rejected) = read(text);
    assert_eq!(found, objects, "{text}");
    assert_eq!(rejected, rejections, "{text}");
}

const A: &str = "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n";
const B: &str = "apiVersion: v1\nkind: Service\nmetadata:\n  name: b\n  namespace: shop\n";

#[test]
fn reads_several_documents_and_skips_empty_ones() {
    check("", &[], &[]);
    check("# nothing\n---\n---\nnull\n---\n", &[], &[]);
    check(
        &format!("# two\n{A}---\n# empty\n---\n{B}...\n"),
        &["Service default/a", "Service shop/b"],
        &[],
    );
    let commented =
        A.replace("metadata:\n", &format!("metadata:\n{}", "  # a long remark\n".repeat(100)));
    check(&commented, &["Service default/a"], &[]);
    check(&format!("\u{feff}{A}").replace('\n', "\r\n"), &["Service default/a"], &[]);
}

#[test]
fn reads_json_in_its_forms() {
    let a = r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}"#;
    let node =
        "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Node\",\n\t\"metadata\": {\"name\": \"n\"}\n}";
    check(a, &["Service default/a"], &[]);
    check(&format!("{a}\n{node}{a}\n"), &["Service default/a", "Node n", "Service default/a"], &[]);
    check("{apiVersion: v1, kind: Node, metadata: {name: n}}", &["Node n"], &[]);
    check(
        &format!("{a} {{\"kind\": }} }}"),
        &["Service default/a"],
        &["file dir/file.yaml line 1 column 79: misplaced bracket"],
    );
    check(
        &format!("{a}\n{node}\n{{\"apiVersion\": \"v1\",\n  \"kind\": }} }}\n---\n{A}"),
        &["Service default/a", "Node n", "Service default/a"],
        &["file dir/file.yaml line 8 column 13: misplaced bracket"],
    );
}

#[test]
fn a_broken_document_does_not_take_the_others_with_it() {
    let cases = [
        ("a: b: c\n", "line 6 column 5: mapping values are not allowed in this context"),
        ("a:\n - b\nc: \"open\n", "line 8 column 4: unclosed quote"),
        ("a: 1\na: 2\n", "line 7 column 1: duplicate mapping key: a"),
        ("a: [1\n", "line 6 column 4: unclosed bracket '['"),
        ("- a\n- b\n", "line 5: expected an object with apiVersion, kind and metadata"),
        ("text\n", "line 5: expected an object with apiVersion, kind and metadata"),
    ];
    for (broken, reason) in cases {
        check(
            &format!("{A}---\n{broken}---\n{B}"),
            &["Service default/a", "Service shop/b"],
            &[&format!("file dir/file.yaml {reason}")],
        );
    }
}

#[test]
fn kinds_of_others_are_listed() {
    check(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {tempalte: 1}\n---\n\
         apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: fn}\n---\n\
         apiVersion: v1\nkind: DeploymentList\nitems: []\n",
        &["[Deployment web]", "[Service fn]", "[DeploymentList ]"],
        &[],
    );
}

#[test]
fn what_an_object_must_have() {
    let cases = [
        ("kind: Service\nmetadata: {name: a}", "apiVersion: expected a word, found none"),
        ("apiVersion: v1\nmetadata: {name: a}", "kind: expected a word, found none"),
        (
            "apiVersion: v1\nkind: Service",
            r#"metadata.name: expected a DNS name in lower case for a Service, found """#,
        ),
        (
            "apiVersion: v1\nkind: Service\nmetadata: {name: A/b}",
            r#"metadata.name: expected a DNS name in lower case for a Service, found "A/b""#,
        ),
        (
            "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: a.b}",
            r#"metadata.namespace: expected a DNS name in lower case for a Service, found "a.b""#,
        ),
        (
            "apiVersion: discovery.k8s.io/v1beta1\nkind: EndpointSlice\nmetadata: {name: a}",
            r#"apiVersion: expected discovery.k8s.io/v1 for EndpointSlice a, found "discovery.k8s.io/v1beta1""#,
        ),
    ];
    for (text, reason) in cases {
        check(text, &[], &[&format!("file dir/file.yaml line 1 {reason}")]);
    }
    check(
        "apiVersion: v1\nkind: Node\nmetadata: {name: n.example, namespace: x}",
        &["Node n.example"],
        &[],
    );
}

#[test]
fn lists_are_their_items() {
    check(
        "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: a}}\n\
         - {metadata: {name: b}}\n- 7\n- null\n- {apiVersion: v1, kind: Node, metadata: {name: n}}\n",
        &["Service default/a", "Node n"],
        &[
            "file dir/file.yaml line 1 items[1] kind: expected a word, found none",
            "file dir/file.yaml line 1 items[2]: expected an object with apiVersion, kind and metadata",
        ],
    );
    check(
        "{apiVersion: discovery.k8s.io/v1, kind: EndpointSliceList, items: [{metadata: {name: a}}]}",
        &["EndpointSlice default/a"],
        &[],
    );
    check("{apiVersion: v1, kind: List, items: null}", &[], &[]);
    check(
        "{apiVersion: v1, kind: List, items: {}}",
        &[],
        &["file dir/file.yaml line 1 items: expected a list of objects"],
    );
    let deep = (0..6).fold("null".to_owned(), |inner, _| {
        format!("{{apiVersion: v1, kind: List, items: [{inner}]}}")
    });
    check(
        &deep,
        &[],
        &["file dir/file.yaml line 1 items[0] items[0] items[0] items[0] items: \
           expected at most 4 lists inside each other"],
    );
}

#[test]
fn a_misspelt_field_is_told_and_the_object_is_used() {
    check(
        &format!(
            "{A}spec:\n  externalTraficPolicy: Local\n  clusterIps: [10.96.0.1]\n  ports:\n  \
             - {{prot: 80}}\n  color: red\n  selector: {{any: thing}}\n  \"odd\\nname\": 1\n"
        ),
        &["Service default/a"],
        &[
            "Service default/a spec.clusterIps: unknown field, ignored; did you mean clusterIPs?",
            "Service default/a spec.color: unknown field, ignored",
            "Service default/a spec.externalTraficPolicy: unknown field, ignored; did you mean externalTrafficPolicy?",
            "Service default/a spec.\"odd\\nname\": unknown field, ignored",
            "Service default/a spec.ports[0].prot: unknown field, ignored; did you mean port?",
        ],
    );
}

#[test]
fn a_value_of_a_wrong_type_costs_its_field() {
    let text = format!(
        "{A}  labels: {{one: 1, two: null, three: three}}\nspec:\n  type: [NodePort]\n  \
         clusterIPs: 10.96.0.1\n  publishNotReadyAddresses: yes\n  ports:\n  - 80\n  \
         - {{name: 8080, port: 0644, nodePort: 1.5}}\n"
    );
    check(
        &text,
        &["Service default/a"],
        &[
            "Service default/a metadata.labels[one]: expected text, found 1; write it in quotes",
            r#"Service default/a spec.clusterIPs: expected a list, found the text "10.96.0.1""#,
            "Service default/a spec.ports[0]: expected fields, found 80",
            "Service default/a spec.ports[1].name: expected text, found 8080; write it in quotes",
            r#"Service default/a spec.publishNotReadyAddresses: expected true or false, found the text "yes""#,
            "Service default/a spec.type: expected text, found a list",
        ],
    );
    let (manifests, _) = parse("file", &text);
    let [Manifest::Object(Object::Service(service))] = manifests.as_slice() else {
        panic!("one Service");
    };
    let labels: Vec<_> = service.metadata.labels.iter().map(|(k, v)| (&**k, &**v)).collect();
    assert_eq!(labels, [("three", "three"), ("two", "")]);
    let text = |text: &str| Some(IntOrString::String(text.to_owned()));
    assert_eq!(service.spec.ports.len(), 2);
    assert_eq!(
        (&service.spec.ports[1].port, &service.spec.ports[1].node_port),
        (&text("0644"), &text("1.5"))
    );
}

#[test]
fn texts_that_grow_or_nest_without_end_are_stopped() {
    let doubling: String =
        (1..40).map(|i| format!("a{i}: &a{i} [*a{j}, *a{j}, *a{j}, *a{j}]\n", j = i - 1)).collect();
    let nested: String = (0..1_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    let texts = [
        format!("a0: &a0 [x]\n{doubling}"),
        nested,
        "[".repeat(100_000),
        "{\"a\":".repeat(100_000),
        "- ".repeat(100_000),
    ];
    for text in texts {
        let (objects, rejections) = read(&format!("{text}\n---\n{A}"));
        let start: String = text.chars().take(20).collect();
        assert_eq!(
            (objects.as_slice(), rejections.len()),
            (["Service default/a".to_owned()].as_slice(), 1),
            "{start}: {rejections:?}"
        );
    }
}

#[test]
fn anchors_and_merges_are_followed() {
    let text = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports:\n  \
                - &p {name: a, port: 80}\n  - {<<: *p, name: b}\n";
    let (manifests, rejections) = parse("file", text);
    assert_eq!(rejections, []);
    let [Manifest::Object(Object::Service(service))] = manifests.as_slice() else {
        panic!("one Service");
    };
    let ports: Vec<_> =
        service.spec.ports.iter().map(|it| (it.name.as_deref(), it.port.clone())).collect();
    let eighty = Some(IntOrString::Int(80));
    assert_eq!(ports, [(Some("a"), eighty.clone()), (Some("b"), eighty)]);
}
