//! Is every message read within its bounds, and what is in it?

use proptest::prelude::*;

use super::written::{Written, name};
use super::*;
use crate::wire::{NAME_LEN_MAX, suffix_start};

type Row = (Section, Vec<u8>, u16, u32, usize, Vec<u8>);

fn row(record: &Record<'_>) -> Row {
    let mut owner = [0; NAME_LEN_MAX];
    let length = record.owner.expand(&mut owner).unwrap();
    let rdata = record.rdata_bytes().to_vec();
    (record.section, owner[..length].to_vec(), record.rtype, record.ttl, record.ttl_at, rdata)
}

fn rows(bytes: &[u8]) -> Vec<Row> {
    Received::parse(bytes).unwrap().records().map(|record| row(&record)).collect()
}

/// A header with these counts, then the rest.
fn message(counts: [u16; 4], rest: &[u8]) -> Vec<u8> {
    let fields = [7, 0x8180].into_iter().chain(counts);
    fields.flat_map(u16::to_be_bytes).chain(rest.iter().copied()).collect()
}

#[test]
fn records_are_given_in_order_with_their_places() {
    let www = name("www.example");
    let bytes = Written::answer_to(&www, number::A)
        .a("www.example", 300)
        .soa("example", 60, 30)
        .opt(0x8000)
        .bytes(9);
    let soa_rdata = [
        name("ns"),
        name("mail"),
        [1, 7_200, 1_800, 86_400, 30].into_iter().flat_map(u32::to_be_bytes).collect(),
    ]
    .concat();
    let first_ttl_at = 12 + 13 + 4 + 13 + 4;
    let second_ttl_at = first_ttl_at + 4 + 2 + 4 + 9 + 4;
    let third_ttl_at = second_ttl_at + 4 + 2 + soa_rdata.len() + 1 + 4;
    assert_eq!(
        rows(&bytes),
        [
            (Section::Answer, www, number::A, 300, first_ttl_at, vec![192, 0, 2, 1]),
            (Section::Authority, name("example"), number::SOA, 60, second_ttl_at, soa_rdata),
            (Section::Additional, vec![0], number::OPT, 0x8000, third_ttl_at, vec![]),
        ]
    );
}

#[test]
fn a_pointer_is_followed_and_the_next_record_stands_after_it() {
    // The question is at 12; the record's owner is a label before a pointer to its second label.
    let mut rest = [name("www.example"), vec![0, 1, 0, 1]].concat();
    rest.extend([3, b'f', b't', b'p', 0xc0, 16, 0, 1, 0, 1, 0, 0, 0, 9, 0, 0]);
    let bytes = message([1, 1, 0, 0], &rest);
    let at = 12 + 13 + 4 + 6 + 4;
    let row = (Section::Answer, name("ftp.example"), number::A, 9, at, vec![]);
    assert_eq!(rows(&bytes), [row]);
}

#[test]
fn what_is_not_a_message_is_refused_with_its_reason() {
    let question = [name("a"), vec![0, 1, 0, 1]].concat();
    let longest = ["a".repeat(63).as_str(); 4].join(".");
    let opt = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];
    let owned_opt = [1, b'a', 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];
    let with = |more: &[u8]| [&*question, more].concat();
    let cases: [(Vec<u8>, Malformed); 14] = [
        (vec![0; 11], Malformed::Short),
        (message([1, 0, 0, 0], &[]), Malformed::Short),
        (message([1, 0, 0, 0], &name("a")), Malformed::Short),
        (message([2, 0, 0, 0], &[&*question, &question].concat()), Malformed::Questions),
        (message([1, 0, 0, 0], &[0xc0, 12, 0, 1, 0, 1]), Malformed::Name),
        (message([1, 0, 0, 0], &[0xc0, 200, 0, 1, 0, 1]), Malformed::Name),
        (message([1, 0, 0, 0], &[0xc0, 4, 0, 1, 0, 1]), Malformed::Name),
        (message([1, 0, 0, 0], &[0x80, 0, 0, 1, 0, 1]), Malformed::Name),
        (message([1, 0, 0, 0], &[name(&longest), vec![0, 1, 0, 1]].concat()), Malformed::Name),
        (message([1, 1, 0, 0], &question), Malformed::Short),
        (message([1, 1, 0, 0], &with(&[0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1])), Malformed::Short),
        (message([1, 1, 0, 0], &with(&opt)), Malformed::Opt),
        (message([1, 0, 0, 2], &with(&[opt, opt].concat())), Malformed::Opt),
        (message([1, 0, 0, 1], &with(&owned_opt)), Malformed::Opt),
    ];
    for (bytes, reason) in cases {
        assert_eq!(Received::parse(&bytes).map(|_| ()), Err(reason), "{bytes:?}");
    }
}

