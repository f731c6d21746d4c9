//! Which slices follow from Pods, and do they depend on anything but what is there?

use std::collections::{BTreeMap, BTreeSet};

use ingest::api::EndpointSlice;
use model::NodeName;
use proptest::prelude::*;

use super::{pod, ready, service};
use crate::api::Service;
use crate::observed::{ObservedPod, Phase};
use crate::slices::{NodeTopology, endpoint_slices};

fn web(spec: &str) -> Service {
    service(&format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: web, namespace: shop}}, \
         spec: {{selector: {{app: web}}, {spec}}}}}"
    ))
}

const ONE_PORT: &str = "clusterIP: 10.96.0.1, ports: [{port: 80, targetPort: http}]";

fn numbered(number: u16, port: u16, more: &str) -> ObservedPod {
    let text = format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: web-{number:03}, namespace: shop, \
         labels: {{app: web}}}}, spec: {{{more} containers: [{{name: c, image: a, \
         ports: [{{name: http, containerPort: {port}}}]}}]}}}}"
    );
    let last = number + 1;
    let mut pod = ready(
        pod(&text),
        &[&format!("10.1.{}.{}", last / 256, last % 256), &format!("fd00::{last:x}")],
    );
    pod.node = Some(NodeName::new(format!("node-{}", number % 2)));
    pod
}

fn nodes() -> BTreeMap<NodeName, NodeTopology> {
    let zone = |zone: &str| NodeTopology { zone: Some(zone.to_owned()) };
    BTreeMap::from([
        (NodeName::new("node-0"), zone("east")),
        (NodeName::new("node-1"), zone("west")),
    ])
}

/// As a person reads a slice: family, ports, then each endpoint with its conditions and the rest.
fn shown(slices: &[EndpointSlice]) -> BTreeSet<String> {
    let flag = |flag: Option<bool>, word: &'static str| if flag == Some(true) { word } else { "" };
    slices
        .iter()
        .map(|slice| {
            let ports: Vec<String> = (slice.ports.iter())
                .map(|port| {
                    let (name, number) = (port.name.as_deref(), port.port.as_ref());
                    format!(
                        "{}={}",
                        name.unwrap_or("-"),
                        number.map(ToString::to_string).unwrap_or_default()
                    )
                })
                .collect();
            let endpoints: Vec<String> = (slice.endpoints.iter())
                .map(|it| {
                    let conditions = &it.conditions;
                    let hints = it.hints.clone().unwrap_or_default();
                    let hinted = hints.for_zones.into_iter().chain(hints.for_nodes);
                    let hinted: Vec<String> = hinted.map(|hint| hint.name).collect();
                    format!(
                        "{}{}{}{}{}{}",
                        it.addresses.join(","),
                        flag(conditions.ready, " ready"),
                        flag(conditions.serving, " serving"),
                        flag(conditions.terminating, " terminating"),
                        it.hostname.as_ref().map(|name| format!(" {name}")).unwrap_or_default(),
                        if hinted.is_empty() {
                            String::new()
                        } else {
                            format!(" for {}", hinted.join("+"))
                        },
                    )
                })
                .collect();
            format!("{} [{}] {}", slice.address_type, ports.join(" "), endpoints.join(" | "))
        })
        .collect()
}

fn set<const N: usize>(lines: [&str; N]) -> BTreeSet<String> {
    lines.map(str::to_owned).into()
}

#[test]
fn tells_conditions_as_pods_live_and_end() {
    let mut pods: Vec<_> = (0..5).map(|number| numbered(number, 80, "")).collect();
    pods[1].ready = false;
    pods[2].terminating = true;
    (pods[3].terminating, pods[3].ready) = (true, false);
    pods[4].phase = Phase::Failed;
    let lines = "IPv4 [=80] 10.1.0.1 ready serving | 10.1.0.2 | 10.1.0.3 serving terminating | \
                 10.1.0.4 terminating";
    assert_eq!(shown(&endpoint_slices(&web(ONE_PORT), &pods, &nodes())), set([lines]));
    let published = format!("publishNotReadyAddresses: true, {ONE_PORT}");
    let lines = "IPv4 [=80] 10.1.0.1 ready serving | 10.1.0.2 ready | \
                 10.1.0.3 ready serving terminating | 10.1.0.4 ready terminating";
    assert_eq!(shown(&endpoint_slices(&web(&published), &pods, &nodes())), set([lines]));
}

#[test]
fn makes_a_slice_for_each_family_and_set_of_ports() {
    let pods = [numbered(0, 80, ""), numbered(1, 8080, ""), numbered(2, 80, "")];
    let dual = "ipFamilies: [IPv4, IPv6], ports: [{name: a, port: 80, targetPort: http}, \
                {name: b, port: 9, targetPort: 99}]";
    let expected = set([
        "IPv4 [a=80 b=99] 10.1.0.1 ready serving | 10.1.0.3 ready serving",
        "IPv4 [a=8080 b=99] 10.1.0.2 ready serving",
        "IPv6 [a=80 b=99] fd00::1 ready serving | fd00::3 ready serving",
        "IPv6 [a=8080 b=99] fd00::2 ready serving",
    ]);
    assert_eq!(shown(&endpoint_slices(&web(dual), &pods, &nodes())), expected);
    let absent = "clusterIP: 10.96.0.1, ports: [{port: 80, targetPort: nope}]";
    let found = shown(&endpoint_slices(&web(absent), &pods[..1], &nodes()));
    assert_eq!(found, set(["IPv4 [] 10.1.0.1 ready serving"]));
}

