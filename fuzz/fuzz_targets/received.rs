//! Does anything that an upstream may send break reading it, keeping it, or giving it on?
#![no_main]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use dns::cache::{Cache, Question, Reply, Settings as CacheSettings, Ttls};
use dns::forward::{
    Action, Event, Forwarder, Group, RuleId, Settings, Ticket, Transport, Upstream,
};
use dns::received::{Received, number};
use dns::wire::NAME_LEN_MAX;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    answer_a_forwarder(bytes);
    let Ok(received) = Received::parse(bytes) else { return };
    let mut name = [0; NAME_LEN_MAX];
    let mut records = 0_usize;
    for record in received.records() {
        let length = record.owner.expand(&mut name).expect("a name that was read expands");
        assert!(record.owner.is(&name[..length]));
        assert!(record.rdata_bytes().len() == record.rdata.len());
        record.name_in_rdata(0);
        records += 1;
    }
    let header = received.header();
    let counts = [header.answers, header.authorities, header.additionals];
    assert_eq!(records, counts.into_iter().map(usize::from).sum::<usize>());

    // What is given on can be read again, and has all up to OPT.
    let reply = Arc::new(Reply::new(&received));
    let again = Received::parse(reply.bytes()).expect("what is given on is a message");
    let kept = received.records().take_while(|record| record.rtype != number::OPT);
    let kept: Vec<_> = kept.map(|record| (record.rtype, record.rdata_bytes().to_vec())).collect();
    let given = again.records().map(|record| (record.rtype, record.rdata_bytes().to_vec()));
    assert_eq!(given.collect::<Vec<_>>(), kept);
    let mut out = Vec::new();
    reply.append_to(&mut out, Ttls::Flat(30));
    // A name may point into a TTL, so with others it need not be a message any more.
    if let Ok(aged) = Received::parse(&out) {
        assert!(aged.records().all(|record| record.ttl == 30));
    }

    let Some(asked) = received.question() else { return };
    let length = asked.name.expand(&mut name).expect("a name that was read expands");
    let mut question = Question::new(&name[..length], asked.rtype);
    question.class = asked.class;
    let now = now();
    let mut cache = Cache::new(CacheSettings::default(), 1);
    if cache.insert(&question, &received, &reply, now).is_ok() {
        assert!(cache.lookup(&question, now).is_some());
        assert_eq!(cache.purge(&name[..length]), 1);
    }
});

/// As the answer to just what it asks, when it asks something.
fn answer_a_forwarder(bytes: &[u8]) {
    let address = SocketAddr::from(([192, 0, 2, 1], 53));
    let group = Group::new(&[0], vec![Upstream { address, tls: None }]);
    let settings = Settings { groups: vec![group], ..Settings::default() };
    let now = now();
    let mut forwarder = Forwarder::new(settings, [7; 32], now);
    let mut actions = Vec::new();
    let mut name = [0; NAME_LEN_MAX];
    let asked = Received::parse(bytes).ok().and_then(|received| received.question());
    let length = asked.and_then(|asked| asked.name.expand(&mut name)).unwrap_or(1);
    let question = Question::new(&name[..length], asked.map_or(1, |asked| asked.rtype));
    let (ticket, rule, transport) = (Ticket(1), RuleId(0), Transport::Udp);
    let ask = Event::Ask { ticket, rule, question, transport, stale_ok: true };
    forwarder.handle(ask, now, &mut actions);
    let mut response = bytes.to_vec();
    for action in actions.split_off(0) {
        if let Action::SendDatagram { socket, bytes: query, .. } = action {
            if let (Some(id), Some(sent)) = (response.get_mut(..2), query.get(..2)) {
                id.copy_from_slice(sent);
            }
            let event = Event::Datagram { socket, from: address, bytes: &response };
            forwarder.handle(event, now, &mut actions);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "an Instant can be had from the clock only")]
fn now() -> Instant {
    Instant::now()
}
