//! Are Pods read as far as they matter, and left alone beyond that?

use std::net::IpAddr;
use std::sync::Arc;

use model::{NodeName, Pod, PodName, Readiness};

use super::{object, shown, table};
use crate::Objects;

fn pod(addresses: &[&str]) -> Pod {
    let parse = |text: &&str| text.parse::<IpAddr>().expect("an address");
    Pod {
        name: PodName::new("shop", "web-1"),
        node: None,
        host_network: false,
        addresses: addresses.iter().map(parse).collect(),
        ready: None,
    }
}

#[track_caller]
fn check(fields: &str, expected: &[Pod], rejections: &[&str]) {
    let table = table(&format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: web-1, namespace: shop}}, {fields}}}"
    ));
    let found: Vec<Pod> = table.pods.values().map(|pod| Pod::clone(pod)).collect();
    assert_eq!(found, expected, "{fields}");
    let rejections: Vec<String> =
        rejections.iter().map(|it| format!("Pod shop/web-1 {it}")).collect();
    assert_eq!(shown(&table), rejections, "{fields}");
}

#[test]
fn a_pod_has_a_place_addresses_and_a_readiness() {
    let full = Pod {
        node: Some(NodeName::new("n1")),
        host_network: true,
        ready: Some(Readiness {
            is_ready: false,
            reason: "ContainersNotReady".into(),
            message: "readiness probe failed: HTTP 503".into(),
        }),
        ..pod(&["10.1.0.5", "fd01::5"])
    };
    check(
        "spec: {nodeName: n1, hostNetwork: true, containers: [{name: web, image: x}]}, status: \
         {phase: Running, podIP: 10.1.0.5, podIPs: [{ip: 10.1.0.5}, {ip: 'fd01::5'}], conditions: \
         [{type: Initialized, status: 'True'}, {type: Ready, status: 'False', lastProbeTime: null, \
         reason: ContainersNotReady, message: 'readiness probe failed: HTTP 503'}]}",
        &[full],
        &[],
    );
    check("status: {podIP: 10.1.0.5}", &[pod(&["10.1.0.5"])], &[]);
    check("status: {phase: Succeeded, podIP: 10.1.0.5}", &[pod(&[])], &[]);
}

#[test]
fn what_is_wrong_in_a_pod_is_told_and_the_rest_kept() {
    check(
        "status: {podIPs: [{ip: 10.1.0.5}, {ip: x}, {ip: 10.1.0.6}]}",
        &[pod(&["10.1.0.5"])],
        &[
            "status.podIPs[1].ip: expected an IP address, found \"x\"",
            "status.podIPs[2].ip: expected one address of each family, found 10.1.0.6",
        ],
    );
}

#[test]
fn pods_change_no_service_and_share_what_stays() {
    let text = |name: &str, ready: &str| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}, status: {{podIP: 10.1.0.5, \
             conditions: [{{type: Ready, status: '{ready}'}}]}}}}"
        )
    };
    let mut state = Objects::new();
    for name in ["a", "b"] {
        assert_eq!(state.apply(object(&text(name, "True"))), crate::Touched::default());
    }
    let before = state.table();
    state.apply(object(&text("a", "False")));
    state.apply(object(&text("b", "True")));
    let after = state.table();
    assert_eq!(before.changed_services(&after), []);
    let is_ready = |name: &str| {
        let pod = after.pods.get(&PodName::new("default", name));
        pod.and_then(|pod| pod.ready.as_ref()).map(|ready| ready.is_ready)
    };
    assert_eq!([is_ready("a"), is_ready("b")], [Some(false), Some(true)]);
    let b = PodName::new("default", "b");
    assert!(Arc::ptr_eq(&before.pods[&b], &after.pods[&b]));
    let key = object(&text("a", "True")).key();
    assert_eq!(state.delete(&key), crate::Touched::default());
    let names: Vec<String> = state.table().pods.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["default/b"]);
}
