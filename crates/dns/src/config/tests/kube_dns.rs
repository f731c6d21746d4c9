//! Is the ConfigMap of kube-dns understood?

use super::*;

fn stub_domain(domain: &str, upstreams: &[Upstream]) -> Setting<StubDomain> {
    let targets = upstreams.iter().cloned().map(Target::Upstream).collect();
    let value = StubDomain { zones: names(&[domain]), targets };
    Setting::new(value, Origin::new("ConfigMap kube-dns, stubDomains"))
}

fn nameserver(upstream: Upstream) -> Setting<Upstream> {
    Setting::new(upstream, Origin::new("ConfigMap kube-dns, upstreamNameservers"))
}

#[track_caller]
fn expect(data: &[(&str, &str)], expected: &KubeDns, notices: &[&str]) {
    let (read, said) = KubeDns::read(data.iter().copied());
    assert_eq!(read, *expected);
    assert_eq!(lines(&said), notices);
}

#[test]
fn both_keys_are_understood() {
    let data = [
        ("stubDomains", r#"{"acme.local": ["1.2.3.4"], "Foo.": ["fd00::1", "[fd00::2]:54"]}"#),
        ("upstreamNameservers", r#"["8.8.8.8", "8.8.4.4:53"]"#),
    ];
    let expected = KubeDns {
        stub_domains: vec![
            stub_domain("foo", &[plain("[fd00::1]:53"), plain("[fd00::2]:54")]),
            stub_domain("acme.local", &[plain("1.2.3.4:53")]),
        ],
        upstream_nameservers: vec![
            nameserver(plain("8.8.8.8:53")),
            nameserver(plain("8.8.4.4:53")),
        ],
    };
    expect(&data, &expected, &[]);
}

#[test]
fn what_is_no_json_is_ignored_and_the_rest_holds() {
    let data = [
        ("stubDomains", "{“acme.local”: [“1.2.3.4”]}"),
        ("upstreamNameservers", r#"["8.8.8.8"]"#),
        ("federations", "{}"),
        ("other", ""),
    ];
    let expected = KubeDns {
        stub_domains: Vec::new(),
        upstream_nameservers: vec![nameserver(plain("8.8.8.8:53"))],
    };
    let notices = [
        "ConfigMap kube-dns, stubDomains: no JSON (key must be a string at line 1 column 2), \
         ignored; hint: write a JSON object of lists, as in {\"acme.local\": [\"1.2.3.4\"]}",
        "ConfigMap kube-dns, federations: federations are no longer a part of Kubernetes, ignored",
        "ConfigMap kube-dns, other: the key is not understood, ignored",
    ];
    expect(&data, &expected, &notices);
}

#[test]
fn each_wrong_item_is_told_and_the_others_hold() {
    let data = [
        (
            "stubDomains",
            r#"{"a..b": ["1.2.3.4"], "b": "1.2.3.4", "c": ["ns.c", 5, "1.2.3.4", "/etc/c"], "d": []}"#,
        ),
        ("upstreamNameservers", r#"["1.0.0.1", "1.0.0.2", "1.0.0.3", "1.0.0.4"]"#),
    ];
    let upstream_nameservers = ["1.0.0.1:53", "1.0.0.2:53", "1.0.0.3:53"];
    let expected = KubeDns {
        stub_domains: vec![stub_domain("c", &[plain("1.2.3.4:53")]), stub_domain("d", &[])],
        upstream_nameservers: upstream_nameservers.map(|at| nameserver(plain(at))).to_vec(),
    };
    let notices = [
        r#"ConfigMap kube-dns, stubDomains: domain "a..b" is no name, ignored"#,
        r#"ConfigMap kube-dns, stubDomains: domain "b" has no list of name servers, ignored"#,
        "ConfigMap kube-dns, stubDomains: ignored: upstream \"ns.c\" is a name; hint: name servers \
         cannot be looked up by name, give the address",
        r#"ConfigMap kube-dns, stubDomains: "5" is no name server, ignored"#,
        r#"ConfigMap kube-dns, stubDomains: "/etc/c" is a path, ignored"#,
        "ConfigMap kube-dns, stubDomains: domain \"d\" has nobody to ask: its names get SERVFAIL",
        r#"ConfigMap kube-dns, upstreamNameservers: "1.0.0.4" is beyond the first 3, ignored"#,
    ];
    expect(&data, &expected, &notices);
}

#[test]
fn another_kind_of_json_is_ignored() {
    let data = [("stubDomains", "[]"), ("upstreamNameservers", "{}")];
    let notices = [
        "ConfigMap kube-dns, stubDomains: ignored; hint: write a JSON object of lists, as in \
         {\"acme.local\": [\"1.2.3.4\"]}",
        "ConfigMap kube-dns, upstreamNameservers: ignored; hint: write a JSON list, as in \
         [\"8.8.8.8\", \"8.8.4.4\"]",
    ];
    expect(&data, &KubeDns::default(), &notices);
}

#[test]
fn stub_domains_end_at_their_bound() {
    let domains: Vec<String> =
        (0..=STUB_DOMAINS_MAX).map(|n| format!(r#""d{n}": ["1.1.1.1"]"#)).collect();
    let text = format!("{{{}}}", domains.join(","));
    let (read, notices) = KubeDns::read([("stubDomains", text.as_str())]);
    assert_eq!(read.stub_domains.len(), STUB_DOMAINS_MAX);
    let expected = ["ConfigMap kube-dns, stubDomains: domains beyond 1024 are ignored"];
    assert_eq!(lines(&notices), expected);
}
