//! Can any text break a reader, or make it give more than its bounds?

use proptest::prelude::*;

use super::*;

/// Texts of words that mean something, so that readers get far.
fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "{",
        "}",
        "\n",
        "\n",
        "\n",
        "\"",
        "#",
        "import",
        "(a)",
        "a",
        "*",
        ".",
        ".:53",
        "a:54",
        "10.0.0.0/25",
        "::/3",
        "forward",
        "cache",
        "kubernetes",
        "hosts",
        "rewrite",
        "name",
        "regex",
        "answer",
        "(.*)",
        "{1}",
        "transfer",
        "to",
        "log",
        "class",
        "except",
        "next",
        "1.1.1.1",
        "tls://[::1%x]:5#a",
        "/f",
        "30",
        "1h",
        "10%",
        "prefetch",
        "serve_stale",
        "{$A}",
        "{%A%}",
        "nameserver",
        "search",
        "options",
        "ndots:5",
        ",",
        "a,",
        "é",
        "fallthrough",
        "ttl",
        "health",
        "lameduck",
        "namespace_labels",
        "in",
        "(x",
        "zone..",
        "continue",
        "type",
        "ANY",
        "[",
        "]",
    ]);
    let blank = prop::sample::select(vec![" ", " ", " ", "", "\t"]);
    prop::collection::vec((word, blank), 0..200)
        .prop_map(|words| words.into_iter().map(|(word, blank)| format!("{word}{blank}")).collect())
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![words(), any::<String>(), words().prop_map(|text| format!(".:53 {{\n{text}\n}}\n"))]
}

/// A notice is one line, whatever it repeats, and there are not too many.
fn assert_told(notices: &[Notice]) {
    assert!(notices.len() <= NOTICES_MAX + 1);
    for line in lines(notices) {
        assert_eq!(line.lines().count(), 1, "{line}");
    }
}

proptest! {
    #[test]
    fn no_text_breaks_a_reader(text in texts(), other in texts()) {
        let (_, notices) = ResolvConf::read("resolv.conf", &text);
        assert_told(&notices);
        let (_, notices) = HostTable::read("hosts", &text);
        assert_told(&notices);
        let json = format!(r#"{{"{text}": ["{other}"]}}"#);
        for json in [&json, &text] {
            let keys = [("stubDomains", json.as_str()), ("upstreamNameservers", json), (&other, "")];
            assert_told(&KubeDns::read(keys).1);
        }
        for word in text.split_whitespace() {
            drop((Target::parse(word), StubDomain::parse(word)));
        }
        drop(Selector::parse(&text));
    }

    #[test]
    fn any_corefile_makes_a_configuration(text in texts(), other in texts(), file in texts()) {
        let imports = map(&[("a", &other), ("b", &text)]);
        let environment = map(&[("A", &other)]);
        let source =
            CorefileText { name: "Corefile", text: &text, imports: &imports, environment: &environment };
        let (corefile, notices) = Corefile::read(&source);
        assert_told(&notices);
        let flags = Flags::default();
        let files = Sources::files(&flags, Some(&corefile));
        let files = files.into_iter().map(|path| (path, file.clone())).collect();
        let (kube_dns, _) = KubeDns::read([("stubDomains", r#"{"a": ["1.1.1.1"]}"#)]);
        let sources = Sources { flags: &flags, corefile: Some(&corefile), kube_dns: &kube_dns, files: &files };
        let (config, notices) = merge(&sources);
        assert_told(&notices);
        for name in ["", "a", "b.a", "1.0.0.10.in-addr.arpa"] {
            let (zone, block) = config.zone(name).expect("the root is a zone");
            assert!(is_within(name, zone));
            assert!(block.forwards.iter().all(|rule| rule.upstreams.len() <= UPSTREAMS_MAX));
        }
    }
}
