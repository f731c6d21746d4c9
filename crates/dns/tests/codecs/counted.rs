//! For what is each answer counted?

use dns::respond::{AnsweredBy, Summary};
use dns::wire::{self, Rcode, ReplySize};
use dns::zone::ZoneOf;
use hickory_proto::op::Message;
use hickory_proto::rr::{Name, RData, Record, RecordType, rdata};
use hickory_proto::serialize::binary::{BinEncodable as _, BinEncoder};
use model::Family;

use crate::query;
use crate::server::{Answer, Server, pod};

/// The upstream knows one name.
fn upstream(name: &str) -> Option<Vec<u8>> {
    let mut message = Message::from_vec(&query(name, RecordType::A, None)).unwrap();
    message.metadata.message_type = hickory_proto::op::MessageType::Response;
    if name == "www.example.com" {
        let address = RData::A(rdata::A::new(192, 0, 2, 1));
        message.add_answer(Record::from_rdata(Name::from_ascii(name).unwrap(), 60, address));
    } else {
        message.metadata.response_code = hickory_proto::op::ResponseCode::NXDomain;
    }
    let mut bytes = Vec::new();
    message.emit(&mut BinEncoder::new(&mut bytes)).unwrap();
    Some(bytes)
}

fn summary(name: &str) -> Summary {
    let server = Server::of_cluster();
    let message = query(name, RecordType::A, None);
    let answer = server.answer(&message, pod(ReplySize::Datagram(1_232)), &mut |question| {
        upstream(&wire::Name::from_wire(question.name()).unwrap().to_string())
    });
    let Answer::Reply(_, summary) = answer else { panic!("{answer:?}") };
    summary
}

#[test]
fn an_answer_is_counted_for_the_zone_that_the_question_is_in() {
    let found = |zone, by| Summary {
        rcode: Rcode::NOERROR,
        rtype: wire::RecordType::A,
        by,
        zone,
        is_walked: false,
    };
    let denied = |zone, by| Summary { rcode: Rcode::NXDOMAIN, ..found(zone, by) };
    let (zone, forwarder) = (AnsweredBy::Zone, AnsweredBy::Forwarder);
    for (name, expected) in [
        ("web.shop.svc.cluster.local.", found(ZoneOf::Cluster, zone)),
        ("WEB.shop.svc.Cluster.Local.", found(ZoneOf::Cluster, zone)),
        // An alias leads elsewhere.
        ("search.shop.svc.cluster.local.", found(ZoneOf::Cluster, forwarder)),
        ("web.shop.svc.clusterset.local.", found(ZoneOf::ClusterSet, zone)),
        ("10.0.96.10.in-addr.arpa.", found(ZoneOf::Addresses(Family::V4), zone)),
        ("1.0.0.10.in-addr.arpa.", denied(ZoneOf::Addresses(Family::V4), zone)),
        // Zones of addresses that are not ours.
        ("1.100.51.198.in-addr.arpa.", denied(ZoneOf::Root, forwarder)),
        ("1.ip6.arpa.", denied(ZoneOf::Root, forwarder)),
        ("www.example.com.", found(ZoneOf::Root, forwarder)),
        (".", denied(ZoneOf::Root, forwarder)),
    ] {
        assert_eq!(summary(name), expected, "{name}");
    }
}

#[test]
fn an_answer_at_the_end_of_a_walk_is_counted_as_one() {
    let (rcode, rtype) = (Rcode::NOERROR, wire::RecordType::A);
    let (zone, by) = (ZoneOf::Cluster, AnsweredBy::Forwarder);
    let walked = Summary { rcode, rtype, by, zone, is_walked: true };
    assert_eq!(summary("www.example.com.shop.svc.cluster.local."), walked);
    // Nothing is at its end.
    let by = AnsweredBy::Zone;
    let denied = Summary { rcode: Rcode::NXDOMAIN, by, is_walked: false, ..walked };
    assert_eq!(summary("none.example.com.shop.svc.cluster.local."), denied);
}
