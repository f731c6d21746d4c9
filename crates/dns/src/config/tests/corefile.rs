//! Are the words, braces and imports of a Corefile understood?

use std::time::Duration;

use super::*;

fn read(text: &str, imports: &[(&'static str, &str)]) -> (Corefile, Vec<String>) {
    let imports = map(imports);
    let environment = map(&[("UPSTREAM", "10.0.0.1"), ("EMPTY", "")]);
    let source =
        CorefileText { name: "Corefile", text, imports: &imports, environment: &environment };
    let (corefile, notices) = Corefile::read(&source);
    (corefile, lines(&notices))
}

/// The zones of a Corefile, and the first upstreams of each block's rules.
fn outline(corefile: &Corefile) -> Vec<(Vec<String>, Vec<Target>)> {
    let block = |block: &ServerBlock| {
        let addresses = block.addresses.iter();
        let zones = addresses.map(|address| format!("{}:{}", address.zone, address.port)).collect();
        let rules = block.forwards.iter();
        (zones, rules.filter_map(|forward| forward.targets.first().cloned()).collect())
    };
    corefile.blocks.iter().map(block).collect()
}

#[track_caller]
fn expect(
    text: &str,
    imports: &[(&'static str, &str)],
    expected: &[(&[&str], &[&str])],
    notices: &[&str],
) {
    let (corefile, said) = read(text, imports);
    let upstream = |at: &&str| Target::Upstream(plain(at));
    let expected: Vec<(Vec<String>, Vec<Target>)> = expected
        .iter()
        .map(|(zones, upstreams)| {
            (
                zones.iter().map(ToString::to_string).collect(),
                upstreams.iter().map(upstream).collect(),
            )
        })
        .collect();
    assert_eq!(outline(&corefile), expected);
    assert_eq!(said, notices);
}

#[test]
fn the_shipped_corefile_is_understood_to_the_last_word() {
    let text = "\
.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30
    loop
    reload
    loadbalance
}
";
    let zones = Setting::new(names(&["cluster.local", "in-addr.arpa", "ip6.arpa"]), at(7));
    let kubernetes = Kubernetes {
        pods: Setting::new(PodRecords::Insecure, at(8)),
        fallthrough: Setting::new(Fallthrough::Zones(names(&["in-addr.arpa", "ip6.arpa"])), at(9)),
        ttl: Setting::new(30, at(10)),
        ..Kubernetes::new(zones.clone(), &Origin::new("default of plugin kubernetes"))
    };
    let rule = ForwardRule {
        max_concurrent: Some(1000),
        ..ForwardRule::new("".into(), Vec::new(), at(13))
    };
    let targets = vec![Target::File("/etc/resolv.conf".into())];
    let block = ServerBlock {
        addresses: vec![ServerAddress { zone: "".into(), port: 53 }],
        config: ZoneConfig {
            cluster_zones: zones.value,
            cache: Some(CacheRule::new(Some(30), at(16))),
            ..ZoneConfig::new(at(1))
        },
        forwards: vec![Forward { rule, targets, tls_server_name: None }],
        kubernetes: Some(kubernetes),
        server: ServerSettings {
            lameduck: Some(Setting::new(Duration::from_secs(5), at(4))),
            health: Some(Setting::new("[::]:8080".parse().unwrap(), at(3))),
            ready: Some(Setting::new("[::]:8181".parse().unwrap(), at(6))),
            metrics: Some(Setting::new("[::]:9153".parse().unwrap(), at(12))),
            autopath: None,
        },
        origin: at(1),
    };
    let corefile = understood(text);
    assert_eq!(corefile, Corefile { blocks: vec![block] });
    assert_eq!(corefile.files(), names(&["/etc/resolv.conf"]));
}

#[test]
fn zones_stand_on_one_line_or_several() {
    let text = "\
a, b:54,
dns://c 10.0.0.0/15 {
    forward . 10.0.0.1
}
.:53 {
}
";
    let zones: &[&str] = &["a:53", "b:54", "c:53", "0.10.in-addr.arpa:53", "1.10.in-addr.arpa:53"];
    expect(text, &[], &[(zones, &["10.0.0.1:53"]), (&[":53"], &[])], &[]);
}

#[test]
fn words_may_be_quoted_and_comments_stand_between() {
    let text = "\
# forward . 10.0.0.9
\"a\" { # a block
    forward . \"10.0.0.1\" # forward . 10.0.0.9
    \"forward\" b \"10.0.0.2\"
    nsid \"say \\\"hi\\\" #1 \\d
two\"
    forward c 10.0.0.3
}
";
    let (corefile, notices) = read(text, &[]);
    assert_eq!(notices, [""; 0]);
    let block = &corefile.blocks[0];
    assert_eq!(block.config.nsid.as_deref(), Some("say \"hi\" #1 \\d\ntwo"));
    let origins: Vec<&Origin> = block.forwards.iter().map(|forward| &forward.rule.origin).collect();
    assert_eq!(origins, [&at(3), &at(4), &at(7)]);
}

#[test]
fn variables_are_replaced() {
    let text = ". {\n forward . {$UPSTREAM} dns://{%UPSTREAM%}:54{$EMPTY} {$ABSENT}\n}\n";
    let (corefile, notices) = read(text, &[]);
    let targets =
        vec![Target::Upstream(plain("10.0.0.1:53")), Target::Upstream(plain("10.0.0.1:54"))];
    assert_eq!(corefile.blocks[0].forwards[0].targets, targets);
    let expected = [
        r#"Corefile:2: variable "ABSENT" is not set, taken as empty"#,
        "Corefile:2: forward: ignored: upstream \"\" is no address; hint: write 1.1.1.1, \
         1.1.1.1:53, [2001:db8::1]:53, tls://1.1.1.1#server.name or the path of a resolv.conf",
    ];
    assert_eq!(notices, expected);
}

#[test]
fn snippets_and_files_are_imported() {
    let text = "\
(ask) {
    forward . 10.0.0.1
}
. {
    import ask
    import /etc/coredns/custom/*.override
}
import custom/*.server
import exact.file
";
    let imports = [
        ("a.override", "forward a 10.0.0.2\n"),
        ("b.override", "forward b 10.0.0.3\nimport ask\n"),
        ("c.server", "(same) {\n    import ask\n}\nc:53 {\n    import same\n}\n"),
        ("exact.file", "d {\n}\n"),
        ("unused", "e {\n}\n"),
    ];
    let root: &[&str] = &["10.0.0.1:53", "10.0.0.2:53", "10.0.0.3:53", "10.0.0.1:53"];
    let blocks: [(&[&str], &[&str]); 3] =
        [(&[":53"], root), (&["c:53"], &["10.0.0.1:53"]), (&["d:53"], &[])];
    expect(text, &imports, &blocks, &[]);
}

#[test]
fn a_notice_names_the_imported_file_and_its_line() {
    let text = "import a\nimport absent\nimport no/*.file\nimport\nimport a b\n";
    let notices = [
        "Corefile:2: import \"absent\" is not there, ignored",
        "Corefile:4: import names nothing, ignored",
        "Corefile:5: arguments of import are not understood, ignored",
        "a:3: plugin \"dns64\" is not understood, ignored: no AAAA is made from an A",
        "a:3: plugin \"dns64\" is not understood, ignored: no AAAA is made from an A",
    ];
    let blocks: [(&[&str], &[&str]); 2] = [(&["x:53"], &[]), (&["x:53"], &[])];
    expect(text, &[("a", "\nx {\ndns64\n}\n")], &blocks, &notices);
}

#[test]
fn imports_that_import_themselves_end() {
    let notices = ["a:1: imports nested deeper than 8, ignored"];
    expect("import a\n", &[("a", "import a\n")], &[], &notices);

    let bomb = "(a) {\n import a\n import a\n import a\n import a\n import a\n import a\n}\n\
                x {\n import a\n}\n";
    let (_, notices) = read(bomb, &[]);
    let deep = "imports nested deeper than 8, ignored";
    assert_eq!(notices[0], format!("Corefile:2: {deep}"));
    assert_eq!(notices.len(), NOTICES_MAX + 1);

    let lines = "errors\n".repeat(10_000);
    let blocks = ". {\nimport a\n}\n".repeat(20);
    let (corefile, notices) = read(&format!("(a) {{\n{lines}}}\n{blocks}"), &[]);
    // 64 bytes a line and its word: five blocks, and a part of the sixth.
    assert_eq!(notices[0], "Corefile:9908: too much is imported: what follows is ignored");
    assert_eq!(notices[1], "Corefile:3: errors is used twice in a block, the second is ignored");
    assert_eq!(notices.len(), NOTICES_MAX + 1);
    assert_eq!(corefile.blocks.len(), 6);
}

#[test]
fn braces_that_do_not_match_are_told_and_the_rest_holds() {
    let text =
        "}\n{\n forward . 10.0.0.9\n}\nno.braces\na {\n forward . 10.0.0.1 {\n max_fails 3\n";
    let notices = [
        "Corefile:1: a closing brace without an opening one, ignored",
        "Corefile:2: braces without a name before them, ignored",
        "Corefile:7: a brace that opens here is not closed: read as if it were at the end",
        "Corefile:6: a brace that opens here is not closed: read as if it were at the end",
        "Corefile:5: a server block has no braces, ignored: its zones are not served so",
    ];
    expect(text, &[], &[(&["a:53"], &["10.0.0.1:53"])], &notices);
}

#[test]
fn braces_nested_too_deep_are_left_out() {
    let text = format!("{}{}\nb {{\n}}\n", "a {\n".repeat(100_000), "}\n".repeat(100_000));
    let notices = [
        "Corefile:9: braces nested deeper than 8, ignored",
        r#"Corefile:2: plugin "a" is not understood, ignored: names are answered without it"#,
    ];
    expect(&text, &[], &[(&["a:53"], &[]), (&["b:53"], &[])], &notices);
}

#[test]
fn addresses_that_are_not_served_are_told() {
    let text = "tls://. .:x a..b good {\n}\n";
    let notices = [
        "Corefile:1: server block: \"tls://.\" is not served, ignored: only plain DNS is (hint: \
         dns://, or no scheme)",
        "Corefile:1: server block: \".:x\" has a wrong port, ignored",
        "Corefile:1: server block: \"a..b\" is no zone, ignored",
    ];
    expect(text, &[], &[(&["good:53"], &[])], &notices);
}

#[test]
fn texts_zones_and_rules_end_at_their_bounds() {
    let (corefile, notices) = read(&" ".repeat(COREFILE_BYTES_MAX + 1), &[]);
    assert_eq!(corefile, Corefile::default());
    assert_eq!(notices, ["Corefile: longer than 1048576 bytes: nothing of it is read"]);

    let zones: Vec<String> = (0..=ZONES_MAX).map(|n| format!("z{n}")).collect();
    let (corefile, notices) = read(&format!("{} {{\n}}\n", zones.join(" ")), &[]);
    assert_eq!(corefile.blocks[0].addresses.len(), ZONES_MAX);
    assert_eq!(notices, ["Corefile:1: zones beyond 1024 are ignored"]);

    let blocks: Vec<String> = zones.iter().map(|zone| format!("{zone} {{\n}}\n")).collect();
    let (corefile, notices) = read(&blocks.concat(), &[]);
    assert_eq!(corefile.blocks.iter().map(|block| block.addresses.len()).sum::<usize>(), ZONES_MAX);
    assert_eq!(notices, ["Corefile:2049: zones beyond 1024 are ignored"]);

    let rules = "forward a 1.1.1.1\nrewrite name a b\n".repeat(RULES_MAX + 1);
    let (corefile, notices) = read(&format!(". {{\n{rules}}}\n"), &[]);
    let block = &corefile.blocks[0];
    assert_eq!((block.forwards.len(), block.config.rewrites.len()), (RULES_MAX, RULES_MAX));
    let expected = [
        "Corefile:514: rules beyond 256 are ignored",
        "Corefile:515: rules beyond 256 are ignored",
    ];
    assert_eq!(notices, expected);
}
