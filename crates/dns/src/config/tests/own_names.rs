//! Are the plugins understood that answer by themselves: kubernetes, hosts and transfer?

use std::net::IpAddr;

use super::*;

#[test]
fn kubernetes_has_options() {
    let text = "\
kubernetes 10.96.0.0/16 cluster.local Cluster.Local {
    pods verified
    ttl 0
    endpoint_pod_names
    namespaces a b
    namespace_labels env in (qa, prod),!hidden
    ignore empty_service
    noendpoints
    fallthrough
}";
    let selector = Selector::parse("env in (qa,prod),!hidden").expect("a selector");
    let expected = Kubernetes {
        zones: Setting::new(names(&["cluster.local", "96.10.in-addr.arpa"]), at(2)),
        pods: Setting::new(PodRecords::Verified, at(3)),
        ttl: Setting::new(0, at(4)),
        endpoint_pod_names: Setting::new(true, at(5)),
        namespaces: Setting::new(Some(names(&["a", "b"])), at(6)),
        namespace_labels: Setting::new(Some(selector), at(7)),
        ignores_empty_services: Setting::new(true, at(8)),
        serves_endpoints: Setting::new(false, at(9)),
        fallthrough: Setting::new(Fallthrough::Always, at(10)),
    };
    let block = block(text);
    assert_eq!(block.config.cluster_zones, expected.zones.value);
    assert_eq!(block.kubernetes, Some(expected));
}

#[test]
fn kubernetes_takes_the_zones_of_its_block() {
    let corefile = understood("in-addr.arpa cluster.local {\nkubernetes\n}\n");
    let default = Origin::new("default of plugin kubernetes");
    let zones = Setting::new(names(&["cluster.local", "in-addr.arpa"]), at(2));
    assert_eq!(corefile.blocks[0].kubernetes, Some(Kubernetes::new(zones, &default)));
}

#[test]
fn kubernetes_tells_what_it_ignores() {
    let text = "\
kubernetes cluster.local {
    pods sometimes
    ttl 3601
    namespaces
    namespace_labels a b
    ignore all
    endpoint https://10.0.0.1
    kubeconfig a b
    labels a=b
    upstream
    multicluster clusterset.local
    surprise
}";
    let flags = "is ignored: how the API server is reached is said by flags";
    let notices = [
        "Corefile:3: kubernetes: \"pods sometimes\" wants disabled, insecure or verified, ignored",
        "Corefile:4: kubernetes: \"ttl 3601\" wants a number from 0 to 3600, ignored",
        "Corefile:5: kubernetes: \"namespaces\" wants namespaces, ignored",
        "Corefile:6: kubernetes: \"namespace_labels a b\" is ignored: label selector is wrong at \"a \
         b\"; hint: write a=b, a!=b, a in (b,c), a notin (b,c), a or !a, with commas between",
        "Corefile:7: kubernetes: \"ignore all\" is not understood, ignored",
        &format!("Corefile:8: kubernetes: \"endpoint https://10.0.0.1\" {flags}"),
        &format!("Corefile:9: kubernetes: \"kubeconfig a b\" {flags}"),
        "Corefile:10: kubernetes: \"labels a=b\" is not understood, ignored: all Services are served",
        "Corefile:11: kubernetes: \"upstream\" is ignored: it has had no effect in CoreDNS since 1.7",
        "Corefile:12: kubernetes: \"multicluster clusterset.local\" is ignored: zones of several \
         clusters are said by flags",
        "Corefile:13: kubernetes: \"surprise\" is not understood, ignored",
    ];
    let zones = Setting::new(names(&["cluster.local"]), at(2));
    let expected = Kubernetes::new(zones, &Origin::new("default of plugin kubernetes"));
    assert_eq!(told(text, &notices).kubernetes, Some(expected));
}

#[test]
fn hosts_has_entries_and_options() {
    let text = "\
hosts custom.hosts example.org {
    10.0.0.1 a.example.org b.example.org
    fd00::1 a.example.org
    ttl 60
    no_reverse
    reload 1m
    fallthrough example.org
}";
    let (table, _) =
        HostTable::read("", "10.0.0.1 a.example.org b.example.org\nfd00::1 a.example.org");
    let expected = Hosts {
        zones: names(&["example.org"]),
        table,
        file: Some("custom.hosts".into()),
        ttl: 60,
        has_reverse: false,
        fallthrough: Fallthrough::Zones(names(&["example.org"])),
        origin: at(2),
    };
    assert_eq!(block(text).config.hosts, Some(Arc::new(expected)));
}

#[test]
fn hosts_reads_the_nodes_file_only_when_nothing_else_is_named() {
    let file = |text| block(text).config.hosts.expect("hosts").file.clone();
    assert_eq!(file("hosts"), Some("/etc/hosts".into()));
    assert_eq!(file("hosts {\n10.0.0.1 a\n}"), None);
}

#[test]
fn hosts_tells_what_it_ignores() {
    let text = "hosts {\n10.0.0.1 a..b c\n10.0.0 d\nttl 0\nfallthrough_unsupported\n}";
    let notices = [
        r#"Corefile:3: "a..b" is no host name, ignored"#,
        r#"Corefile:4: "10.0.0" is no address, entry ignored"#,
        r#"Corefile:5: hosts: "ttl 0" wants a number from 1 to 65535, ignored"#,
        r#"Corefile:6: hosts: "fallthrough_unsupported" is not understood, ignored"#,
    ];
    let hosts = told(text, &notices).config.hosts.expect("hosts");
    let address: IpAddr = [10, 0, 0, 1].into();
    assert_eq!(hosts.table.addresses("c"), Some([address].as_slice()));
    assert_eq!((hosts.ttl, &hosts.fallthrough), (3600, &Fallthrough::Never));
}

#[test]
fn transfer_names_who_may() {
    let config = block(
        "transfer a.example 10.0.0.0/8 {\nto 10.1.2.3 fd00::/8\n}\ntransfer {\nto 10.9.0.1:53\n}",
    )
    .config;
    let may = |zone, client: &str| config.may_transfer(zone, client.parse().expect("an address"));
    assert!(may("a.example", "10.1.2.3"));
    assert!(may("10.in-addr.arpa", "fd00::5"));
    assert!(!may("b.example", "10.1.2.3"));
    assert!(!may("a.example", "10.1.2.4"));
    assert!(may("b.example", "10.9.0.1"));

    let config = block("transfer {\nto *\n}").config;
    assert!(config.may_transfer("a", [10, 0, 0, 1].into()));
    assert!(config.may_transfer("a", IpAddr::V6("fd00::1".parse().expect("an address"))));
}

#[test]
fn transfer_tells_what_it_ignores_and_allows_nobody_more() {
    let notices = [
        r#"Corefile:2: transfer: "a..b" is no zone, ignored"#,
        r#"Corefile:6: transfer: to "somebody" is ignored: no address"#,
        r#"Corefile:7: transfer: "from 10.0.0.1" is not understood, ignored"#,
    ];
    let text = "transfer a..b {\nto *\n}\ntransfer {\nto somebody\nfrom 10.0.0.1\n}";
    let transfer = Transfer { zones: Vec::new(), to: Vec::new(), origin: at(5) };
    assert_eq!(told(text, &notices).config.transfers, [transfer]);
}
