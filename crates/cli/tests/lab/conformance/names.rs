//! Are the names found that the conformance suite asks of a cluster's DNS?

use serde_json::json;

use super::Case;
use super::cluster::Transport::Tcp;
use super::cluster::{NODES, Server, Site};

pub(super) const CASES: [Case; 4] = [
    ("dns_for_the_cluster", dns_for_the_cluster),
    ("dns_for_services", dns_for_services),
    ("dns_for_pods", dns_for_pods),
    ("dns_for_external_name", dns_for_external_name),
];

/// Waits until both pods get these records of a type, by datagrams and by streams. A name that was
/// searched for may come with a record that says which one was found.
fn await_answers(site: &Site<'_>, kind: &str, name: &str, expected: &[String]) {
    let mut expected = expected.to_vec();
    expected.sort();
    for node in NODES {
        for way in ["+notcp", "+tcp"] {
            site.await_value(&format!("{name} {kind} {way}"), &expected, || {
                let words = ["dig", "+search", "+noall", "+answer", way, kind, name];
                let mut found = records(&site.run(node, &words), kind);
                found.sort();
                found
            });
        }
    }
}

/// What the records of a type say.
fn records(answer: &str, kind: &str) -> Vec<String> {
    let records = answer.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let records = records.filter(|it| it.get(3) == Some(&kind));
    records.filter_map(|it| Some(it.get(4..)?.join(" "))).collect()
}

/// Asks for the addresses of both families.
fn await_addresses(site: &Site<'_>, name: &str, ips: &[std::net::IpAddr]) {
    for (kind, is_v4) in [("A", true), ("AAAA", false)] {
        let of_kind = ips.iter().filter(|ip| ip.is_ipv4() == is_v4).map(ToString::to_string);
        await_answers(site, kind, name, &of_kind.collect::<Vec<_>>());
    }
}

/// "should provide DNS for the cluster", and "should resolve DNS of partial qualified names for the
/// cluster".
fn dns_for_the_cluster(site: &Site<'_>) {
    let ip = site.kubectl("get service kubernetes -n default -o jsonpath={.spec.clusterIP}");
    for name in
        ["kubernetes.default.svc.cluster.local", "kubernetes.default", "kubernetes.default.svc"]
    {
        await_answers(site, "A", name, std::slice::from_ref(&ip));
    }
}

/// "should provide DNS for services", and "should resolve DNS of partial qualified names for services":
/// addresses, ports by name, and back from the address to the name.
fn dns_for_services(site: &Site<'_>) {
    for (name, more) in [("headless", "clusterIP: None"), ("regular", "type: ClusterIP")] {
        site.apply(&format!(
            "
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec:
  {more}
  ipFamilyPolicy: RequireDualStack
  selector: {{app: web}}
  ports: [{{name: http, port: 80}}]
"
        ));
    }
    site.server(&Server { name: "one", node: "node-1", app: "web", ports: &[("http", Tcp, 80)] });
    let namespace = site.namespace();
    let (pod, service) = (site.pod_ips("one"), site.cluster_ips("regular"));
    let below = [String::new(), format!(".{namespace}"), format!(".{namespace}.svc")];
    for end in below.iter().chain(&[format!(".{namespace}.svc.cluster.local")]) {
        await_addresses(site, &format!("headless{end}"), &pod);
        await_addresses(site, &format!("regular{end}"), &service);
        let target = format!("regular.{namespace}.svc.cluster.local.");
        // Half for each of its two addresses.
        let answer = format!("0 50 80 {target}");
        await_answers(site, "SRV", &format!("_http._tcp.regular{end}"), &[answer]);
    }
    for ip in &service {
        let name = reverse(*ip);
        await_answers(site, "PTR", &name, &[format!("regular.{namespace}.svc.cluster.local.")]);
    }
}

fn reverse(ip: std::net::IpAddr) -> String {
    match ip {
        std::net::IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa.")
        }
        std::net::IpAddr::V6(ip) => {
            let text = format!("{:032x}", u128::from(ip));
            let digits: Vec<String> = text.chars().rev().map(String::from).collect();
            format!("{}.ip6.arpa.", digits.join("."))
        }
    }
}

/// "should provide DNS for pods for Hostname", and "for Subdomain".
fn dns_for_pods(site: &Site<'_>) {
    site.apply(
        "
apiVersion: v1
kind: Service
metadata: {name: sub}
spec:
  clusterIP: None
  ipFamilyPolicy: RequireDualStack
  selector: {app: named}
  ports: [{name: http, port: 80}]
---
apiVersion: v1
kind: Pod
metadata: {name: one, labels: {app: named}}
spec:
  hostname: querier
  subdomain: sub
  terminationGracePeriodSeconds: 0
  containers: [{name: c, image: pogu.dev/echo, args: [--tcp=80], ports: [{containerPort: 80}]}]
",
    );
    site.await_ready("pod/one");
    let ips = site.pod_ips("one");
    let whole = format!("sub.{}.svc.cluster.local", site.namespace());
    for name in [&whole, &format!("querier.{whole}"), "querier.sub"] {
        await_addresses(site, name, &ips);
    }
    // It knows itself by its own files.
    let own = site.kubectl("exec one -- getent hosts querier");
    let words: Vec<&str> = own.split_whitespace().collect();
    assert_eq!(words.get(1..), Some([format!("querier.{whole}").as_str(), "querier"].as_slice()));
}

/// "should provide DNS for `ExternalName` services": another name, and then an address.
fn dns_for_external_name(site: &Site<'_>) {
    site.apply(
        "
apiVersion: v1
kind: Service
metadata: {name: alias}
spec: {type: ExternalName, externalName: foo.example.com}
",
    );
    let name = format!("alias.{}.svc.cluster.local", site.namespace());
    await_answers(site, "CNAME", &name, &["foo.example.com.".to_owned()]);
    site.patch("service alias", &json!({"spec": {"externalName": "bar.example.com"}}));
    await_answers(site, "CNAME", &name, &["bar.example.com.".to_owned()]);
    let ports = json!([{"name": "http", "port": 80}]);
    let spec = json!({"type": "ClusterIP", "externalName": null, "ports": ports,
                      "ipFamilyPolicy": "RequireDualStack"});
    site.patch("service alias", &json!({"spec": spec}));
    await_addresses(site, &name, &site.cluster_ips("alias"));
    await_answers(site, "CNAME", &name, &[]);
}
