//! What becomes of answers that only somebody with bad intentions sends?

use std::time::Duration;

use dns::wire::ReplySize;
use hickory_proto::op::Message;
use hickory_proto::rr::RecordType;

use crate::query;
use crate::server::{Answer, Server, pod};

/// The owners and TTLs of a reply's answer, read by hickory-proto.
fn owners(answer: &Answer) -> Vec<(String, u32)> {
    let Answer::Reply(reply, _) = answer else { panic!("{answer:?}") };
    let read = Message::from_vec(reply).unwrap();
    read.answers.iter().map(|record| (record.name.to_string(), record.ttl)).collect()
}

/// An answer to A of `www.example.`, of two records: one with a TTL that is the name `a.`, and one whose
/// owner is there.
fn pointing_into_a_ttl() -> Vec<u8> {
    let mut bytes = query("www.example.", RecordType::A, None);
    bytes[2] |= 0x80;
    bytes[7] = 2;
    let ttl_at = u8::try_from(bytes.len() + 6).unwrap();
    bytes.extend([0xc0, 12, 0, 1, 0, 1, 1, b'a', 0, 0, 0, 4, 192, 0, 2, 1]);
    bytes.extend([0xc0, ttl_at, 0, 1, 0, 1, 0, 1, 0, 0, 0, 4, 192, 0, 2, 2]);
    bytes
}

#[test]
fn a_name_inside_of_a_ttl_stays_that_name_when_time_has_passed() {
    let server = Server::of_cluster();
    let asked = query("www.example.", RecordType::A, None);
    let mut said = Vec::new();
    let now = server.answer(&asked, pod(ReplySize::Datagram(1_232)), &mut |question| {
        said.push((question.clone(), pointing_into_a_ttl()));
        Some(pointing_into_a_ttl())
    });
    let ttl = 0x0161_0000;
    assert_eq!(owners(&now), [("www.example.".to_owned(), ttl), ("a.".to_owned(), 65_536)]);

    let later = server.with_cache(server.cache_of(&said), Duration::from_secs(3));
    let later = later.answer(&asked, pod(ReplySize::Datagram(1_232)), &mut |_| None);
    let kept: Vec<String> = owners(&later).into_iter().map(|(owner, _)| owner).collect();
    assert_eq!(kept, ["www.example.", "a."]);
}

#[test]
fn a_record_in_the_place_of_the_question_is_no_question() {
    let server = Server::of_cluster();
    // The root is asked for, and the first record is the root's: its octets begin as the question's.
    let asked = query(".", RecordType::A, None);
    let said = [
        &[0x12, 0x34, 0x81, 0x80, 0, 0, 0, 1, 0, 0, 0, 0][..],
        &[0, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1],
    ];
    let said = said.concat();
    let answer =
        server.answer(&asked, pod(ReplySize::Datagram(1_232)), &mut |_| Some(said.clone()));
    assert_eq!(owners(&answer), [(".".to_owned(), 60)]);
}

#[test]
fn a_record_whose_data_points_into_the_header_is_left_out() {
    let server = Server::of_cluster();
    let asked = query("www.example.", RecordType::A, None);
    let mut said = asked.clone();
    said[2] |= 0x80;
    said[7] = 2;
    // A CNAME to what stands at octet 4, and an address.
    said.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 2, 0xc0, 4]);
    said.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]);
    let answer =
        server.answer(&asked, pod(ReplySize::Datagram(1_232)), &mut |_| Some(said.clone()));
    assert_eq!(owners(&answer), [("www.example.".to_owned(), 60)]);
}
