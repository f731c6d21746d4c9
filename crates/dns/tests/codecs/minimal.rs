//! What stands beside an answer where that is to be left out?

use std::sync::Arc;

use dns::respond::{Block, Blocks};
use dns::wire::ReplySize;
use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME, NS, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinEncodable as _, BinEncoder};

use crate::answered;
use crate::query;
use crate::server::{Answer, Server, secondary};

/// For the cluster that most tests ask, where nothing stands beside an answer.
fn minimal() -> Server {
    let mut server = Server::of_cluster();
    let block = |block: &Block| Block { is_minimal: true, ..block.clone() };
    let blocks = server.responder.blocks.iter().map(block).collect();
    server.responder.blocks = Arc::new(Blocks::new(blocks));
    server
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn soa() -> Record {
    let soa = SOA::new(name("ns.example."), name("root.example."), 1, 2, 3, 4, 5);
    Record::from_rdata(name("example."), 60, RData::SOA(soa))
}

/// What the upstream says of `www.example.` and `gone.example.`, which is an alias to nothing.
fn upstream(asked: &str) -> Vec<u8> {
    let mut message = Message::from_vec(&query(asked, RecordType::A, None)).unwrap();
    message.metadata.message_type = MessageType::Response;
    let ns = || name("ns.example.");
    let address = |owner, octet| Record::from_rdata(owner, 60, RData::A(A::new(192, 0, 2, octet)));
    if asked == "www.example." {
        message.add_answer(address(name(asked), 1));
        message.add_authority(Record::from_rdata(name("example."), 60, RData::NS(NS(ns()))));
        message.add_additional(address(ns(), 2));
    } else {
        let alias = RData::CNAME(CNAME(name("none.example.")));
        message.add_answer(Record::from_rdata(name(asked), 60, alias));
        message.add_authority(soa());
        message.metadata.response_code = ResponseCode::NXDomain;
    }
    let mut bytes = Vec::new();
    message.emit(&mut BinEncoder::new(&mut bytes)).unwrap();
    bytes
}

/// Records in each section, after both codecs have judged the reply.
fn counts(server: &Server, asked: &str, rtype: RecordType) -> [usize; 3] {
    let (size, message) = (ReplySize::Datagram(1_232), query(asked, rtype, None));
    let answer = server.answer(&message, secondary(size), &mut |_| Some(upstream(asked)));
    let Answer::Reply(reply, _) = answer else { panic!("{answer:?}") };
    answered::check(&message, size, &reply, true).counts
}

#[test]
fn what_stands_beside_an_answer_is_left_out_and_denials_stay_whole() {
    let (usual, minimal) = (Server::of_cluster(), minimal());
    for (asked, rtype, whole, least) in [
        // Of the six addresses, as many as 512 octets have room for.
        ("peers.shop.svc.cluster.local.", RecordType::SRV, [7, 0, 4], [7, 0, 0]),
        ("web.shop.svc.cluster.local.", RecordType::A, [1, 0, 0], [1, 0, 0]),
        ("none.shop.svc.cluster.local.", RecordType::A, [0, 1, 0], [0, 1, 0]),
        ("web.shop.svc.cluster.local.", RecordType::TXT, [0, 1, 0], [0, 1, 0]),
        ("www.example.", RecordType::A, [1, 1, 1], [1, 0, 0]),
        // Whoever keeps the denial needs to know for how long.
        ("gone.example.", RecordType::A, [1, 1, 0], [1, 1, 0]),
    ] {
        let found = [&usual, &minimal].map(|server| counts(server, asked, rtype));
        assert_eq!(found, [whole, least], "{asked} {rtype}");
    }
}
