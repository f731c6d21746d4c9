//! Are the Corefiles understood that clusters and their test suites use?

use super::*;

/// A stub domain as a block of its own, beside the cluster's.
#[test]
fn a_stub_domain_may_be_a_block() {
    let text = "\
.:53 {
    errors
    health
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
    }
    hosts {
        192.0.2.7 gitlab.corp.example
        fallthrough
    }
    rewrite name exact old.corp.example new.corp.example
    prometheus :9153
    forward . 8.8.8.8 8.8.4.4
    cache {
        success 9984 30
        denial 9984 5
    }
    loop
    reload 5s
    loadbalance
}
acme.local:53 {
    errors
    cache 30
    forward . 10.0.0.1
}
";
    let corefile = understood(text);
    let shape = |block: &ServerBlock| {
        let zone = Arc::clone(&block.addresses[0].zone);
        let rules = (block.forwards.len(), block.config.rewrites.len());
        (zone, rules, block.kubernetes.is_some(), block.config.hosts.is_some())
    };
    let shapes: Vec<_> = corefile.blocks.iter().map(shape).collect();
    assert_eq!(
        shapes,
        [("".into(), (1, 1), true, true), ("acme.local".into(), (1, 0), false, false)]
    );
}

/// A cache on each node listens on addresses of its own: ours are given by flags.
#[test]
fn a_node_local_corefile_is_understood_but_for_where_it_listens() {
    let text = "\
cluster.local:53 {
    errors
    cache {
        success 9984 30
        denial 9984 5
    }
    reload
    loop
    bind 169.254.20.10 10.96.0.10
    forward . 10.96.0.11 {
        force_tcp
    }
    prometheus :9253
    health 169.254.20.10:8080
}
.:53 {
    errors
    cache 30
    bind 169.254.20.10 10.96.0.10
    forward . /etc/resolv.conf
    prometheus :9253
}
";
    let (corefile, notices) = corefile(text);
    let bind =
        r#"plugin "bind" is not understood, ignored: where and how to listen is said by flags"#;
    assert_eq!(lines(&notices), [format!("Corefile:9: {bind}"), format!("Corefile:19: {bind}")]);
    let rule = ForwardRule {
        protocol: UpstreamProtocol::ForceTcp,
        ..ForwardRule::new("".into(), Vec::new(), at(10))
    };
    let targets = vec![Target::Upstream(plain("10.96.0.11:53"))];
    assert_eq!(corefile.blocks[0].forwards, [Forward { rule, targets, tls_server_name: None }]);
    assert_eq!(corefile.files(), names(&["/etc/resolv.conf"]));
}

/// The test suite of Kubernetes writes names and addresses into a Corefile, and asks for both.
#[test]
fn entries_for_the_reverse_look_up_fall_through_to_their_rules() {
    let text = "\
.:53 {
    health
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
    }
    prometheus :9153
    forward . 10.244.0.9
    loop
    reload
}
";
    let corefile = understood(text);
    let kubernetes = corefile.blocks[0].kubernetes.as_ref().expect("the cluster's zones");
    let covers = |name| kubernetes.fallthrough.value.covers(name);
    assert!(covers("123.2.0.192.in-addr.arpa"));
    assert!(!covers("absent.default.svc.cluster.local"));
}
