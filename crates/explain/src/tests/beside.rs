//! What is told where a DNS serves, with static entries, rules and a cache beside its zone?

use std::sync::Arc;
use std::time::Instant;

use dns::cache::{self, Cache};
use dns::config::{Change, Fallthrough, HostTable, Hosts, NameMatch, Origin as Written, Rewrite};
use dns::forward::{Group, RuleId, Upstream};
use dns::received::Received;
use dns::respond::{Block, Blocks, Responder, Rewrites, Route, Search};
use dns::wire::{Name, RecordType};

use super::asked::Asked;
use super::dns_settings::{CLUSTER, dns, settings, words};
use crate::{Certainty, ClusterDns, NoAnswer, Outcome, Trace};

/// An upstream's answer to A of `www.example.com`, for 60 s.
const ANSWER: &[u8] = b"\0\0\x81\x80\0\x01\0\x01\0\0\0\0\x03www\x07example\x03com\0\0\x01\0\x01\
    \xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x07";

fn written() -> Written {
    Written { source: "Corefile".into(), line: Some(1) }
}

fn hosts() -> Hosts {
    let (table, notices) = HostTable::read("hosts", "192.0.2.9 printer.example\n");
    assert_eq!(notices, []);
    Hosts {
        zones: vec!["example".into()],
        table,
        file: None,
        ttl: 300,
        has_reverse: true,
        fallthrough: Fallthrough::Never,
        origin: written(),
    }
}

fn cached(now: Instant) -> Cache {
    let mut cache = Cache::new(cache::Settings::default(), 1);
    let name = Name::from_text("www.example.com").unwrap();
    let question = cache::Question::new(name.as_wire(), RecordType::A.0);
    let received = Received::parse(ANSWER).unwrap();
    let reply = Arc::new(cache::Reply::new(&received));
    cache.insert(&question, &received, &reply, now).unwrap();
    cache
}

fn asked(target: &str) -> Trace {
    let now = host::clock::monotonic();
    let zone = Name::from_text(".").unwrap();
    let change = Change::Name {
        from: NameMatch::Exact("shop.example.net".into()),
        to: "web.shop.svc.cluster.local".into(),
        answers: Vec::new(),
    };
    let block = Block {
        routes: vec![Route { zone, except: Vec::new(), rule: RuleId(0) }],
        hosts: Some(Arc::new(hosts())),
        rewrites: Rewrites::new(&[Rewrite { change, continues: false, origin: written() }]),
        ..Block::everything()
    };
    let asked = Asked::new(CLUSTER);
    let zone = dns(&asked, settings()).zone;
    let blocks = Arc::new(Blocks::new(vec![block]));
    let responder = Responder { zone, blocks, search: Search::default() };
    let addresses = ["10.0.0.53:53", "[fd00::53]:53"];
    let upstream = |address: &str| Upstream { address: address.parse().unwrap(), tls: None };
    let groups = [Group::new(b"\0", addresses.map(upstream).to_vec())];
    let cache = cached(now).view();
    let dns = ClusterDns::serving(&responder, (cache, now), &groups, Vec::new(), Vec::new());
    words(&asked, &dns, target)
}

/// How sure, what it says, and how it ends.
fn told(trace: &Trace) -> (Certainty, &str, Outcome) {
    let mut hops = trace.hops.iter().filter(|hop| hop.stage == crate::Stage::Name);
    let hop = hops.next_back().expect("a hop about the name");
    (hop.certainty, &hop.says, trace.verdict.outcome)
}

#[test]
fn what_an_upstream_said_is_known_while_the_cache_keeps_it() {
    let says = "www.example.com is known from an upstream, and kept in the cache: A 192.0.2.7, \
                AAAA not known, for 60 s; node/a gets this answer only if it asks the cluster DNS";
    let trace = asked("http://www.example.com.");
    assert_eq!(told(&trace), (Certainty::Observed, says, Outcome::NotService));
    assert_eq!(trace.dns_questions[1].reason, Some(NoAnswer::Upstream));
    let other = asked("http://mail.example.com.");
    let says = "mail.example.com is not in cluster.local: the cluster DNS asks 10.0.0.53:53 or \
                [fd00::53]:53, whose answers are not known here";
    assert_eq!(told(&other), (Certainty::Expected, says, Outcome::Unknown));
}

#[test]
fn static_entries_are_told() {
    let says = "printer.example is a static entry of the DNS: A 192.0.2.9, no AAAA, for 300 s; \
                node/a gets this answer only if it asks the cluster DNS";
    let trace = asked("printer.example.");
    assert_eq!(told(&trace), (Certainty::Expected, says, Outcome::Resolved));
    let says = "scanner.example does not exist (NXDOMAIN): static entries of the DNS say so";
    let trace = asked("scanner.example.");
    assert_eq!(told(&trace), (Certainty::Expected, says, Outcome::NoSuchName));
    assert_eq!(trace.dns_questions[0].reason, Some(NoAnswer::StaticEntries));
}

#[test]
fn a_question_that_is_put_in_the_place_of_another_is_told() {
    let says = "shop.example.net is answered by a rule that puts another question in its place: A \
                10.96.0.10, no AAAA, for 30 s; node/a gets this answer only if it asks the cluster \
                DNS";
    let trace = asked("http://shop.example.net.");
    assert_eq!(told(&trace), (Certainty::Expected, says, Outcome::Forward));
}
