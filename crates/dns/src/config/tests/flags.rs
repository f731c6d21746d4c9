//! Are servers and stub domains understood as flags give them?

use super::*;

#[track_caller]
fn expect(text: &str, expected: Upstream) {
    assert_eq!(Target::parse(text), Ok(Target::Upstream(expected)), "{text}");
}

#[track_caller]
fn refused(text: &str, message: &str) {
    assert_eq!(shown(Target::parse(text)), Err(message.to_owned()), "{text}");
}

#[test]
fn every_way_to_write_a_server() {
    expect("1.1.1.1", plain("1.1.1.1:53"));
    expect("1.1.1.1:5353", plain("1.1.1.1:5353"));
    expect("2606:4700::1111", plain("[2606:4700::1111]:53"));
    expect("[2606:4700::1111]", plain("[2606:4700::1111]:53"));
    expect("[2606:4700::1111]:54", plain("[2606:4700::1111]:54"));
    expect("dns://1.1.1.1", plain("1.1.1.1:53"));
    expect("DNS://[::1]:54", plain("[::1]:54"));
    expect("fe80::1%3", plain("[fe80::1%3]:53"));
    expect("[fe80::1%3]:54", plain("[fe80::1%3]:54"));
    let interface = Some("eth0".into());
    expect("[fe80::1%eth0]:54", Upstream { interface, ..plain("[fe80::1]:54") });
    let file = Target::File("/etc/resolv.conf".into());
    assert_eq!(Target::parse("/etc/resolv.conf"), Ok(file));
}

#[test]
fn every_way_to_write_a_server_over_tls() {
    let quad9 = Some("dns.quad9.net");
    expect("tls://9.9.9.9", over_tls("9.9.9.9:853", None));
    expect("tls://9.9.9.9:54", over_tls("9.9.9.9:54", None));
    expect("tls://9.9.9.9#DNS.Quad9.net", over_tls("9.9.9.9:853", quad9));
    expect("tls://9.9.9.9:54#dns.quad9.net", over_tls("9.9.9.9:54", quad9));
    expect("tls://[2620:fe::9]:54#dns.quad9.net", over_tls("[2620:fe::9]:54", quad9));
    expect("tls://2620:fe::9#dns.quad9.net", over_tls("[2620:fe::9]:853", quad9));
    expect("tls://9.9.9.9%dns.quad9.net", over_tls("9.9.9.9:853", quad9));
    expect("tls://9.9.9.9%dns.quad9.net:54", over_tls("9.9.9.9:54", quad9));
    expect("tls://2620:fe::9%dns.quad9.net", over_tls("[2620:fe::9]:853", quad9));
    expect("tls://2620:fe::9%dns.quad9.net:54", over_tls("[2620:fe::9]:54", quad9));
    expect("tls://[fe80::1%3]:54", over_tls("[fe80::1%3]:54", None));
}

#[test]
fn what_is_no_server_is_refused_with_a_hint() {
    let no_address = |text: &str| {
        format!(
            "upstream \"{text}\" is no address\nhint: write 1.1.1.1, 1.1.1.1:53, \
             [2001:db8::1]:53, tls://1.1.1.1#server.name or the path of a resolv.conf"
        )
    };
    let odd = ["", "1.1.1", "1.1.1.1.1", "[::1", "[1.1.1.1%a]", "fe80::1%", "1.1.1.1%2", "::1::"];
    for text in odd {
        refused(text, &no_address(text));
    }
    let name = "upstream \"one.one.one.one:53\" is a name\n\
                hint: name servers cannot be looked up by name, give the address";
    refused("one.one.one.one:53", name);
    let scheme = "upstream \"https://1.1.1.1/dns-query\" is asked in a way that is not spoken here\n\
                  hint: dns:// and tls:// are";
    refused("https://1.1.1.1/dns-query", scheme);
    for text in ["1.1.1.1:0", "1.1.1.1:65536", "1.1.1.1:", "[::1]:x", "[::1]53"] {
        let message = format!(
            "upstream \"{text}\" has a wrong port\nhint: a port is a number from 1 to 65535"
        );
        refused(text, &message);
    }
    for text in ["1.1.1.1#a.b", "tls://1.1.1.1#", "tls://1.1.1.1#a..b"] {
        let message = format!(
            "upstream \"{text}\" has a wrong server name\n\
             hint: only tls:// has one, as in tls://1.1.1.1#one.one.one.one"
        );
        refused(text, &message);
    }
}

#[test]
fn a_stub_domain_has_servers() {
    let targets = vec![
        Target::Upstream(plain("10.0.0.1:53")),
        Target::Upstream(plain("[fd00::1]:54")),
        Target::File("/etc/acme.conf".into()),
    ];
    let stub_domain = StubDomain { zones: names(&["acme.local"]), targets };
    let text = "Acme.local.=10.0.0.1,[fd00::1]:54,/etc/acme.conf";
    assert_eq!(StubDomain::parse(text), Ok(stub_domain));

    let zones = names(&["0.10.in-addr.arpa", "1.10.in-addr.arpa"]);
    let targets = vec![Target::Upstream(plain("10.0.0.1:53"))];
    let stub_domain = StubDomain { zones, targets };
    assert_eq!(StubDomain::parse("10.0.0.0/15=10.0.0.1"), Ok(stub_domain));
}

#[test]
fn what_is_no_stub_domain_is_refused_with_a_hint() {
    let many = |count| format!("a={}", vec!["1.1.1.1"; count].join(","));
    assert_eq!(StubDomain::parse(&many(15)).map(|all| all.targets.len()), Ok(15));
    let cases = [
        ("a", "stub domain \"a\" has no name servers\nhint: write DOMAIN=ADDRESS[,ADDRESS]"),
        ("a=", "stub domain \"a=\" has no name servers\nhint: write DOMAIN=ADDRESS[,ADDRESS]"),
        (
            "a..b=1.1.1.1",
            "stub domain \"a..b\" is no name\nhint: write a domain, or a network for its reverse zones",
        ),
        (
            "a=1.1.1.1:0",
            "upstream \"1.1.1.1:0\" has a wrong port\nhint: a port is a number from 1 to 65535",
        ),
        (&many(16), "stub domain \"a\" has 16 name servers\nhint: it may have 15"),
    ];
    for (text, message) in cases {
        assert_eq!(shown(StubDomain::parse(text)), Err(message.to_owned()), "{text}");
    }
}
