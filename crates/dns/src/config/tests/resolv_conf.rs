//! Is a resolv.conf read as resolver libraries read it?

use std::fmt::Write as _;
use std::time::Duration;

use super::*;

#[track_caller]
fn expect(text: &str, expected: &ResolvConf, notices: &[&str]) {
    let (read, said) = ResolvConf::read("resolv.conf", text);
    assert_eq!(read, *expected);
    assert_eq!(lines(&said), notices);
}

#[test]
fn everything_that_a_kubelet_or_a_dhcp_client_writes_is_understood() {
    let text = "\
# a comment
; another
domain old.example.org
nameserver 10.0.0.2
nameserver\t2001:db8::1
nameserver fe80::1%2
nameserver fe80::2%eth0
search Example.org. corp.example.com # not a domain
options ndots:5 timeout:3 attempts:4 rotate
";
    let scoped = plain("[fe80::1%2]:53");
    let named = Upstream { interface: Some("eth0".into()), ..plain("[fe80::2]:53") };
    let expected = ResolvConf {
        nameservers: vec![plain("10.0.0.2:53"), plain("[2001:db8::1]:53"), scoped, named],
        search: names(&["example.org", "corp.example.com"]),
        ndots: 5,
        timeout: Duration::from_secs(3),
        attempts: 4,
        rotate: true,
    };
    expect(text, &expected, &[]);
}

#[test]
fn the_last_search_or_domain_line_holds() {
    let expected = ResolvConf { search: names(&["c"]), ..ResolvConf::default() };
    expect("search a b\ndomain c d\n", &expected, &[]);
    let expected = ResolvConf { search: names(&["a", "b"]), ..ResolvConf::default() };
    expect("domain c\nsearch a b .\n", &expected, &[]);
}

#[test]
fn numbers_stay_within_what_glibc_takes() {
    let expected = ResolvConf {
        ndots: 15,
        timeout: Duration::from_secs(30),
        attempts: 5,
        ..ResolvConf::default()
    };
    expect("options ndots:99 timeout:99 attempts:99", &expected, &[]);
    let expected = ResolvConf {
        ndots: 0,
        timeout: Duration::from_secs(1),
        attempts: 1,
        ..ResolvConf::default()
    };
    expect("options ndots:0 timeout:0 attempts:0", &expected, &[]);
}

#[test]
fn what_is_not_understood_is_told_and_the_rest_holds() {
    let text = "\
nameserver
nameserver one.example.org
nameserver 1.1.1.1%eth0
lookup file bind
sortlist 10.0.0.0/8
search a..b good
options edns0 ndots:many rotate:1 single-request
nameserver 1.1.1.1
";
    let expected = ResolvConf {
        nameservers: vec![plain("1.1.1.1:53")],
        search: names(&["good"]),
        ..ResolvConf::default()
    };
    let notices = [
        r#"resolv.conf:1: nameserver "" is no address, ignored"#,
        r#"resolv.conf:2: nameserver "one.example.org" is no address, ignored"#,
        r#"resolv.conf:3: nameserver "1.1.1.1%eth0" is no address, ignored"#,
        r#"resolv.conf:4: "lookup" is not understood, ignored"#,
        "resolv.conf:5: sortlist is not understood, ignored: addresses are in any order",
        r#"resolv.conf:6: search domain "a..b" is no name, ignored"#,
        r#"resolv.conf:7: option "edns0" is not understood, ignored"#,
        r#"resolv.conf:7: option "ndots:many" has no number, ignored"#,
        r#"resolv.conf:7: option "rotate:1" is not understood, ignored"#,
        r#"resolv.conf:7: option "single-request" is not understood, ignored"#,
    ];
    expect(text, &expected, &notices);
}

#[test]
fn lists_end_at_their_bounds() {
    let mut text = String::new();
    for last in 0..=UPSTREAMS_MAX {
        writeln!(text, "nameserver 10.0.0.{last}").unwrap();
    }
    text.push_str("search");
    for domain in 0..=SEARCH_MAX {
        write!(text, " d{domain}").unwrap();
    }
    let (read, notices) = ResolvConf::read("r", &text);
    assert_eq!((read.nameservers.len(), read.search.len()), (UPSTREAMS_MAX, SEARCH_MAX));
    let expected = [
        "r:16: nameserver 10.0.0.15 is beyond the first 15, ignored",
        r#"r:17: search domain "d32" is beyond the first 32, ignored"#,
    ];
    assert_eq!(lines(&notices), expected);
}

#[test]
fn notices_and_texts_end_at_their_bounds() {
    let (_, notices) = ResolvConf::read("r", &"x\n".repeat(NOTICES_MAX + 3));
    assert_eq!(notices.len(), NOTICES_MAX + 1);
    assert_eq!(notices[NOTICES_MAX].to_string(), "r: 3 more notices are left out");

    let text = " ".repeat(64 * 1024 + 1);
    expect(
        &text,
        &ResolvConf::default(),
        &["resolv.conf: longer than 65536 bytes: nothing of it is read"],
    );
    let long = format!("{}\n", "é".repeat(81));
    let message = format!(r#"resolv.conf:1: "{}…" is not understood, ignored"#, "é".repeat(80));
    expect(&long, &ResolvConf::default(), &[&message]);
}

#[test]
fn a_notice_is_one_line_whatever_the_file_is_called() {
    let (_, notices) = ResolvConf::read("a\nb", "x\ty");
    assert_eq!(lines(&notices), [r#"a\nb:1: "x" is not understood, ignored"#]);
}
