//! Does any text break reading what configures a cluster DNS, or the configuration made of it?
#![no_main]

use std::collections::BTreeMap;
use std::sync::Arc;

use dns::config::{
    Corefile, CorefileText, Flags, HostTable, KubeDns, NOTICES_MAX, Notice, RULES_MAX, ResolvConf,
    STUB_DOMAINS_MAX, Sources, UPSTREAMS_MAX, ZONES_MAX, merge,
};
use libfuzzer_sys::fuzz_target;

/// What parts one input into texts: Corefile, imported file, resolv.conf and hosts, kube-dns.
const SEPARATOR: &str = "\n---\n";

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.splitn(4, SEPARATOR);
    let mut part = || parts.next().unwrap_or_default();
    let (text, imported, file, json) = (part(), part(), part(), part());

    let imports = BTreeMap::from([("custom.server".to_owned(), imported.to_owned())]);
    let environment = BTreeMap::from([("A".to_owned(), imported.to_owned())]);
    let source =
        CorefileText { name: "Corefile", text, imports: &imports, environment: &environment };
    let (corefile, notices) = Corefile::read(&source);
    check(&notices);
    check(&ResolvConf::read("resolv.conf", file).1);
    check(&HostTable::read("hosts", file).1);
    let (kube_dns, notices) = KubeDns::read([("stubDomains", json), ("upstreamNameservers", json)]);
    check(&notices);

    let flags = Flags::default();
    let files: BTreeMap<Arc<str>, String> = Sources::files(&flags, Some(&corefile))
        .into_iter()
        .map(|path| (path, file.to_owned()))
        .collect();
    let sources =
        Sources { flags: &flags, corefile: Some(&corefile), kube_dns: &kube_dns, files: &files };
    let (config, notices) = merge(&sources);
    check(&notices);
    // What is read twice is the same twice.
    assert_eq!(merge(&sources), (config.clone(), notices));
    assert!(config.zones.contains_key(""));
    assert!(config.zones.len() <= ZONES_MAX + 1);
    for block in config.zones.values() {
        assert!(block.forwards.len() <= RULES_MAX + STUB_DOMAINS_MAX);
        assert!(block.forwards.iter().all(|rule| rule.upstreams.len() <= UPSTREAMS_MAX));
    }
});

/// A notice is one line, and there are not too many.
fn check(notices: &[Notice]) {
    assert!(notices.len() <= NOTICES_MAX + 1);
    for notice in notices {
        assert_eq!(notice.to_string().lines().count(), 1, "{notice}");
    }
}
