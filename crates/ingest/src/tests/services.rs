//! Is a Service read as the API means it?

use std::num::NonZeroU16;
use std::sync::Arc;

use model::{
    Affinity, ByFamily, Protocol, Service, ServiceKind, ServiceName, ServicePort, TrafficPolicy,
};

use super::{service, shown, table};

pub(super) fn number(port: u16) -> NonZeroU16 {
    NonZeroU16::new(port).expect("the test's port")
}

/// Port 80/TCP without a name.
pub(super) fn http() -> ServicePort {
    ServicePort {
        name: "".into(),
        protocol: Protocol::Tcp,
        port: number(80),
        node_port: None,
        app_protocol: None,
        endpoints: ByFamily { v4: Arc::default(), v6: Arc::default() },
    }
}

/// What `{clusterIP: 10.96.0.1, ports: [{port: 80}]}` means.
pub(super) fn plain() -> Service {
    Service {
        name: ServiceName::new("default", "web"),
        created_s: 0,
        kind: ServiceKind::ClusterIp,
        cluster_ips: vec![[10, 96, 0, 1].into()],
        external: Vec::new(),
        source_ranges: None,
        internal_policy: TrafficPolicy::Cluster,
        external_policy: TrafficPolicy::Cluster,
        affinity: None,
        health_check_node_port: None,
        other_proxy: None,
        ports: vec![http()],
        slices: Arc::default(),
    }
}

/// A Service and what is rejected of it. The text is what follows `metadata.name` and `spec`.
#[track_caller]
pub(super) fn check(what: &str, text: &str, expected: &Service, rejections: &[&str]) {
    let text = format!("{{apiVersion: v1, kind: Service, {text}}}");
    let table = table(&text);
    assert_eq!(*service(&table, "web"), *expected, "{what}");
    let prefix = "Service default/web ";
    let found = shown(&table);
    let found: Vec<&str> =
        found.iter().map(|it| it.strip_prefix(prefix).expect("it is the Service's")).collect();
    assert_eq!(found, rejections, "{what}");
}

/// As `check`, for a Service with a ClusterIP and port 80: only what the spec has besides.
#[track_caller]
pub(super) fn check_spec(what: &str, spec: &str, expected: &Service, rejections: &[&str]) {
    let text = format!(
        "metadata: {{name: web}}, spec: {{clusterIP: 10.96.0.1, ports: [{{port: 80}}], {spec}}}"
    );
    check(what, &text, expected, rejections);
}

#[test]
fn metadata_gives_age_and_the_other_proxy() {
    let spec = "spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}";
    check("plain", &format!("metadata: {{name: web}}, {spec}"), &plain(), &[]);
    check(
        "creation time",
        &format!("metadata: {{name: web, creationTimestamp: 2026-11-25T04:02:57Z}}, {spec}"),
        &Service { created_s: 1_795_579_377, ..plain() },
        &[],
    );
    check(
        "no creation time, as kubectl writes it",
        &format!("metadata: {{name: web, creationTimestamp: null}}, {spec}"),
        &plain(),
        &[],
    );
    check(
        "a wrong creation time is the youngest",
        &format!("metadata: {{name: web, creationTimestamp: today}}, {spec}"),
        &Service { created_s: i64::MAX, ..plain() },
        &[
            r#"metadata.creationTimestamp: expected a time such as 2026-11-25T09:00:00Z, found "today""#,
        ],
    );
    for value in ["other", ""] {
        check(
            "another proxy, whatever it is called",
            &format!(
                "metadata: {{name: web, labels: {{service.kubernetes.io/service-proxy-name: '{value}'}}}}, {spec}"
            ),
            &Service { other_proxy: Some(value.into()), ..plain() },
            &[],
        );
    }
}

