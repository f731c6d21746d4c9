//! Does a real API server take what the chart installs?

use serde_json::Value;
use testkit::control_plane::ControlPlane;

use super::roles::deploy;

#[test]
fn the_plain_manifests_are_what_the_chart_becomes() {
    let Some(server) = ControlPlane::up() else { return };
    let rendered = server.chart(&deploy("chart"), &[]);
    let path = deploy("manifests/pogu.yaml");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &rendered).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), rendered, "UPDATE_EXPECT=1 writes it anew");
    server.apply(&rendered);
    let folder = deploy("");
    server.kubectl(&format!("apply --dry-run=server -k {}", folder.display()));
    for values in [
        &["dns.enabled=false"][..],
        &["loadBalancer.enabled=true", "loadBalancer.defaultClass=none", "externalIPRange=none"],
        &["controller.enabled=false", "agent.privileged=true"],
        &["apiServer.host=192.0.2.1", "agent.clusterCIDR=10.244.0.0/16,fd00:10:244::/56"],
        &["dns.service.clusterIPs={10.96.0.10,fd00:10:96::a}", "dns.pods=verified"],
    ] {
        let values: Vec<String> =
            values.iter().map(|it| it.replace("0/16,fd", "0/16\\,fd")).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        server.dry_run(&server.chart(&deploy("chart"), &values));
    }
}

#[test]
fn a_pool_of_addresses_is_judged_by_the_server() {
    let Some(server) = ControlPlane::up() else { return };
    server.apply(&server.chart(&deploy("chart"), &["loadBalancer.enabled=true"]));
    server.kubectl("wait --for=condition=Established crd/addresspools.pogu.dev --timeout=60s");
    let pool = |spec: &str| {
        let kind = "apiVersion: pogu.dev/v1alpha1, kind: AddressPool, metadata: {name: p}";
        format!("{{{kind}, spec: {{{spec}}}}}")
    };
    let address = "expected an address, a range such as 192.0.2.0/24, or 192.0.2.1-192.0.2.9";
    let values = "expected values for In and NotIn, and none for Exists and DoesNotExist";
    let selecting = |expression: &str| {
        format!(
            "addresses: [192.0.2.7], serviceSelectors: [{{matchExpressions: [{{{expression}}}]}}]"
        )
    };
    let at = |field: &str, value: &str, why: &str| {
        format!("The AddressPool \"p\" is invalid: spec.{field}: Invalid value: {value}{why}\n")
    };
    let all = "addresses: [192.0.2.0/24, 192.0.2.1-192.0.2.9, 'fd00::1 - fd00::9', 'fd01::/64'], \
               reserved: [192.0.2.7], avoidEdges: true, autoAssign: false, disabled: true, \
               announce: false, priority: 7, namespaces: [shop], namespaceSelectors: [{matchLabels: {a: b}}]";
    let of_pool = |text: &str| at("addresses[0]", &format!("{text:?}: "), address);
    let expression = "serviceSelectors[0].matchExpressions[0]";
    for (spec, expected) in [
        (all.to_owned(), String::new()),
        (selecting("key: a, operator: NotIn, values: [b]"), String::new()),
        ("addresses: [fo.o]".to_owned(), of_pool("fo.o")),
        ("addresses: [192.0.2.0/33]".to_owned(), of_pool("192.0.2.0/33")),
        ("addresses: ['::ffff:192.0.2.1']".to_owned(), of_pool("::ffff:192.0.2.1")),
        (
            "addresses: [192.0.2.9-fd00::1]".to_owned(),
            at("addresses[0]", "\"192.0.2.9-fd00::1\": ", "expected two addresses of one family"),
        ),
        (
            "addresses: []".to_owned(),
            at("addresses", "0: ", "spec.addresses in body should have at least 1 items"),
        ),
        (selecting("key: a, operator: In"), at(expression, "", values)),
        (selecting("key: a, operator: Exists, values: [b]"), at(expression, "", values)),
    ] {
        assert_eq!(server.refusal(&pool(&spec)), expected, "{spec}");
    }
    server.apply(&pool("addresses: [192.0.2.7]"));
    let defaults = server.kubectl("get addresspool p -o jsonpath={.spec}");
    let expected = serde_json::json!({
        "addresses": ["192.0.2.7"], "announce": true, "autoAssign": true, "avoidEdges": false, "disabled": false,
    });
    assert_eq!(serde_json::from_str::<Value>(&defaults).unwrap(), expected);
}
