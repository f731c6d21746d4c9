//! Does the right source win, is its name kept, and is the one that loses told?

use std::time::Duration;

use super::*;

/// What is merged, with the node's resolv.conf as it mostly is.
struct Inputs {
    flags: Flags,
    corefile: Option<Corefile>,
    kube_dns: KubeDns,
    files: BTreeMap<Arc<str>, String>,
}

const RESOLV_CONF: &str = "nameserver 192.0.2.1\nnameserver 2001:db8::1\nsearch corp.example\n";

fn inputs(corefile: Option<&str>) -> Inputs {
    Inputs {
        flags: Flags::default(),
        corefile: corefile.map(understood),
        kube_dns: KubeDns::default(),
        files: map(&[("/etc/resolv.conf", RESOLV_CONF)]),
    }
}

impl Inputs {
    fn with_kube_dns(mut self, data: &[(&str, &str)]) -> Self {
        self.kube_dns = KubeDns::read(data.iter().copied()).0;
        self
    }

    #[track_caller]
    fn merge(&self, notices: &[&str]) -> Config {
        let Self { flags, corefile, kube_dns, files } = self;
        let (config, said) =
            merge(&Sources { flags, corefile: corefile.as_ref(), kube_dns, files });
        assert_eq!(lines(&said), notices);
        config
    }
}

/// Each zone with its rules: `zone: rule's zone > upstreams (origin)`.
fn rules(config: &Config) -> Vec<String> {
    let mut all = Vec::new();
    for (zone, block) in &config.zones {
        for rule in &block.forwards {
            let upstreams: Vec<String> =
                rule.upstreams.iter().map(|upstream| upstream.address.to_string()).collect();
            all.push(format!("{zone}: {} > {} ({})", rule.zone, upstreams.join(" "), rule.origin));
        }
    }
    all
}

fn flag<T>(name: &str, value: T) -> Setting<T> {
    Setting::new(value, Origin::new(name))
}

fn target(text: &str) -> Target {
    Target::parse(text).expect("an upstream")
}

fn stub_domain(text: &str) -> Setting<StubDomain> {
    flag("--stub-domain", StubDomain::parse(text).expect("a stub domain"))
}

const CLUSTER: &str = "\
.:53 {
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        fallthrough in-addr.arpa ip6.arpa
    }
    forward . /etc/resolv.conf
}
";

#[test]
fn without_anything_the_shipped_configuration_holds() {
    let default = |line| Origin { source: "default".into(), line: Some(line) };
    let arpa = names(&["in-addr.arpa", "ip6.arpa"]);
    let zones = Setting::new(names(&["cluster.local", "in-addr.arpa", "ip6.arpa"]), default(2));
    let upstreams = vec![plain("192.0.2.1:53"), plain("[2001:db8::1]:53")];
    let rule = ForwardRule {
        max_concurrent: Some(1000),
        ..ForwardRule::new("".into(), upstreams, default(7))
    };
    let stale = ServeStale { keep: Duration::from_hours(1), refresh: Refresh::Verify };
    let root = ZoneConfig {
        cluster_zones: zones.value.clone(),
        forwards: vec![rule],
        cache: Some(CacheRule {
            serve_stale: Some(stale),
            ..CacheRule::new(Some(30), default(10))
        }),
        ..ZoneConfig::new(default(1))
    };
    let kubernetes = Kubernetes {
        pods: Setting::new(PodRecords::Insecure, default(3)),
        fallthrough: Setting::new(Fallthrough::Zones(arpa), default(4)),
        ttl: Setting::new(30, default(5)),
        ..Kubernetes::new(zones, &Origin::new("default of plugin kubernetes"))
    };
    let expected = Config {
        kubernetes: Some(kubernetes),
        zones: [("".into(), Arc::new(root))].into(),
        server: ServerSettings {
            autopath: Some(flag("default", true)),
            ..ServerSettings::default()
        },
        host_search: flag("/etc/resolv.conf", names(&["corp.example"])),
    };
    assert_eq!(inputs(None).merge(&[]), expected);
}

#[test]
fn a_corefile_without_blocks_is_told() {
    let config = inputs(Some("")).merge(&["Corefile: has no server block: the default holds"]);
    assert_eq!(config, inputs(None).merge(&[]));
}