#[test]
fn words_outside_the_api_are_told_and_the_default_is_used() {
    let local = TrafficPolicy::Local;
    let cases: [(&str, Service, &[&str]); 10] = [
        ("type: NodePort", Service { kind: ServiceKind::NodePort, ..plain() }, &[]),
        (
            "type: Nodeport",
            plain(),
            &[
                r#"spec.type: expected ClusterIP or NodePort or LoadBalancer or ExternalName, found "Nodeport"; ClusterIP is used"#,
            ],
        ),
        ("internalTrafficPolicy: Local", Service { internal_policy: local, ..plain() }, &[]),
        (
            "internalTrafficPolicy: local",
            plain(),
            &[
                r#"spec.internalTrafficPolicy: expected Cluster or Local, found "local"; Cluster is used"#,
            ],
        ),
        ("externalTrafficPolicy: Local", Service { external_policy: local, ..plain() }, &[]),
        (
            "externalTrafficPolicy: Global",
            plain(),
            &[
                r#"spec.externalTrafficPolicy: expected Cluster or Local, found "Global"; Cluster is used"#,
            ],
        ),
        (
            "sessionAffinity: Cookie",
            plain(),
            &[r#"spec.sessionAffinity: expected None or ClientIP, found "Cookie"; None is used"#],
        ),
        (
            "ipFamilies: [IPv4, IPv5], ipFamilyPolicy: Dual",
            plain(),
            &[
                r#"spec.ipFamilies[1]: expected IPv4 or IPv6, found "IPv5"; it is ignored"#,
                r#"spec.ipFamilyPolicy: expected SingleStack or PreferDualStack or RequireDualStack, found "Dual"; it is ignored"#,
            ],
        ),
        (
            "trafficDistribution: Close",
            plain(),
            &[
                r#"spec.trafficDistribution: expected PreferClose or PreferSameZone or PreferSameNode, found "Close"; it is ignored"#,
            ],
        ),
        (
            "trafficDistribution: PreferClose, ipFamilies: [IPv4], ipFamilyPolicy: SingleStack, \
             publishNotReadyAddresses: true, loadBalancerClass: a/b, loadBalancerIP: x, \
             allocateLoadBalancerNodePorts: false, selector: {app: web}",
            plain(),
            &[],
        ),
    ];
    for (spec, expected, rejections) in cases {
        check_spec(spec, spec, &expected, rejections);
    }
}

#[test]
fn affinity_has_bounds_and_a_default() {
    let sticky = |timeout_s| Service { affinity: Some(Affinity { timeout_s }), ..plain() };
    let field = "spec.sessionAffinityConfig.clientIP.timeoutSeconds";
    let cases = [
        ("ClientIP", "1", sticky(1), None),
        ("ClientIP", "86400", sticky(86_400), None),
        ("ClientIP", "null", sticky(10_800), None),
        (
            "ClientIP",
            "0",
            sticky(10_800),
            Some("expected a number from 1 to 86400, found 0; 10800 is used"),
        ),
        (
            "ClientIP",
            "86401",
            sticky(10_800),
            Some("expected a number from 1 to 86400, found 86401; 10800 is used"),
        ),
        (
            "None",
            "60",
            plain(),
            Some("expected only where sessionAffinity is ClientIP; it is ignored"),
        ),
    ];
    for (affinity, timeout, expected, reason) in cases {
        let spec = format!(
            "sessionAffinity: {affinity}, sessionAffinityConfig: {{clientIP: {{timeoutSeconds: {timeout}}}}}"
        );
        let rejections: Vec<String> =
            reason.iter().map(|reason| format!("{field}: {reason}")).collect();
        let rejections: Vec<&str> = rejections.iter().map(String::as_str).collect();
        check_spec(&spec, &spec, &expected, &rejections);
    }
    check_spec("no timeout", "sessionAffinity: ClientIP", &sticky(10_800), &[]);
}

#[test]
fn health_check_port_needs_a_load_balancer_with_local_policy() {
    let local = Service {
        kind: ServiceKind::LoadBalancer(Arc::default()),
        external_policy: TrafficPolicy::Local,
        ..plain()
    };
    let only = "expected only where type is LoadBalancer and externalTrafficPolicy is Local";
    let ignored = format!("spec.healthCheckNodePort: {only}, found 32000; it is not served");
    check_spec(
        "served",
        "type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 32000",
        &Service { health_check_node_port: NonZeroU16::new(32_000), ..local.clone() },
        &[],
    );
    check_spec(
        "policy Cluster",
        "type: LoadBalancer, healthCheckNodePort: 32000",
        &Service { external_policy: TrafficPolicy::Cluster, ..local.clone() },
        &[&ignored],
    );
    check_spec(
        "no load balancer",
        "type: NodePort, externalTrafficPolicy: Local, healthCheckNodePort: 32000",
        &Service { kind: ServiceKind::NodePort, ..local.clone() },
        &[&ignored],
    );
    check_spec(
        "out of range",
        "type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 99999",
        &local,
        &["spec.healthCheckNodePort: expected a number from 1 to 65535, found 99999"],
    );
    check_spec("zero", "healthCheckNodePort: 0", &plain(), &[]);
}

#[test]
fn external_name_is_kept_and_has_no_address() {
    let named = |name: &str| Service {
        kind: ServiceKind::ExternalName(name.into()),
        cluster_ips: Vec::new(),
        ports: Vec::new(),
        ..plain()
    };
    let cases: [(&str, Service, &[&str]); 4] = [
        ("externalName: db.example.com", named("db.example.com"), &[]),
        ("externalName: db.example.com.", named("db.example.com."), &[]),
        (
            "externalName: db.example.com, clusterIP: 10.96.0.1",
            named("db.example.com"),
            &[r#"spec.clusterIP: expected none where type is ExternalName, found "10.96.0.1""#],
        ),
        (
            "externalName: DB_1",
            named(""),
            &[r#"spec.externalName: expected a DNS name in lower case, found "DB_1""#],
        ),
    ];
    for (spec, expected, rejections) in cases {
        let text = format!("metadata: {{name: web}}, spec: {{type: ExternalName, {spec}}}");
        check(spec, &text, &expected, rejections);
        assert!(!expected.is_proxied());
    }
}