#[test]
fn a_name_of_255_octets_is_read_and_one_more_is_not() {
    let label = "a".repeat(63);
    let at_bound = [&*label, &*label, &*label, &"a".repeat(61)].join(".");
    let above = [&*label, &*label, &*label, &"a".repeat(62)].join(".");
    let read = |dotted: &str| {
        let bytes = message([1, 0, 0, 0], &[name(dotted), vec![0, 1, 0, 1]].concat());
        let mut out = [0; NAME_LEN_MAX];
        let received = Received::parse(&bytes)?;
        let length = received.question().unwrap().name.expand(&mut out).unwrap();
        Ok(out[..length].to_vec())
    };
    assert_eq!(read(&at_bound), Ok(name(&at_bound)));
    assert_eq!(read(&above), Err(Malformed::Name));
}

#[test]
fn pointers_to_pointers_end_within_bounds() {
    let read = |pointers: u16| {
        // The rdata of the first record is the root, then pointers, each to the one before.
        let rdata_at = 12 + 11;
        let links =
            (1..pointers).map(|link| if link == 1 { rdata_at } else { rdata_at - 3 + 2 * link });
        let rdata: Vec<u8> =
            std::iter::once(0).chain(links.flat_map(|at| (0xc000 | at).to_be_bytes())).collect();
        let length = u16::try_from(rdata.len()).unwrap().to_be_bytes();
        let last = 0xc000 | (rdata_at - 3 + 2 * pointers);
        let mut rest = [&[0, 0, 10, 0, 1, 0, 0, 0, 0], &length[..], &rdata].concat();
        rest.extend(last.to_be_bytes());
        rest.extend([0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
        let bytes = message([0, 2, 0, 0], &rest);
        Ok(rows(Received::parse(&bytes)?.bytes()).last().unwrap().1.clone())
    };
    assert_eq!(read(127), Ok(vec![0]));
    assert_eq!(read(128), Err(Malformed::Name));
}

#[test]
fn what_is_pointed_to_does_not_reach_over_the_pointer() {
    // The owner points into the question's label, to octets that say: a label of 20 octets.
    let mut rest = vec![2, 20, b'a', 0, 0, 1, 0, 1];
    rest.extend([0xc0, 13, 0, 1, 0, 1, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(Received::parse(&message([1, 1, 0, 0], &rest)).map(|_| ()), Err(Malformed::Name));
}

#[test]
fn names_are_compared_without_regard_to_ascii_case() {
    let bytes = Written::answer_to(&name("WwW.eXample"), number::A).bytes(1);
    let received = Received::parse(&bytes).unwrap();
    let asks = |dotted: &str, rtype| received.asks(&name(dotted), rtype, number::IN);
    assert_eq!(
        [
            asks("www.EXAMPLE", number::A),
            asks("www.example", number::NS),
            asks("ww.example", number::A),
            asks("example", number::A),
            asks("www.example.org", number::A),
            received.asks(&name("www.example"), number::A, 3),
        ],
        [true, false, false, false, false, false]
    );
    assert_eq!(
        [
            suffix_start(&name("a.b.example"), &name("B.example")).is_some(),
            suffix_start(&name("a.b.example"), &[0]).is_some(),
            suffix_start(&name("ab.example"), &name("b.example")).is_some(),
            suffix_start(&name("example"), &name("b.example")).is_some(),
        ],
        [true, true, false, false]
    );
}

#[test]
fn the_rcode_has_the_bits_of_opt() {
    let bytes = Written::answer_to(&name("a"), number::A).rcode(1).opt(0x0100_0000).bytes(1);
    assert_eq!(Received::parse(&bytes).unwrap().rcode(), 17);
}

#[test]
fn what_is_said_beside_the_rcode_is_found_among_options() {
    let said = |options: &[u8]| {
        let bytes = Written::answer_to(&name("a"), number::A).opt_with(0, options).bytes(1);
        let received = Received::parse(&bytes).unwrap();
        received.extended_error().map(|(code, text)| (code, text.to_vec()))
    };
    let cookie = [0, 10, 0, 2, 7, 7];
    assert_eq!(
        said(&[&cookie[..], &[0, 15, 0, 5, 0, 6, b'b', b'a', b'd']].concat()),
        Some((6, b"bad".to_vec()))
    );
    assert_eq!(said(&[0, 15, 0, 2, 0, 6]), Some((6, vec![])));
    assert_eq!(
        [said(&cookie), said(&[0, 15, 0, 9, 0, 6]), said(&[0, 15, 0, 1, 6]), said(&[])],
        [None, None, None, None]
    );
}

#[test]
fn octets_after_the_last_record_are_left_out() {
    let bytes = Written::answer_to(&name("a"), number::A).a("a", 1).bytes(1);
    let padded = [&*bytes, &[0; 9]].concat();
    assert_eq!(Received::parse(&padded).unwrap().bytes(), bytes);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_read_can_be_walked(
        counts in [0_u16..2, 0_u16..4, 0_u16..4, 0_u16..4],
        rest in proptest::collection::vec(prop_oneof![Just(0_u8), Just(0xc0), 0_u8..20, any::<u8>()], 0..120),
    ) {
        let bytes = message(counts, &rest);
        if let Ok(received) = Received::parse(&bytes) {
            let promised: usize = counts[1..].iter().map(|count| usize::from(*count)).sum();
            // Each owner expands, too, or this would stop.
            prop_assert_eq!(rows(&bytes).len(), promised);
            prop_assert!(received.bytes().len() <= bytes.len());
        }
    }
}
