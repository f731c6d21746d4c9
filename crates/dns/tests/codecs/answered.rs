//! Can two other codecs read a reply, and is it one to its query?

use dns::wire::{Edns, RecordType, ReplySize, Unanswerable, read};
use domain::base::Message as OtherMessage;
use hickory_proto::op::{Message, MessageType};
use hickory_proto::serialize::binary::{BinDecodable as _, BinDecoder};

/// What a reply has, besides its records themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Records of the answer, of the authority section, and additional ones, OPT included.
    pub(crate) counts: [usize; 3],
    pub(crate) is_truncated: bool,
    pub(crate) rcode: u16,
}

/// Panics where a reply is none to this message. hickory-proto reads the data of records, and so is
/// asked only where we wrote it ourselves (`is_ours`).
pub(crate) fn check(message: &[u8], size: ReplySize, reply: &[u8], is_ours: bool) -> Shape {
    assert_eq!(reply[..2], message[..2], "the ID");
    let (question, edns) = expected(message);
    let most = most(message, size);
    assert!(reply.len() <= most, "{} octets, at most {most}", reply.len());
    assert_eq!(reply.get(12..12 + question.len()), Some(question), "the question");
    let shape = by_domain(reply, !question.is_empty(), edns.is_some());
    if is_ours {
        let mut decoder = BinDecoder::new(reply);
        let read = Message::read(&mut decoder);
        let read = read.unwrap_or_else(|error| panic!("hickory-proto on {reply:02x?}: {error}"));
        assert!(decoder.is_empty(), "{} octets behind the message", decoder.len());
        assert_eq!(read.metadata.message_type, MessageType::Response);
        let additionals = read.additionals.len() + usize::from(read.edns.is_some());
        let by_hickory = Shape {
            counts: [read.answers.len(), read.authorities.len(), additionals],
            is_truncated: read.metadata.truncation,
            rcode: read.metadata.response_code.into(),
        };
        assert_eq!(by_hickory, shape);
    }
    shape
}

/// The octets that the client takes.
pub(crate) fn most(message: &[u8], size: ReplySize) -> usize {
    let (_, edns) = expected(message);
    match size {
        ReplySize::Stream => 65_535,
        ReplySize::Datagram(size) => {
            edns.map_or(512, |edns| usize::from(edns.udp_size)).min(size).max(512)
        }
    }
}

/// The octets of the question to repeat, and what the client's OPT record says.
fn expected(message: &[u8]) -> (&[u8], Option<Edns>) {
    match read(message) {
        Ok(query) => (query.question(message), query.edns),
        Err(Unanswerable::Refused { question, edns, .. }) => (question, edns),
        Err(Unanswerable::Silent) => panic!("nobody waits for a reply to {message:02x?}"),
    }
}

fn by_domain(reply: &[u8], has_question: bool, has_opt: bool) -> Shape {
    let read = OtherMessage::from_octets(reply).expect("domain reads its header");
    assert!(read.header().qr(), "an answer");
    assert_eq!(read.header_counts().qdcount(), u16::from(has_question));
    let mut counts = Vec::new();
    let mut section = read.answer().expect("domain finds the answer");
    let end = loop {
        let mut count = 0;
        for record in &mut section {
            let record = record.unwrap_or_else(|error| panic!("domain on {reply:02x?}: {error}"));
            assert!(counts.len() == 2 || record.rtype().to_int() != RecordType::OPT.0);
            count += 1;
        }
        counts.push(count);
        let end = section.pos();
        match section.next_section().expect("domain finds the section") {
            Some(next) => section = next,
            None => break end,
        }
    };
    assert_eq!(end, reply.len(), "octets behind the message");
    assert_eq!(read.opt().is_some(), has_opt, "OPT for OPT");
    Shape {
        counts: counts.try_into().expect("three sections"),
        is_truncated: read.header().tc(),
        rcode: read.opt_rcode().to_int(),
    }
}
