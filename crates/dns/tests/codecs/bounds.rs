//! What is said at the bounds of messages, names and pointers?

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use dns::respond::{AnsweredBy, Summary};
use dns::wire::{self, Rcode, ReplySize};
use dns::zone::ZoneOf;
use hickory_proto::op::Message;
use hickory_proto::rr::{RData, Record, RecordType};

use crate::answered::{self, Shape};
use crate::query;
use crate::server::{Answer, Server, secondary};

const UDP: ReplySize = ReplySize::Datagram(1_232);

/// Endpoints of one slice at most.
const SLICE: usize = 500;

fn address(index: usize) -> Ipv4Addr {
    let [.., high, low] = u32::try_from(index).unwrap().to_be_bytes();
    Ipv4Addr::new(10, 1, high, low)
}

/// A headless Service with one port and so many endpoints.
fn headless(name: &str, endpoints: usize) -> Server {
    let mut text = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\n\
         spec: {{clusterIP: None, ports: [{{name: http, port: 80}}]}}\n"
    );
    let all: Vec<usize> = (0..endpoints).collect();
    for (number, some) in all.chunks(SLICE).enumerate() {
        write!(
            text,
            "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
             metadata: {{name: s{number}, namespace: shop, labels: {{kubernetes.io/service-name: {name}}}}}\n\
             addressType: IPv4\nports: [{{name: http, port: 8080, protocol: TCP}}]\nendpoints:\n"
        )
        .unwrap();
        for index in some {
            writeln!(text, "- {{addresses: [{}]}}", address(*index)).unwrap();
        }
    }
    Server::new(&text)
}

/// The reply, after both codecs have judged it.
fn reply(server: &Server, message: &[u8], size: ReplySize) -> (Vec<u8>, Shape) {
    let answer = server.answer(message, secondary(size), &mut |_| None);
    let Answer::Reply(reply, _) = answer else { panic!("{answer:?}") };
    let shape = answered::check(message, size, &reply, true);
    (reply, shape)
}

fn addresses(reply: &[u8]) -> Vec<Ipv4Addr> {
    let read = Message::from_vec(reply).unwrap();
    read.answers.iter().map(address_in).collect()
}

fn address_in(record: &Record) -> Ipv4Addr {
    let RData::A(address) = record.data else { panic!("{record:?}") };
    address.0
}

fn target_in(record: &Record) -> String {
    let RData::SRV(srv) = &record.data else { panic!("{record:?}") };
    srv.target.to_string()
}

fn shape(counts: [usize; 3], is_truncated: bool) -> Shape {
    Shape { counts, is_truncated, rcode: 0 }
}

#[test]
fn forty_endpoints_are_cut_at_512_octets_and_the_first_of_them_are_told() {
    let server = headless("peers", 40);
    let name = "peers.shop.svc.cluster.local.";
    let (whole, of_whole) = reply(&server, &query(name, RecordType::A, None), ReplySize::Stream);
    assert_eq!(of_whole, shape([40, 0, 0], false));

    // 12 octets of header, 34 of the question, 16 a record, and 11 for OPT.
    let (cut, of_cut) = reply(&server, &query(name, RecordType::A, None), UDP);
    assert_eq!((of_cut, cut.len()), (shape([29, 0, 0], true), 12 + 34 + 29 * 16));
    assert_eq!(addresses(&cut), addresses(&whole)[..29]);
    let (cut, of_cut) = reply(&server, &query(name, RecordType::A, Some(512)), UDP);
    assert_eq!((of_cut, cut.len()), (shape([28, 0, 1], true), 12 + 34 + 28 * 16 + 11));
    assert_eq!(addresses(&cut), addresses(&whole)[..28]);

    let (all, of_all) = reply(&server, &query(name, RecordType::A, Some(1_232)), UDP);
    assert_eq!(of_all, shape([40, 0, 1], false));
    assert_eq!(addresses(&all), addresses(&whole));
}

#[test]
fn a_datagram_has_1232_octets_and_one_more_is_cut() {
    // The name is one octet longer, so that the same records need one octet more.
    for (name, expected, len) in [
        ("a23456789012", shape([73, 0, 1], false), 1_232),
        ("a234567890123", shape([72, 0, 1], true), 1_233 - 16),
    ] {
        let server = headless(name, 73);
        let question = format!("{name}.shop.svc.cluster.local.");
        let message = query(&question, RecordType::A, Some(4_096));
        let (cut, of_cut) = reply(&server, &message, UDP);
        assert_eq!((of_cut, cut.len()), (expected, len), "{name}");
    }
}

