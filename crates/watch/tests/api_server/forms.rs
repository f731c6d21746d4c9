//! Is an object the same in whichever form the server gives it?

use std::collections::BTreeMap;

use ingest::api::Object;
use serde::de::DeserializeOwned;
use testkit::control_plane::ControlPlane;

use crate::reader::Reader;

/// Objects that have all that is read, in all ways in which it may be absent, zero or empty.
const OBJECTS: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: a, empty: ''}, annotations: {greeting: 'grüß dich, 포구'}}
---
apiVersion: v1
kind: Service
metadata: {name: bare, namespace: shop}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: headless, namespace: shop, finalizers: [pogu.dev/test]}
spec: {clusterIP: None, publishNotReadyAddresses: true, selector: {}, ports: []}
---
apiVersion: v1
kind: Service
metadata: {name: elsewhere, namespace: shop}
spec: {type: ExternalName, externalName: example.org}
---
apiVersion: v1
kind: Service
metadata: {name: full, namespace: shop, labels: {app: full}}
spec:
  type: LoadBalancer
  selector: {app: full, tier: ''}
  ipFamilyPolicy: PreferDualStack
  externalIPs: [198.51.100.7, '2001:db8::7']
  externalTrafficPolicy: Local
  internalTrafficPolicy: Local
  trafficDistribution: PreferClose
  sessionAffinity: ClientIP
  sessionAffinityConfig: {clientIP: {timeoutSeconds: 60}}
  loadBalancerIP: 203.0.113.7
  loadBalancerClass: pogu.dev/vip
  loadBalancerSourceRanges: [192.0.2.0/24]
  allocateLoadBalancerNodePorts: false
  ports:
  - {name: http, port: 80, targetPort: web, appProtocol: kubernetes.io/h2c, nodePort: 30080}
  - {name: dns, port: 53, targetPort: 5353, protocol: UDP}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: bare, namespace: shop}
addressType: IPv6
endpoints: []
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: full, namespace: shop, labels: {kubernetes.io/service-name: full}}
addressType: IPv4
endpoints:
- addresses: [10.244.0.7]
- addresses: [10.244.0.8]
  conditions: {ready: false, serving: true, terminating: true}
  hostname: db-0
  nodeName: a
  zone: z1
  hints: {forZones: [{name: z1}, {name: z2}], forNodes: [{name: a}]}
  targetRef: {kind: Pod, namespace: shop, name: db-0, uid: u}
- addresses: [10.244.0.9]
  conditions: {ready: true}
  targetRef: {name: alone}
ports:
- {name: '', port: 8080, protocol: TCP}
- {name: all, appProtocol: x}
---
apiVersion: v1
kind: Node
metadata: {name: a}
spec:
  podCIDR: 10.244.0.0/24
  podCIDRs: [10.244.0.0/24, 'fd00:10:244::/64']
  taints: [{key: one, effect: NoSchedule}, {key: two, value: x, effect: NoExecute}]
---
apiVersion: networking.k8s.io/v1
kind: ServiceCIDR
metadata: {name: more}
spec: {cidrs: [10.100.0.0/24, 'fd00:100::/112']}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: coredns, namespace: kube-system}
data: {Corefile: \".:53 {\\n}\", empty: ''}
binaryData: {x: AAEC}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kube-dns, namespace: kube-system}
";

/// Pods, which need an account first; nobody runs them.
const PODS: &str = "
apiVersion: v1
kind: Pod
metadata: {name: bare, namespace: shop}
spec: {nodeName: a, tolerations: [{operator: Exists}], containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: full, namespace: shop}
spec:
  nodeName: a
  hostNetwork: true
  tolerations: [{operator: Exists}]
  containers: [{name: c, image: i}]
";

/// What controllers and kubelets say of some of them.
const STATUSES: [(&str, &str); 3] = [
    (
        "-n shop service full",
        r#"{"loadBalancer":{"ingress":[{"ip":"203.0.113.7","ipMode":"Proxy","ports":[{"port":80,"protocol":"TCP","error":"x.y/No"}]},{"hostname":"lb.example.org"}]},"conditions":[{"type":"Announced","status":"True","reason":"Here","message":"","observedGeneration":1,"lastTransitionTime":"2026-11-25T04:02:57Z"}]}"#,
    ),
    (
        "node a",
        r#"{"conditions":[{"type":"NetworkUnavailable","status":"True","reason":"No","message":"no"}],"addresses":[{"type":"InternalIP","address":"192.0.2.1"},{"type":"Hostname","address":"a"}]}"#,
    ),
    (
        "-n shop pod full",
        r#"{"phase":"Running","podIP":"192.0.2.1","podIPs":[{"ip":"192.0.2.1"},{"ip":"2001:db8::1"}],"conditions":[{"type":"Ready","status":"False","reason":"No","message":"not yet"}]}"#,
    ),
];

