//! Do two other codecs read what we read, and what we write?
//!
//! The fuzz targets `dns_query` and `dns_respond` ask the same of octets that they find.
#![cfg(test)]

mod answered;
mod asked;
mod bounds;
mod counted;
mod drawn;
mod exchange;
mod minimal;
mod rewrites;
mod said;
mod server;
mod upstreams;

use std::sync::LazyLock;

use hickory_proto::op::{Edns, Message, Query};
use hickory_proto::rr::{Name, RecordType};
use hickory_proto::serialize::binary::{BinEncodable as _, BinEncoder};
use proptest::collection::vec;
use proptest::prelude::*;

use drawn::Draw;
use server::Server;

/// Made once: a test that draws asks it thousands of times.
static SERVER: LazyLock<Server> = LazyLock::new(Server::of_cluster);

/// A question as hickory-proto writes it; with an OPT record where the size of datagrams is given.
fn query(name: &str, rtype: RecordType, size: Option<u16>) -> Vec<u8> {
    let mut message = Message::query();
    message.metadata.id = 0x1234;
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), rtype));
    message.edns = size.map(|size| {
        let mut edns = Edns::new();
        edns.set_max_payload(size);
        edns
    });
    let mut bytes = Vec::new();
    message.emit(&mut BinEncoder::new(&mut bytes)).unwrap();
    bytes
}

fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases.max(4_000), ..default }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn questions_are_read_as_two_other_codecs_read_them(octets in vec(any::<u8>(), 0..160)) {
        asked::check(&drawn::query(&mut Draw(&octets)));
    }

    #[test]
    fn questions_with_octets_changed_are_read_as_two_other_codecs_read_them(
        octets in vec(any::<u8>(), 0..160),
        changes in vec((any::<u16>(), any::<u8>()), 1..4),
        end in any::<u8>(),
    ) {
        let mut message = drawn::query(&mut Draw(&octets));
        for (at, octet) in changes {
            let at = usize::from(at) % message.len();
            message[at] = octet;
        }
        // Every fourth one ends too early.
        let missing = if end % 4 == 0 { usize::from(end) % message.len() } else { 0 };
        message.truncate(message.len() - missing);
        asked::check(&message);
    }

    #[test]
    fn any_octets_are_read_as_two_other_codecs_read_them(octets in vec(any::<u8>(), 0..80)) {
        asked::check(&octets);
    }

    #[test]
    fn replies_to_drawn_messages_are_read_by_two_other_codecs(
        how in any::<u8>(),
        octets in vec(any::<u8>(), 0..400),
    ) {
        let input = [&[how | 4], &*octets].concat();
        exchange::check(&SERVER, &input);
    }

    #[test]
    fn replies_to_any_octets_are_read_by_two_other_codecs(octets in vec(any::<u8>(), 0..80)) {
        exchange::check(&SERVER, &octets);
    }
}