#[test]
fn a_name_of_255_octets_is_denied_and_one_more_is_malformed() {
    let server = Server::of_cluster();
    let message = |last: usize| {
        let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for len in [63, 63, 63, last] {
            message.push(u8::try_from(len).unwrap());
            message.extend(vec![b'a'; len]);
        }
        message.extend(b"\x05local\0\0\x01\0\x01");
        message
    };
    // Three labels of 64 octets, one of 56, one of 6, and the root.
    let at_bound = message(55);
    assert_eq!(wire::read(&at_bound).unwrap().name.len(), 255);
    let (_, of_bound) = reply(&server, &at_bound, UDP);
    assert_eq!(of_bound, Shape { counts: [0, 0, 0], is_truncated: false, rcode: 2 });
    let above = server.answer(&message(56), secondary(UDP), &mut |_| None);
    let summary = Summary {
        rcode: Rcode::FORMERR,
        rtype: wire::RecordType(0),
        by: AnsweredBy::Protocol,
        zone: ZoneOf::Root,
        is_walked: false,
    };
    assert_eq!(above, Answer::Reply(vec![0x12, 0x34, 0x81, 1, 0, 0, 0, 0, 0, 0, 0, 0], summary));
}

#[test]
fn the_case_of_the_question_is_kept_wherever_a_pointer_leads_to_it() {
    let server = Server::of_cluster();
    let owners = |name: &str, rtype| {
        let (reply, _) = reply(&server, &query(name, rtype, None), UDP);
        let read = Message::from_vec(&reply).unwrap();
        let all = [read.queries[0].name().to_string()];
        let records = read.answers.iter().chain(&read.authorities).chain(&read.additionals);
        let srv = read.answers.iter().filter(|record| record.record_type() == RecordType::SRV);
        all.into_iter()
            .chain(records.map(|record| record.name.to_string()))
            .chain(srv.map(target_in))
            .collect::<Vec<_>>()
    };
    let web = "wEb.sHoP.SvC.ClUsTeR.LoCaL.";
    assert_eq!(owners(web, RecordType::A), [web; 2]);
    let none = "nOnE.sHoP.SvC.ClUsTeR.LoCaL.";
    assert_eq!(owners(none, RecordType::A), [none, "ClUsTeR.LoCaL."]);
    let port = "_hTtP._TcP.WeB.sHoP.SvC.ClUsTeR.LoCaL.";
    let target = "web.shop.svc.ClUsTeR.LoCaL.";
    assert_eq!(owners(port, RecordType::SRV), [port, port, target, target, target]);
}

const PORT: &str = "_http._tcp.peers.shop.svc.cluster.local.";

/// The targets of SRV records in order. Each address beside them is that of a target.
fn targets(reply: &[u8]) -> Vec<String> {
    let read = Message::from_vec(reply).unwrap();
    let targets: Vec<String> = read.answers.iter().map(target_in).collect();
    let glue = read.additionals.iter().map(|record| {
        let dashed = address_in(record).to_string().replace('.', "-");
        let owner = format!("{dashed}.peers.shop.svc.cluster.local.");
        assert_eq!(record.name.to_string(), owner);
        owner
    });
    let owners: Vec<String> = glue.collect();
    assert_eq!(owners, targets[..owners.len()]);
    targets
}

#[test]
fn a_thousand_endpoints_have_addresses_as_far_as_pointers_reach() {
    let server = headless("peers", 1_000);
    let message = query(PORT, RecordType::SRV, Some(1_232));
    let (whole, of_whole) = reply(&server, &message, ReplySize::Stream);
    let targets = targets(&whole);
    // A target stands behind 18 octets of its record; on the wire it is one octet longer than its text.
    let mut next = 12 + PORT.len() + 1 + 4;
    let places = targets.iter().map(|target| {
        let at = next + 18;
        next = at + target.len() + 1;
        at
    });
    let reached = places.filter(|at| *at < 0x4000).count();
    assert!(reached < 1_000, "{reached}");
    assert_eq!(of_whole, shape([1_000, 0, reached + 1], false));
    assert!(whole.len() <= 65_535, "{}", whole.len());
}

#[test]
fn a_message_for_a_stream_is_cut_at_65535_octets() {
    let server = headless("peers", 1_300);
    let message = query(PORT, RecordType::SRV, Some(1_232));
    let (whole, of_whole) = reply(&server, &message, ReplySize::Stream);
    assert_eq!(of_whole, shape([targets(&whole).len(), 0, 1], true));
    // The record that follows does not fit: it has 18 octets, a target of 41 at most, and OPT has 11.
    assert!((65_535 - 59..=65_535).contains(&whole.len()), "{}", whole.len());
}