/// What the server holds, in JSON, of what the reader reads.
fn held(server: &ControlPlane) -> BTreeMap<String, Object> {
    let mut held = BTreeMap::new();
    let mut hold = |objects: Vec<Object>| {
        held.extend(objects.into_iter().map(|object| (object.key().to_string(), object)));
    };
    hold(list(server, "/api/v1/services", |it| Object::Service(Box::new(it))));
    hold(list(server, "/apis/discovery.k8s.io/v1/endpointslices", Object::EndpointSlice));
    hold(list(server, "/api/v1/nodes", Object::Node));
    hold(list(server, "/apis/networking.k8s.io/v1/servicecidrs", Object::ServiceCidr));
    hold(list(server, "/api/v1/pods", Object::Pod));
    hold(list(server, "/api/v1/namespaces", Object::Namespace));
    let of_dns = "/api/v1/namespaces/kube-system/configmaps?fieldSelector=metadata.name!=\
                  extension-apiserver-authentication,metadata.name!=kube-root-ca.crt,\
                  metadata.name!=kube-apiserver-legacy-service-account-token-tracking";
    hold(list(server, of_dns, Object::ConfigMap));
    held
}

fn list<T: DeserializeOwned>(
    server: &ControlPlane,
    path: &str,
    object: impl Fn(T) -> Object,
) -> Vec<Object> {
    let text = server.kubectl(&format!("get --raw {path}"));
    let mut list: serde_json::Value = serde_json::from_str(&text).unwrap();
    let items: Vec<T> = serde_json::from_value(list["items"].take()).unwrap();
    items.into_iter().map(object).collect()
}

/// Creates the objects, with what is said of them, and lets one of them wait for its end.
fn create(server: &ControlPlane) {
    server.apply(OBJECTS);
    server.kubectl("-n shop wait --for=create --timeout=30s serviceaccount/default");
    server.apply(PODS);
    for (object, status) in STATUSES {
        let status = format!("{{\"status\":{status}}}");
        let words = "patch --subresource=status --type=merge -p".split(' ').chain([&*status]);
        server.kubectl_told(&words.chain(object.split(' ')).collect::<Vec<_>>(), "");
    }
    server.kubectl("-n shop delete service headless --wait=false");
}

/// Waits until what was told is what the server holds, a slice of its controllers with it.
fn expect_same(server: &ControlPlane, reader: &mut Reader) {
    let expected = BTreeMap::from([
        ("ConfigMap", 2),
        ("EndpointSlice", 4),
        ("Namespace", 5),
        ("Node", 1),
        ("Pod", 2),
        ("Service", 5),
        ("ServiceCIDR", 2),
    ]);
    reader.until("all is told as it is in JSON", |reader| {
        let counts = reader.held.values().fold(BTreeMap::new(), |mut counts, object| {
            *counts.entry(object.kind().as_str()).or_insert(0) += 1;
            counts
        });
        counts == expected && reader.held == held(server)
    });
    // It did not come as JSON.
    for (name, path) in [
        ("services", "/api/v1/services"),
        ("endpointslices", "/apis/discovery.k8s.io/v1/endpointslices"),
        ("pods", "/api/v1/pods"),
    ] {
        let collections = reader.state().collections;
        let bytes = collections.iter().find(|it| it.name == name).unwrap().counts.bytes;
        let json = server.kubectl(&format!("get --raw {path}")).len();
        assert!(usize::try_from(bytes).unwrap() < json, "{name}: {bytes} bytes, {json} in JSON");
    }
}

#[test]
fn objects_of_a_stream_are_what_they_are_in_json() {
    let Some(server) = ControlPlane::up() else { return };
    create(&server);
    let mut reader = Reader::start(server.admin());
    reader.until("all is read", |reader| reader.is_synced);
    expect_same(&server, &mut reader);
    // Changes, and ends.
    server.kubectl("-n shop annotate --overwrite services,endpointslices,pods --all seen=yes");
    server.kubectl("-n shop label --overwrite pods --all one=two");
    server.kubectl(
        "-n shop patch service headless --type=merge -p {\"metadata\":{\"finalizers\":null}}",
    );
    server.kubectl("-n shop delete --force pod bare");
    reader.until("the end is told", |reader| !reader.has("Service shop/headless"));
    reader.until("the changes are told", |reader| reader.held == held(&server));
}

#[test]
fn objects_of_pages_are_what_they_are_in_json() {
    let words = ["--with", "kube-apiserver:--feature-gates=WatchList=false"];
    let Some(server) = ControlPlane::up_with(1, &words) else { return };
    create(&server);
    let mut reader = Reader::start(server.admin());
    reader.until("all is read", |reader| reader.is_synced);
    expect_same(&server, &mut reader);
}
