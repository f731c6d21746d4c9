//! Are messages of the DNS what their lines say, byte by byte?

use std::collections::BTreeSet;
use std::path::Path;

use crate::dns::{
    Answered, Edns, Flag, Outside, Question, Rcode, Reply, Serial, decode, encode, outside,
};
use crate::{Dns, Scenario};

/// The question of a line.
fn question(line: &str) -> Question {
    let text = format!("goal: a line\n\n-- queries --\n{line} NXDOMAIN\n");
    let scenario = Scenario::parse(Path::new("line.txt"), &text).unwrap();
    scenario.steps[0].queries[0].question.clone()
}

#[test]
fn a_plain_question_has_a_header_and_a_name() {
    let expected = b"\x70\x6f\x01\x00\0\x01\0\0\0\0\0\0\x03sVc\x02ns\0\0\x1c\0\x01";
    assert_eq!(encode(&question("sVc.ns AAAA")), expected);
}

#[test]
fn a_name_may_have_any_octet() {
    let expected = b"\x70\x6f\x01\x00\0\x01\0\0\0\0\0\0\x03b\xc3.\x02ns\0\0\x10\0\x01";
    assert_eq!(encode(&question("b\\195\\..ns TXT")), expected);
}

#[test]
fn a_question_has_what_its_words_say() {
    let line = "ns A no-rd ad cd class=CH opcode=2 qr edns=512 do edns-version=1 cookie=01ff";
    let expected: &[u8] = b"\x70\x6f\x90\x30\0\x01\0\0\0\0\0\x01\x02ns\0\0\x01\0\x03\
                            \0\0\x29\x02\0\0\x01\x80\0\0\x06\0\x0a\0\x02\x01\xff";
    assert_eq!(encode(&question(line)), expected);
}

#[test]
fn sections_may_have_more_than_they_should() {
    let record = b"\0\0\x01\0\x01\0\0\0\0\0\x04\0\0\0\0".as_slice();
    let header =
        b"\x70\x6f\x01\x00\0\x02\0\x01\0\x01\0\x01\x02ns\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01";
    let asked = question("ns A questions=2 answers=1 authorities=1 additionals=1");
    assert_eq!(encode(&asked), [header, record, record, record].concat());
}

#[test]
fn an_incremental_transfer_says_what_it_has() {
    let mut asked = question("ns IXFR serial=current");
    assert_eq!(asked.serial, Some(Serial::Current));
    asked.serial = Some(Serial::Number(7));
    let expected: &[u8] = b"\x70\x6f\x01\x00\0\x01\0\0\0\x01\0\0\x02ns\0\0\xfb\0\x01\
        \xc0\x0c\0\x06\0\x01\0\0\0\0\0\x16\0\0\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    assert_eq!(encode(&asked), expected);
}

/// `Sv.ns A` answered by an alias, an address and an extended error.
const REPLY: &[u8] = b"\x70\x6f\x85\x82\0\x01\0\x02\0\0\0\x01\x02Sv\x02ns\0\0\x01\0\x01\
    \xc0\x0c\0\x05\0\x01\0\0\0\x05\0\x04\x01b\xc0\x0f\
    \xc0\x23\0\x01\0\x01\0\0\0\x1e\0\x04\x0a\0\0\x01\
    \0\0\x29\x04\xd0\0\0\x80\0\0\x0c\0\x0f\0\x04\0\x17no\0\x03\0\0";

#[test]
fn a_reply_is_read_whole() {
    let expected = Answered {
        id: 0x706f,
        is_reply: true,
        opcode: 0,
        rcode: Rcode::from_name("SERVFAIL").unwrap(),
        flags: BTreeSet::from([
            Flag::Authoritative,
            Flag::RecursionDesired,
            Flag::RecursionAvailable,
        ]),
        question: vec!["Sv.ns IN A".to_owned()],
        answer: vec!["Sv.ns 5 CNAME b.ns".to_owned(), "b.ns 30 A 10.0.0.1".to_owned()],
        authority: Vec::new(),
        additional: Vec::new(),
        edns: Some(Edns {
            size: 1232,
            version: 0,
            dnssec_ok: true,
            errors: vec![(23, "no".to_owned())],
            options: vec![(3, Vec::new())],
        }),
        size: REPLY.len(),
    };
    assert_eq!(decode(REPLY), Reply::Message(Box::new(expected)));
}

#[test]
fn bytes_that_are_no_message_are_malformed() {
    let too_long = [REPLY, b"!!"].concat();
    assert_eq!(decode(&too_long), Reply::Malformed("2 bytes after its end".to_owned()));
    // The words are the codec's.
    for cut in [0, 11, REPLY.len() - 1] {
        assert!(matches!(decode(&REPLY[..cut]), Reply::Malformed(_)), "of {cut} bytes");
    }
}

const UPSTREAM: &str = "goal: outside

-- cluster --
upstream www.Example.com A -> NOERROR tc
  answer     @            300  CNAME  e.example.com
  answer     e.example.com  60  A     203.0.113.5-203.0.113.6
upstream gone.example.com TXT -> NXDOMAIN
  authority  example.com    60  SOA   ns.example.com h.example.com 7 3600 600 86400 60
upstream slow.example.com A -> timeout
";

/// What the DNS outside of `UPSTREAM` says, as it is shown.
fn outside_says(line: &str) -> String {
    let scenario = Scenario::parse(Path::new("outside.txt"), UPSTREAM).unwrap();
    let settings: &Dns = &scenario.steps[0].cluster.dns;
    match outside(settings, &encode(&question(line))) {
        Outside::Reply(bytes) => decode(&bytes).to_string(),
        Outside::Timeout => "timeout".to_owned(),
        Outside::Unforeseen(what) => format!("unforeseen {what}"),
    }
}

#[test]
fn the_dns_outside_says_what_its_lines_say() {
    let cases = [
        (
            "WWW.example.com A edns=4096",
            "NOERROR tc rd ra edns=1232 id=28783\n\
             question    WWW.example.com IN A\n\
             answer      www.example.com 300 CNAME e.example.com\n\
             answer      e.example.com 60 A 203.0.113.5\n\
             answer      e.example.com 60 A 203.0.113.6",
        ),
        (
            "gone.example.com TXT no-rd cd",
            "NXDOMAIN ra cd id=28783\n\
             question    gone.example.com IN TXT\n\
             authority   example.com 60 SOA ns.example.com h.example.com 7 3600 600 86400 60",
        ),
        ("slow.example.com A", "timeout"),
        ("slow.example.com AAAA", "unforeseen slow.example.com AAAA"),
    ];
    for (line, expected) in cases {
        assert_eq!(outside_says(line), expected, "{line}");
    }
}
