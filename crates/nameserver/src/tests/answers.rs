//! Is a question answered at once when the forwarder takes no more, and is everything counted?

use std::net::Ipv4Addr;
use std::sync::atomic::AtomicU16;

use dns::forward::Upstream;
use dns::respond::{AnsweredBy, Client};
use dns::wire::{Rcode, ReplySize};
use dns::zone::ZoneOf;
use hickory_proto::op::{Edns, ResponseCode};
use hickory_proto::rr::RecordType;
use tokio::sync::mpsc;

use super::*;
use crate::answer::{Answer, Answerer, Generation, Policy, Shared, Way};
use crate::failures::FailureLog;
use crate::forwarder::ForwarderThread;
use crate::published::Published;
use crate::stats::{Buckets, Counters, Stats, Transport};

#[test]
fn when_too_many_questions_are_on_their_way_one_more_fails_at_once() {
    let (routes, settings) =
        everywhere_to(vec![Upstream { address: "127.0.0.1:9".parse().unwrap(), tls: None }]);
    let policy = Policy { responder: responder(SERVICES, routes), generation: Generation(0) };
    let shared = Arc::new(Shared {
        policy: Published::new(policy),
        cache: Published::new(ForwarderThread::first(settings, [0; 32]).view()),
        failures: FailureLog::new(),
        datagram_size: AtomicU16::new(1_232),
    });
    let counters = Arc::new(Counters::default());
    let (requests, _to_forward) = mpsc::channel(1);
    let mut answerer = Answerer::new(shared, Arc::clone(&counters), requests, [0; 32]);
    let client = Client { address: Ipv4Addr::LOCALHOST.into(), size: ReplySize::Stream };
    let (answers, _taken) = mpsc::channel(1);
    let mut buffer = vec![0; usize::from(u16::MAX)];
    let mut ask = |id| {
        let message = question(id, "www.example.com.", RecordType::A);
        let way = || Way::Stream(answers.clone());
        match answerer.answer(&message, client, host::clock::monotonic(), way, &mut buffer) {
            Answer::Reply(len, _) => Some(said(&buffer[..len])),
            Answer::Silent | Answer::Later | Answer::Transfer(_) => None,
        }
    };
    assert_eq!([ask(1), ask(2)], [None, Some(fails(2, ResponseCode::ServFail))]);
    let stats = Stats::sum([&*counters].into_iter());
    let failed = ((ZoneOf::Root, Some(Rcode::SERVFAIL), AnsweredBy::Forwarder), 1);
    assert_eq!((stats.drops.asks_full, stats.responses), (1, [failed].into()));
}

#[test]
fn answers_are_counted_by_their_zone_end_and_size() {
    let server = serve(&["127.0.0.1:0"]);
    let address = server.addresses()[0];
    let mut wants_signatures = Message::from_vec(&question(1, WEB, RecordType::A)).unwrap();
    let mut edns = Edns::new();
    edns.set_dnssec_ok(true).set_max_payload(1_232);
    wants_signatures.set_edns(edns);
    ask_by_udp(address, &wants_signatures.to_vec().unwrap());
    ask_by_udp(address, &question(2, "no.shop.svc.cluster.local.", RecordType::A));
    ask_by_udp(address, &question(3, "www.example.com.", RecordType::A));
    ask_by_tcp(address, &question(4, WEB, RecordType::A));
    let count = |buckets: &Buckets| buckets.counts.iter().sum::<u64>();
    until("all were counted", || server.stats().durations.values().map(count).sum::<u64>() == 4);
    let stats = server.stats();
    let by_zone = |rcode| (ZoneOf::Cluster, Some(rcode), AnsweredBy::Zone);
    let responses = [
        (by_zone(Rcode::NOERROR), 2),
        (by_zone(Rcode::NXDOMAIN), 1),
        ((ZoneOf::Root, Some(Rcode::REFUSED), AnsweredBy::Forwarder), 1),
    ];
    assert_eq!(stats.responses, responses.into());
    assert_eq!(stats.dnssec_requests, [(ZoneOf::Cluster, 1)].into());
    let seen = |(key, count)| (count > 0).then_some((key, count));
    let durations = stats.durations.iter().map(|(zone, it)| (*zone, count(it))).filter_map(seen);
    assert_eq!(durations.collect::<Vec<_>>(), [(ZoneOf::Cluster, 3), (ZoneOf::Root, 1)]);
    for sizes in [stats.request_sizes, stats.response_sizes] {
        let counts = sizes.iter().map(|(key, it)| (*key, count(it)));
        let counts: Vec<_> = counts.filter(|(_, count)| *count > 0).collect();
        let expected = [
            ((ZoneOf::Cluster, Transport::Udp), 2),
            ((ZoneOf::Cluster, Transport::Tcp), 1),
            ((ZoneOf::Root, Transport::Udp), 1),
        ];
        assert_eq!(counts, expected);
    }
}
