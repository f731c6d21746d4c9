//! Is what we write what we read, and does the schema know all of it?

use serde_json::{Value, json};

use crate::api::{EndpointSlice, Object, Service};
use crate::manifest::{Manifest, parse};

/// An object of each kind with every field that is kept.
fn complete() -> Vec<Value> {
    let metadata = |name: &str, namespace: &str| {
        json!({
            "name": name, "namespace": namespace, "uid": "1-2", "labels": {"a": "b"},
            "annotations": {"c": "d"}, "creationTimestamp": "2026-11-25T09:00:00Z",
            "deletionTimestamp": "2026-11-25T09:00:01Z", "generation": 3, "finalizers": ["a/b"],
        })
    };
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": metadata("web", "shop"),
        "spec": {
            "type": "LoadBalancer", "clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1"],
            "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "externalIPs": ["192.0.2.1"],
            "externalName": "a.example", "externalTrafficPolicy": "Local",
            "internalTrafficPolicy": "Cluster", "trafficDistribution": "PreferClose",
            "sessionAffinity": "ClientIP", "selector": {"app": "web"},
            "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}},
            "loadBalancerIP": "192.0.2.2", "loadBalancerClass": "a/b",
            "loadBalancerSourceRanges": ["10.0.0.0/8"], "allocateLoadBalancerNodePorts": false,
            "healthCheckNodePort": 32000, "publishNotReadyAddresses": true,
            "ports": [{"name": "http", "protocol": "TCP", "appProtocol": "http", "port": 80,
                       "targetPort": "web", "nodePort": 30080}],
        },
        "status": {"loadBalancer": {"ingress": [{
            "ip": "192.0.2.2", "ipMode": "VIP", "hostname": "lb.example",
            "ports": [{"port": 80, "protocol": "TCP", "error": "none"}],
        }]}},
    });
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": metadata("web-1", "shop"), "addressType": "IPv4",
        "endpoints": [{
            "addresses": ["10.1.0.1"],
            "conditions": {"ready": true, "serving": true, "terminating": false},
            "hostname": "h", "nodeName": "n", "zone": "z",
            "hints": {"forZones": [{"name": "z"}], "forNodes": [{"name": "n"}]},
            "targetRef": {"kind": "Pod", "namespace": "shop", "name": "p", "uid": "3"},
        }],
        "ports": [{"name": "http", "protocol": "TCP", "port": 8080, "appProtocol": "http"}],
    });
    let node = json!({
        "apiVersion": "v1", "kind": "Node", "metadata": metadata("n", ""),
        "spec": {"podCIDR": "10.1.0.0/24", "podCIDRs": ["10.1.0.0/24"],
                 "taints": [{"key": "k", "value": "v", "effect": "NoSchedule"}]},
        "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]},
    });
    let cidr = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": metadata("c", ""),
        "spec": {"cidrs": ["10.96.0.0/12"]},
    });
    let namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata("shop", "")});
    let import = json!({
        "apiVersion": "multicluster.x-k8s.io/v1beta1", "kind": "ServiceImport",
        "metadata": metadata("web", "shop"),
        "spec": {
            "type": "ClusterSetIP", "ips": ["10.112.0.1"],
            "ports": [{"name": "http", "protocol": "TCP", "appProtocol": "http", "port": 80}],
        },
    });
    let config_map = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("coredns", "kube-system"),
        "data": {"Corefile": ". {}"},
    });
    let [pool, metallb] = complete_pools(metadata);
    vec![service, slice, node, cidr, namespace, import, config_map, pool, metallb]
}

fn complete_pools(metadata: impl Fn(&str, &str) -> Value) -> [Value; 2] {
    let selector = json!({
        "matchLabels": {"a": "b"},
        "matchExpressions": [{"key": "c", "operator": "In", "values": ["d"]}],
    });
    let pool = json!({
        "apiVersion": "pogu.dev/v1alpha1", "kind": "AddressPool", "metadata": metadata("p", ""),
        "spec": {
            "addresses": ["192.0.2.0/24"], "reserved": ["192.0.2.1"], "avoidEdges": true,
            "autoAssign": false, "disabled": true, "priority": 7, "namespaces": ["shop"],
            "namespaceSelectors": [selector], "serviceSelectors": [selector],
        },
    });
    let metallb = json!({
        "apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool", "metadata": metadata("p", "x"),
        "spec": {
            "addresses": ["192.0.2.0/24"], "avoidBuggyIPs": true, "autoAssign": false,
            "serviceAllocation": {
                "priority": 7, "namespaces": ["shop"], "namespaceSelectors": [selector],
                "serviceSelectors": [selector],
            },
        },
    });
    [pool, metallb]
}

#[test]
fn a_complete_object_is_written_as_it_was_read() {
    for mut written in complete() {
        let (manifests, rejections) = parse("file", &written.to_string());
        assert_eq!(rejections, []);
        let [Manifest::Object(object)] = manifests.as_slice() else { panic!("one object") };
        let metadata = written["metadata"].as_object_mut().expect("it has metadata");
        metadata.retain(|_, value| value != "");
        assert_eq!(serde_json::to_value(object).expect("it can be written"), written);
    }
}

/// An API server knows fields that we do not, and writes empty lists as null.
#[test]
fn decoding_from_a_server_ignores_what_is_unknown_or_null() {
    let slice: EndpointSlice = serde_json::from_str(
        r#"{"kind": "EndpointSlice", "future": {}, "metadata": {"name": "a", "labels": null},
            "addressType": null, "endpoints": null, "ports": [null, {"name": null, "port": 80.5}]}"#,
    )
    .expect("it can be read");
    assert_eq!(slice.metadata.name, "a");
    assert_eq!((slice.endpoints.len(), slice.ports.len()), (0, 2));
    let service: Service =
        serde_json::from_str(r#"{"metadata": null, "spec": null, "status": null}"#)
            .expect("it can be read");
    assert_eq!(service, Service::default());
    assert_eq!(Object::EndpointSlice(slice).key().to_string(), "EndpointSlice /a");
}
