//! Which objects does a text give, and what is told of its mistakes?

use crate::manifest::{self, Ignored, Object};

/// As a person reads it.
fn rejections(text: &str) -> Vec<String> {
    manifest::parse("test.yaml", text).rejections.iter().map(ToString::to_string).collect()
}

/// A Pod with one container, with more of its spec and of its container.
fn with(spec: &str, container: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web, namespace: shop}}\nspec:\n  \
         containers:\n  - {{name: c, image: echo, ports: [{{name: http, containerPort: 80}}]\
         {container}}}\n{spec}"
    )
}

#[test]
fn finds_all_kinds_in_one_file() {
    let text = "
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      volumes: [{name: x, emptyDir: {}}]
      containers: [{name: web, image: echo, resources: {limits: {cpu: 1}}}]
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: web}
  spec: {selector: {app: web}, ports: [{port: 80}]}
- apiVersion: v1
  kind: Pod
  metadata: {name: one}
  spec: {containers: [{name: c, image: echo}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
---
apiVersion: v1
kind: Node
metadata: {name: node-1}
";
    let found = manifest::parse("test.yaml", text);
    let shown: Vec<String> = found
        .objects
        .iter()
        .map(|object| match object {
            Object::Pod(pod) => format!("Pod {}", pod.metadata.name),
            Object::Deployment(it) => {
                format!("Deployment {} {:?}", it.metadata.name, it.spec.replicas)
            }
            Object::Service(it) => format!("Service {} {:?}", it.name(), it.selector),
            Object::Other(it) => it.key().to_string(),
        })
        .collect();
    let expected = [
        "Deployment web Some(3)",
        "Pod one",
        "Namespace shop",
        r#"Service default/web {"app": "web"}"#,
        "Node node-1",
    ];
    assert_eq!(shown, expected);
    let ignored = Ignored { kind: "ConfigMap".to_owned(), name: "settings".to_owned() };
    assert_eq!((found.ignored, found.rejections), (vec![ignored], vec![]));
}

#[test]
fn names_the_field_of_a_mistake() {
    let probe = |fields: &str| with("", &format!(", readinessProbe: {{{fields}}}"));
    let env = |fields: &str| with("", &format!(", env: [{{name: A, {fields}}}]"));
    let cases = [
        (with("", ""), ""),
        (
            with("  hostnetwork: true\n", ""),
            "spec.hostnetwork: unknown field, ignored; did you mean hostNetwork?",
        ),
        (
            with("  dnsPolicy: clusterFirst\n", ""),
            "spec.dnsPolicy: unknown variant `clusterFirst`, expected one of `ClusterFirst`, \
             `ClusterFirstWithHostNet`, `Default`, `None`; the Pod is refused",
        ),
        (
            with("  dnsPolicy: None\n", ""),
            "spec.dnsConfig.nameservers: expected at least one nameserver where dnsPolicy is None, \
             found none",
        ),
        (
            probe("httpGet: {port: 70000}"),
            "spec.containers[0].readinessProbe.httpGet.port: expected a port from 1 to 65535 or a \
             port's name; the Pod is refused",
        ),
        (
            probe("httpGet: {port: web}"),
            "spec.containers[0].readinessProbe.httpGet.port: expected a port of this container by \
             its name, found \"web\"",
        ),
        (probe("httpGet: {port: http}, periodSeconds: 1"), ""),
        (
            probe("periodSeconds: 1"),
            "spec.containers[0].readinessProbe: expected one of httpGet, tcpSocket, exec and grpc, \
             found 0",
        ),
        (
            probe("tcpSocket: {port: 80}, periodSeconds: 0"),
            "spec.containers[0].readinessProbe.periodSeconds: invalid value: integer `0`, expected \
             a nonzero u32; the Pod is refused",
        ),
        (
            with("", ", livenessProbe: {tcpSocket: {port: 80}, successThreshold: 2}"),
            "spec.containers[0].livenessProbe.successThreshold: expected 1: only a readinessProbe \
             may ask for more",
        ),
        (
            env("valueFrom: {secretKeyRef: {name: a, key: b}}"),
            "spec.containers[0].env[0].valueFrom: expected a fieldRef: there are no Secrets and \
             ConfigMaps here; write a value",
        ),
        (
            env("valueFrom: {fieldRef: {fieldPath: status.podIp}}"),
            "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: expected a field such as \
             metadata.name or status.podIP, found \"status.podIp\"",
        ),
    ];
    for (text, expected) in cases {
        let expected: Vec<String> = match expected {
            "" => Vec::new(),
            told => vec![format!("Pod shop/web {told}")],
        };
        assert_eq!(rejections(&text), expected, "{text}");
    }
}

#[test]
fn refuses_a_deployment_that_would_never_settle() {
    let text = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}
  template:
    metadata: {labels: {app: wep}}
    spec: {restartPolicy: Never, containers: []}
";
    let of = |told: &str| format!("Deployment shop/web {told}");
    let expected = [
        of("spec.template.metadata.labels: expected labels that spec.selector selects; copy its \
            matchLabels here"),
        of("spec.template.spec.restartPolicy: expected Always in a Deployment"),
        of(
            "spec.strategy.rollingUpdate.maxUnavailable: expected more than 0 where maxSurge is 0: \
            nothing could be replaced",
        ),
        of("spec.template.spec.containers: expected at least one container, found none"),
    ];
    assert_eq!(rejections(text), expected);
    assert_eq!(manifest::parse("test.yaml", text).objects, []);
    let version = "apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: web}";
    let told = r#"Deployment default/web apiVersion: expected apps/v1, found "extensions/v1beta1""#;
    assert_eq!(rejections(version), [told]);
}

#[test]
fn a_broken_document_costs_itself_alone() {
    let text = format!("a: [\n---\n{}", with("", ""));
    let found = manifest::parse("test.yaml", &text);
    assert_eq!((found.objects.len(), found.rejections.len()), (1, 1));
}
