//! Is the answer to a question that is asked in another one's place one that can be read?

use dns::wire::ReplySize;
use hickory_proto::op::Message;
use hickory_proto::rr::RecordType;

use crate::answered;
use crate::query;
use crate::server::{Answer, Server, secondary};

/// The owner, type and TTL of each record of the answer.
fn rows(name: &str, rtype: RecordType) -> Vec<(String, RecordType, u32)> {
    let (size, message) = (ReplySize::Datagram(1_232), query(name, rtype, None));
    let answer = Server::of_cluster().answer(&message, secondary(size), &mut |_| None);
    let Answer::Reply(reply, _) = answer else { panic!("{answer:?}") };
    answered::check(&message, size, &reply, true);
    let read = Message::from_vec(&reply).unwrap();
    let row = |record: &hickory_proto::rr::Record| {
        (record.name.to_string(), record.record_type(), record.ttl)
    };
    read.answers.iter().map(row).collect()
}

#[test]
fn a_name_asked_in_place_of_another_is_answered_with_the_one_that_was_asked() {
    let row = ("web.old.example.".to_owned(), RecordType::A, 10);
    assert_eq!(rows("web.old.example.", RecordType::A), [row]);
}

#[test]
fn a_type_asked_in_place_of_another_keeps_its_records_as_they_are() {
    // As CoreDNS does it: an A record must not pass for an AAAA record with four octets.
    let row = ("web.old.example.".to_owned(), RecordType::A, 10);
    assert_eq!(rows("web.old.example.", RecordType::AAAA), [row]);
}