#[test]
fn a_name_has_the_settings_of_the_longest_zone_around_it() {
    let text =
        format!("{CLUSTER}foo.example:53 {{\n forward . 10.0.0.1\n}}\nb.foo.example {{\n}}\n");
    let config = inputs(Some(&text)).merge(&[]);
    let zone = |name| config.zone(name).map(|(zone, block)| (&**zone, block.origin.clone()));
    assert_eq!(zone("a.foo.example"), Some(("foo.example", at(7))));
    assert_eq!(zone("foo.example"), Some(("foo.example", at(7))));
    assert_eq!(zone("a.b.foo.example"), Some(("b.foo.example", at(10))));
    assert_eq!(zone("xfoo.example"), Some(("", at(1))));
    assert_eq!(zone(""), Some(("", at(1))));
}

#[test]
fn the_longest_zone_of_a_blocks_rules_is_first() {
    let text = "\
. {
    kubernetes cluster.local
    forward . 10.0.0.1 {
        next NXDOMAIN
    }
    forward . 10.0.0.2
    forward example 10.0.0.3 {
        except b.a.example
    }
    forward a.example 10.0.0.4
}
";
    let config = inputs(Some(text)).merge(&[]);
    let expected = [
        ": a.example > 10.0.0.4:53 (Corefile:10)",
        ": example > 10.0.0.3:53 (Corefile:7)",
        ":  > 10.0.0.1:53 (Corefile:3)",
        ":  > 10.0.0.2:53 (Corefile:6)",
    ];
    assert_eq!(rules(&config), expected);
    let covers: Vec<bool> =
        config.zones[""].forwards.iter().map(|rule| rule.covers("c.b.a.example")).collect();
    assert_eq!(covers, [true, false, true, true]);
}