#[test]
fn names_pods_below_a_headless_service() {
    let pods = [
        numbered(0, 80, "hostname: first, subdomain: web,"),
        numbered(1, 80, "hostname: second, subdomain: other,"),
    ];
    let slices = endpoint_slices(&web("clusterIP: None, ipFamilies: [IPv4]"), &pods, &nodes());
    let expected = set(["IPv4 [] 10.1.0.1 ready serving first | 10.1.0.2 ready serving"]);
    assert_eq!(shown(&slices), expected);
    let labels: Vec<_> =
        slices[0].metadata.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let expected = [
        "endpointslice.kubernetes.io/managed-by=workload.pogu.dev",
        "kubernetes.io/service-name=web",
        "service.kubernetes.io/headless=",
    ];
    assert_eq!(labels, expected);
}

#[test]
fn hints_by_traffic_distribution() {
    let mut pods = [numbered(0, 80, ""), numbered(1, 80, ""), numbered(2, 80, "")];
    pods[2].ready = false;
    let cases = [
        ("PreferClose", "for east", "for west"),
        ("PreferSameZone", "for east", "for west"),
        ("PreferSameNode", "for east+node-0", "for west+node-1"),
    ];
    for (word, first, second) in cases {
        let spec = format!("trafficDistribution: {word}, {ONE_PORT}");
        let line = format!(
            "IPv4 [=80] 10.1.0.1 ready serving {first} | 10.1.0.2 ready serving {second} | 10.1.0.3"
        );
        let found = shown(&endpoint_slices(&web(&spec), &pods, &nodes()));
        assert_eq!(found, set([line.as_str()]), "{word}");
    }
}

#[test]
fn leaves_the_slices_of_others_alone_and_keeps_a_place_for_its_own() {
    let pods = [numbered(0, 80, "")];
    let by_hand = service(
        "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, \
         spec: {ports: [{port: 80}]}}",
    );
    assert_eq!(endpoint_slices(&by_hand, &pods, &nodes()), []);
    let outside = web("type: ExternalName, externalName: www.naver.com");
    assert_eq!(endpoint_slices(&outside, &pods, &nodes()), []);
    assert_eq!(shown(&endpoint_slices(&web(ONE_PORT), &[], &nodes())), set(["IPv4 [] "]));
}

#[test]
fn holds_a_hundred_endpoints_in_a_slice() {
    let pods: Vec<_> = (0..250).map(|number| numbered(number, 80, "")).collect();
    let slices = endpoint_slices(&web(ONE_PORT), &pods, &nodes());
    let mut sizes: Vec<_> = slices.iter().map(|slice| slice.endpoints.len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [50, 100, 100]);
    let names: BTreeSet<_> = slices.iter().map(|slice| &slice.metadata.name).collect();
    assert_eq!(names.len(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// After any history, the slices are those of a start with what is there, in any order.
    #[test]
    fn depend_on_the_present_alone(
        steps in prop::collection::vec((0..9_u16, 0..5_u8), 0..40),
    ) {
        let service = web(ONE_PORT);
        let mut pods: Vec<ObservedPod> = Vec::new();
        for (number, what) in steps {
            let at = pods.iter().position(|it| it.pod.metadata.name == format!("web-{number:03}"));
            match (at, what) {
                (None, _) => pods.push(numbered(number, 80 + number % 2, "")),
                (Some(at), 0) => drop(pods.swap_remove(at)),
                (Some(at), 1) => pods[at].ready = !pods[at].ready,
                (Some(at), 2) => pods[at].terminating = true,
                (Some(at), 3) => pods[at].addresses.clear(),
                (Some(at), _) => pods[at].phase = Phase::Succeeded,
            }
        }
        let found = endpoint_slices(&service, &pods, &nodes());
        let mut anew = pods.clone();
        anew.sort_by(|a, b| b.pod.metadata.name.cmp(&a.pod.metadata.name));
        prop_assert_eq!(&endpoint_slices(&service, &anew, &nodes()), &found);
        let listed: Vec<&String> =
            found.iter().flat_map(|slice| &slice.endpoints).flat_map(|it| &it.addresses).collect();
        let expected: BTreeSet<String> = pods
            .iter()
            .filter(|pod| !pod.phase.is_final())
            .filter_map(|pod| pod.addresses.first().map(ToString::to_string))
            .collect();
        prop_assert_eq!(listed.len(), expected.len());
        prop_assert_eq!(listed.into_iter().cloned().collect::<BTreeSet<_>>(), expected);
    }
}
