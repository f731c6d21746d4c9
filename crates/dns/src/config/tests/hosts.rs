//! Are static entries found both ways?

use std::fmt::Write as _;
use std::net::IpAddr;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn names_and_addresses_are_found_both_ways() {
    let text = "\
127.0.0.1  localhost Loop.Back.   # both
::1        localhost
fe80::1%lo0 localhost
10.0.0.1   web web.example.org
10.0.0.2   web
10.0.0.2   web

   # nothing
10.0.0.9   *.example.org
";
    let (table, notices) = HostTable::read("hosts", text);
    assert_eq!(lines(&notices), [""; 0]);
    let localhost = [ip("127.0.0.1"), ip("::1"), ip("fe80::1")];
    assert_eq!(table.addresses("localhost"), Some(localhost.as_slice()));
    assert_eq!(table.addresses("web"), Some([ip("10.0.0.1"), ip("10.0.0.2")].as_slice()));
    assert_eq!(table.addresses("web.example.org"), Some([ip("10.0.0.1")].as_slice()));
    assert_eq!(table.addresses("other.example.org"), Some([ip("10.0.0.9")].as_slice()));
    assert_eq!(table.addresses("a.b.example.org"), None);
    assert_eq!(table.addresses("example.org"), None);
    let both = names(&["localhost", "loop.back"]);
    assert_eq!(table.names(ip("127.0.0.1")), Some(both.as_slice()));
    assert_eq!(table.names(ip("10.0.0.2")), Some(names(&["web"]).as_slice()));
    assert_eq!(table.names(ip("10.0.0.9")), None);
}

#[test]
fn what_is_not_understood_is_told_and_the_rest_holds() {
    let text = "nonsense a b\n10.0.0.256 c\n10.0.0.1 a..b good .\n10.0.0.2\n";
    let (table, notices) = HostTable::read("hosts", text);
    let good: Arc<str> = "good".into();
    let entries: Vec<_> = table.entries().collect();
    assert_eq!(entries, [(&good, [ip("10.0.0.1")].as_slice())]);
    let expected = [
        r#"hosts:1: "nonsense" is no address, entry ignored"#,
        r#"hosts:2: "10.0.0.256" is no address, entry ignored"#,
        r#"hosts:3: "a..b" is no host name, ignored"#,
        r#"hosts:3: "." is no host name, ignored"#,
    ];
    assert_eq!(lines(&notices), expected);
}

#[test]
fn a_table_ends_at_its_bound() {
    let mut text = String::new();
    for host in 0..=HOSTS_MAX {
        writeln!(text, "10.0.0.1 h{host}").unwrap();
    }
    let (table, notices) = HostTable::read("hosts", &text);
    assert_eq!(table.entries().count(), HOSTS_MAX);
    let expected = [r#"hosts:65537: entries beyond 65536 are ignored: "h65536""#];
    assert_eq!(lines(&notices), expected);

    let text = " ".repeat(8 * 1024 * 1024 + 1);
    let (table, notices) = HostTable::read("hosts", &text);
    assert!(table.is_empty());
    let expected = ["hosts: longer than 8388608 bytes: nothing of it is read"];
    assert_eq!(lines(&notices), expected);
}