#[test]
fn flags_win_over_the_corefile() {
    let text = format!("{CLUSTER}acme.local {{\n forward . 10.0.0.1\n}}\n");
    let mut inputs = inputs(Some(&text)).with_kube_dns(&[
        ("stubDomains", r#"{"acme.local": ["10.9.9.9"]}"#),
        ("upstreamNameservers", r#"["10.9.9.9"]"#),
    ]);
    inputs.flags = Flags {
        cluster_zones: Some(flag("--zone", names(&["my.local"]))),
        upstreams: Some(flag("--upstream", vec![target("10.0.0.2"), target("10.0.0.2")])),
        stub_domains: vec![stub_domain("acme.local=10.0.0.3"), stub_domain("b=10.0.0.4")],
        resolv_conf: Some(flag("--resolv-conf", "/run/resolv.conf".into())),
        pods: Some(flag("--pods", PodRecords::Verified)),
        ttl: Some(flag("--ttl", 7)),
        autopath: Some(flag("--autopath", false)),
    };
    inputs.files = map(&[("/run/resolv.conf", "search node.example\n")]);
    let config = inputs.merge(&[
        r#"Corefile:5: file "/run/resolv.conf" has no name servers"#,
        "ConfigMap kube-dns, upstreamNameservers: not used: --upstream says whom to ask",
        "ConfigMap kube-dns, stubDomains: domain \"acme.local\" is not used: Corefile:8 says whom to \
         ask",
    ]);
    let expected = [
        ": b > 10.0.0.4:53 (--stub-domain)",
        ":  > 10.0.0.2:53 (--upstream)",
        "acme.local: acme.local > 10.0.0.3:53 (--stub-domain)",
        "acme.local:  > 10.0.0.1:53 (Corefile:8)",
    ];
    assert_eq!(rules(&config), expected);
    let kubernetes = config.kubernetes.expect("the cluster's zones");
    let zones = flag("--zone", names(&["my.local"]));
    assert_eq!(config.zones[""].cluster_zones, zones.value);
    let expected = Kubernetes {
        pods: flag("--pods", PodRecords::Verified),
        ttl: flag("--ttl", 7),
        fallthrough: Setting::new(Fallthrough::Zones(names(&["in-addr.arpa", "ip6.arpa"])), at(3)),
        ..Kubernetes::new(zones, &Origin::new("default of plugin kubernetes"))
    };
    assert_eq!(kubernetes, expected);
    assert_eq!(config.server.autopath, Some(flag("--autopath", false)));
    assert_eq!(config.host_search, flag("/run/resolv.conf", names(&["node.example"])));
}

#[test]
fn kube_dns_is_asked_instead_of_the_nodes_servers() {
    let data = [
        ("stubDomains", r#"{"acme.local": ["10.0.0.1"], "a.acme.local": ["10.0.0.2"]}"#),
        ("upstreamNameservers", r#"["8.8.8.8", "8.8.4.4"]"#),
    ];
    let config = inputs(Some(CLUSTER)).with_kube_dns(&data).merge(&[]);
    let expected = [
        ": a.acme.local > 10.0.0.2:53 (ConfigMap kube-dns, stubDomains)",
        ": acme.local > 10.0.0.1:53 (ConfigMap kube-dns, stubDomains)",
        ":  > 8.8.8.8:53 8.8.4.4:53 (ConfigMap kube-dns, upstreamNameservers)",
    ];
    assert_eq!(rules(&config), expected);
    let config = inputs(None).with_kube_dns(&data).merge(&[]);
    assert_eq!(rules(&config), expected);
    assert_eq!(config.zones[""].forwards[2].max_concurrent, Some(1000));
}

#[test]
fn a_corefile_that_names_servers_wins_over_kube_dns() {
    let text = "\
. {
    kubernetes cluster.local
    forward . 10.0.0.1 /etc/resolv.conf
    forward acme.local 10.0.0.2
}
";
    let inputs = inputs(Some(text)).with_kube_dns(&[
        ("stubDomains", r#"{"acme.local": ["10.9.9.9"], "b": ["10.0.0.3"]}"#),
        ("upstreamNameservers", r#"["8.8.8.8"]"#),
    ]);
    let config = inputs.merge(&[
        "ConfigMap kube-dns, upstreamNameservers: not used: Corefile:3 says whom to ask",
        "ConfigMap kube-dns, stubDomains: domain \"acme.local\" is not used: Corefile:4 says whom to \
         ask",
    ]);
    let expected = [
        ": acme.local > 10.0.0.2:53 (Corefile:4)",
        ": b > 10.0.0.3:53 (ConfigMap kube-dns, stubDomains)",
        ":  > 10.0.0.1:53 192.0.2.1:53 [2001:db8::1]:53 (Corefile:3)",
    ];
    assert_eq!(rules(&config), expected);
}

#[test]
fn a_stub_domain_of_the_cluster_is_never_asked_for_unless_names_fall_through() {
    let data =
        [("stubDomains", r#"{"a.cluster.local": ["10.0.0.1"], "10.in-addr.arpa": ["10.0.0.1"]}"#)];
    let notice = "ConfigMap kube-dns, stubDomains: domain \"a.cluster.local\" is never asked for: \
                  cluster.local is the cluster's";
    inputs(Some(CLUSTER)).with_kube_dns(&data).merge(&[notice]);
    let mut inputs = inputs(Some(CLUSTER));
    inputs.flags.stub_domains = vec![stub_domain("Cluster.Local=10.0.0.1")];
    inputs.merge(&["--stub-domain: domain \"cluster.local\" is never asked for: cluster.local is the cluster's"]);
}

#[test]
fn a_zone_has_one_block_and_the_server_one_port() {
    let text = "\
.:5301 {
    forward . 10.0.0.9
}
a b:1053 {
}
.:1053 {
    kubernetes cluster.local
    ready
}
b:1053 {
    ready localhost:1
}
";
    let config = inputs(Some(text)).merge(&[
        r#"Corefile:1: zone "" on port 5301 is not served: this server is the one of port 1053"#,
        r#"Corefile:4: zone "a" on port 53 is not served: this server is the one of port 1053"#,
        r#"Corefile:10: zone "b" is served as Corefile:4 says"#,
    ]);
    let zones: Vec<(&str, &Origin)> =
        config.zones.iter().map(|(zone, block)| (&**zone, &block.origin)).collect();
    assert_eq!(zones, [("", &at(6)), ("b", &at(4))]);
    let ready = Setting::new("[::]:8181".parse().unwrap(), at(8));
    assert_eq!(config.server.ready, Some(ready));
}

#[test]
fn without_a_block_for_everything_other_names_have_no_rule() {
    let config = inputs(Some("cluster.local {\n kubernetes\n}\n")).merge(&[]);
    assert_eq!(rules(&config), [""; 0]);
    let (zone, block) = config.zone("example.org").expect("the root");
    assert_eq!((&**zone, block), ("", &Arc::new(ZoneConfig::new(at(1)))));
}

#[test]
fn the_zones_of_several_blocks_are_the_clusters_together() {
    let text = "\
cluster.local {
    kubernetes {
        ttl 30
    }
}
in-addr.arpa cluster.local {
    kubernetes
}
";
    let config = inputs(Some(text)).merge(&[
        r#"Corefile:6: zone "cluster.local" is served as Corefile:1 says"#,
        "Corefile:7: kubernetes: the settings of Corefile:2 hold for all zones of the cluster",
    ]);
    let kubernetes = config.kubernetes.expect("the cluster's zones");
    assert_eq!(kubernetes.zones.value, names(&["cluster.local", "in-addr.arpa"]));
    assert_eq!(kubernetes.domains().collect::<Vec<_>>(), [&Arc::from("cluster.local")]);
    assert_eq!(kubernetes.reverse_zones().collect::<Vec<_>>(), [&Arc::from("in-addr.arpa")]);
}

#[test]
fn a_corefile_without_the_cluster_is_told_unless_flags_name_it() {
    let text = ". {\n forward . 10.0.0.1\n}\n";
    let message =
        "Corefile: no block has the plugin kubernetes: no name of the cluster is answered";
    assert_eq!(inputs(Some(text)).merge(&[message]).kubernetes, None);

    let mut inputs = inputs(Some(text));
    let zones = flag("--zone", names(&["cluster.local"]));
    inputs.flags.cluster_zones = Some(zones.clone());
    let config = inputs.merge(&[]);
    assert_eq!(config.zones[""].cluster_zones, zones.value);
    assert_eq!(config.kubernetes, Some(Kubernetes::new(zones, &Origin::new("default"))));
}

#[test]
fn servers_over_tls_get_the_name_of_their_rule() {
    let text = "\
. {
    kubernetes cluster.local
    forward . tls://9.9.9.9 tls://1.1.1.1#one.one.one.one 10.0.0.1 {
        tls_servername dns.quad9.net
    }
}
";
    let config = inputs(Some(text)).merge(&[]);
    let expected = [
        over_tls("9.9.9.9:853", Some("dns.quad9.net")),
        over_tls("1.1.1.1:853", Some("one.one.one.one")),
        plain("10.0.0.1:53"),
    ];
    assert_eq!(config.zones[""].forwards[0].upstreams, expected);
}

#[test]
fn files_of_hosts_and_servers_are_put_in_place_and_told_when_they_are_absent() {
    let text = "\
. {
    kubernetes cluster.local
    hosts a.hosts {
        10.0.0.2 web
    }
    forward . /etc/resolv.conf
}
b {
    hosts b.hosts
    forward . /b.conf
}
";
    let mut inputs = inputs(Some(text));
    let wanted = Sources::files(&inputs.flags, inputs.corefile.as_ref());
    assert_eq!(wanted, names(&["/b.conf", "/etc/resolv.conf", "a.hosts", "b.hosts"]));
    inputs.files =
        map(&[("a.hosts", "10.0.0.1 web\nnonsense\n"), ("/etc/resolv.conf", "sortlist\n")]);
    let config = inputs.merge(&[
        r#"a.hosts:2: "nonsense" is no address, entry ignored"#,
        "/etc/resolv.conf:1: sortlist is not understood, ignored: addresses are in any order",
        r#"Corefile:6: file "/etc/resolv.conf" has no name servers"#,
        r#"Corefile:9: hosts: file "b.hosts" could not be read: no entries"#,
        r#"Corefile:10: file "/b.conf" could not be read: it has no name servers"#,
    ]);
    let hosts = config.zones[""].hosts.as_ref().expect("hosts");
    let addresses = [[10, 0, 0, 1].into(), [10, 0, 0, 2].into()];
    assert_eq!(hosts.table.addresses("web"), Some(addresses.as_slice()));
    assert_eq!(rules(&config), [":  >  (Corefile:6)", "b:  >  (Corefile:10)"]);
}

#[test]
fn upstreams_of_several_files_end_at_their_bound() {
    let text = ". {\n kubernetes cluster.local\n forward . /a /b\n}\n";
    let mut inputs = inputs(Some(text));
    let list = |third: u8| {
        (0..10).map(|last| format!("nameserver 10.0.{third}.{last}\n")).collect::<String>()
    };
    inputs.files.insert("/a".into(), list(0));
    inputs.files.insert("/b".into(), list(1));
    let config = inputs.merge(&["Corefile:3: upstreams beyond 15 are ignored"]);
    assert_eq!(config.zones[""].forwards[0].upstreams.len(), UPSTREAMS_MAX);
}
