//! Does any message of a client, or of an upstream that is asked for it, get an answer that two other
//! codecs cannot read?
//!
//! The first octet says how the client came and asks; the rest is its message. What stands behind two
//! octets 0xff is what the upstream says, to each question with that question's own.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use dns::cache::{self, Cache, Failure, Ttls};
use dns::config::{Fallthrough, HostTable, Hosts, Origin};
use dns::forward::{Outcome, RuleId};
use dns::received::Received;
use dns::respond::{Block, Blocks, Client, Responder, Response, Rewrites, Route, Search};
use dns::wire::{self, Name, ReplySize};
use dns::zone::{Settings, Transfer, Zone};
use domain::base::Message as OtherMessage;
use hickory_proto::op::Message;
use ingest::Objects;
use ingest::manifest::{Manifest, parse};
use libfuzzer_sys::fuzz_target;
use model::{NodeName, ServiceTable};

const CLUSTER: &str = include_str!("../seeds/dns_respond.yaml");

/// More than the questions that one message may lead to.
const ROUNDS_MAX: usize = 40;

fuzz_target!(|input: &[u8]| {
    let Some((&how, rest)) = input.split_first() else { return };
    let (message, upstream) = match rest.windows(2).position(|pair| pair == [0xff, 0xff]) {
        Some(at) => (&rest[..at], &rest[at + 2..]),
        None => (rest, &[][..]),
    };
    let size = match how & 1 {
        0 => ReplySize::Datagram(1_232),
        _ => ReplySize::Stream,
    };
    // A pod of the node, whose search list is walked, or somebody else.
    let last = if how & 2 == 0 { 7 } else { 200 };
    let client = Client { address: IpAddr::from(Ipv4Addr::new(10, 1, 0, last)), size };
    let (responder, cache) = setup();
    let mut buffer = vec![0; 65_535];
    let time = (now(), u64::from(how));
    let view = cache.view();
    // What an upstream says is given on, and hickory-proto refuses data of a record that is no such data.
    let mut is_strict = true;
    let mut response = responder.respond(message, client, &view, time, &mut buffer);
    for _ in 0..ROUNDS_MAX {
        match response {
            Response::Silent => return,
            Response::Reply(len, _) | Response::ReplyAndRefresh(len, _, _) => {
                return judge(message, size, &buffer[..len], is_strict);
            }
            Response::Transfer(messages, _) => {
                return messages.iter().for_each(|one| judge(message, size, one, true));
            }
            Response::Ask(pending) => {
                let (outcome, is_readable) = outcome(upstream, pending.ask().question.name());
                is_strict &= is_readable;
                response = responder.resume(pending, outcome, &view, time, &mut buffer);
            }
        }
    }
    panic!("one message led to more than {ROUNDS_MAX} questions");
});

/// What an upstream says, if it can be read, or that it failed; and whether hickory-proto reads it too.
fn outcome(upstream: &[u8], asked: &[u8]) -> (Outcome, bool) {
    let mut bytes = upstream.to_vec();
    // Most draws would ask for something else: the name that was asked stands in its place.
    if upstream.first().is_some_and(|first| first & 1 == 0) && upstream.len() > 12 {
        bytes.splice(12..12, asked.iter().copied());
        bytes[4..6].copy_from_slice(&[0, 1]);
    }
    let Ok(received) = Received::parse(&bytes) else {
        let failure = Failure { rcode: 2, extended: 23, text: "no answer".into() };
        return (Outcome::Failure(failure), true);
    };
    let outcome = Outcome::Reply {
        reply: Arc::new(cache::Reply::new(&received)),
        ttls: Ttls::NEW,
        is_stale: upstream.len().is_multiple_of(2),
    };
    // An update may have records without data, and is nobody's answer.
    (outcome, received.header().opcode() == 0 && Message::from_vec(&bytes).is_ok())
}

fn judge(message: &[u8], size: ReplySize, reply: &[u8], is_strict: bool) {
    assert_eq!(reply[..2], message[..2], "the ID");
    assert_ne!(reply[2] & 0x80, 0, "an answer");
    let read = wire::read(message);
    let most = match (size, &read) {
        (ReplySize::Stream, _) => 65_535,
        (ReplySize::Datagram(_), Ok(query)) => {
            query.edns.map_or(512, |edns| usize::from(edns.udp_size)).min(1_232)
        }
        (ReplySize::Datagram(_), Err(_)) => 512,
    };
    assert!(reply.len() <= most, "{} octets, at most {most}", reply.len());
    if is_strict {
        let one = Message::from_vec(reply);
        let one =
            one.unwrap_or_else(|error| panic!("hickory-proto does not read {reply:?}: {error}"));
        assert!(one.queries.len() <= 1);
    }
    let other = OtherMessage::from_octets(reply).expect("domain reads its header");
    let mut records = 0;
    for section in [other.answer(), other.authority(), other.additional()] {
        for record in section.expect("domain finds the section") {
            record.expect("domain reads the record");
            records += 1;
        }
    }
    let counts = other.header_counts();
    let counted = counts.ancount() + counts.nscount() + counts.arcount();
    assert_eq!(records, usize::from(counted), "records");
    let Ok(query) = read else { return };
    let question = query.question(message);
    assert_eq!(reply.get(12..12 + question.len()), Some(question), "the question");
    assert_eq!(other.opt().is_some(), query.edns.is_some(), "OPT for OPT");
}

fn setup() -> &'static (Responder, Cache) {
    static SETUP: OnceLock<(Responder, Cache)> = OnceLock::new();
    SETUP.get_or_init(|| {
        let table = table();
        let node = NodeName::new("a");
        let mut settings = Settings::new(name("cluster.local"));
        settings.clusterset = Some(name("clusterset.local"));
        settings.transfer = Transfer { to: vec!["10.1.0.200/32".parse().expect("a network")] };
        settings.reverse = vec![name("10.in-addr.arpa")];
        let zone = Zone::empty(Arc::new(settings));
        let mut zone = zone.advance(&ServiceTable::default(), &table, 7);
        zone.set_synced();
        let (hosts, _) =
            HostTable::read("hosts", "192.0.2.1 printer.example\nfd00::1 printer.example");
        let hosts = Hosts {
            zones: Vec::new(),
            table: hosts,
            file: None,
            ttl: 60,
            has_reverse: true,
            fallthrough: Fallthrough::Always,
            origin: Origin::new("fuzz"),
        };
        let block = Block {
            zone: Name::root(),
            routes: vec![Route { zone: Name::root(), except: Vec::new(), rule: RuleId(0) }],
            hosts: Some(Arc::new(hosts)),
            rewrites: Rewrites::default(),
        };
        let search = Search::new(vec![name("corp.example")]);
        let search = search.advance(&ServiceTable::default(), &table, &node);
        let blocks = Arc::new(Blocks::new(vec![block]));
        let cache = Cache::new(cache::Settings::default(), 1);
        (Responder { zone, blocks, search }, cache)
    })
}

fn name(text: &str) -> Name {
    Name::from_text(text).expect("a name")
}

fn table() -> ServiceTable {
    let mut objects = Objects::new();
    let (manifests, rejections) = parse("cluster.yaml", CLUSTER);
    assert_eq!(rejections, [], "the cluster is whole");
    for manifest in manifests {
        if let Manifest::Object(object) = manifest {
            objects.apply(object);
        }
    }
    objects.table()
}

#[expect(clippy::disallowed_methods, reason = "an Instant can be had from the clock only")]
fn now() -> Instant {
    Instant::now()
}
