//! Is what is told of a name just what the cluster DNS writes? Somebody else's codec reads it.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use dns::cache::{self, Cache};
use dns::forward::RuleId;
use dns::respond::{Block, Blocks, Client, Responder, Response, Route};
use dns::wire::{Class, Name, RecordType, Reply, ReplySize};
use dns::zone::{Outcome, Zone};
use hickory_proto::op::Message;
use hickory_proto::rr::RData;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use testkit::{Cluster, Scenario, Tables, generate};

use super::asked::{Asked, ask_with, shipped};
use super::dns_settings::{CLUSTER, dns, settings, words};
use crate::{ClusterDns, DnsQuestion, Question};

const CLUSTERS: usize = 60;

/// Names of all kinds, for the Services that drawn clusters have.
const NAMES: [&str; 16] = [
    "s0.shop.svc.cluster.local.",
    "S1.Shop.svc.cluster.local.",
    "s2.shop",
    "s3",
    "s4",
    "s9",
    "s0.bank.svc.cluster.local.",
    "_p0._tcp.s0.shop.svc.cluster.local.",
    "10-1-0-1.s1",
    "fd01--1.s2.shop.svc.cluster.local.",
    "10-1-0-1.shop.pod.cluster.local.",
    "shop.svc.cluster.local.",
    "svc",
    "dns-version.cluster.local.",
    "cluster.local",
    "a.b.c.s0.shop.svc.cluster.local.",
];

/// What a client is told: the rcode, names and addresses; `None` where others are asked.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    rcode: Option<String>,
    ttl_s: Option<u32>,
    aliases: Vec<String>,
    addresses: BTreeSet<IpAddr>,
    n_others: usize,
}

fn told(asked: &DnsQuestion) -> Told {
    Told {
        rcode: asked.rcode.clone(),
        ttl_s: asked.ttl_seconds,
        aliases: asked.aliases.clone(),
        addresses: asked.addresses.iter().copied().collect(),
        n_others: asked.records.len(),
    }
}

/// A question as octets, and as a message.
fn message(asked: &DnsQuestion) -> (Vec<u8>, Vec<u8>) {
    let mut question = Name::from_text(&asked.name).unwrap().as_wire().to_vec();
    question.extend_from_slice(&RecordType::from_text(&asked.rtype).unwrap().0.to_be_bytes());
    question.extend_from_slice(&Class::IN.0.to_be_bytes());
    let mut message = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    message.extend_from_slice(&question);
    (question, message)
}

fn served(zone: &Zone, asked: &DnsQuestion) -> Told {
    let (question, message) = message(asked);
    let query = dns::wire::read(&message).expect("a question");
    let mut buffer = vec![0; 65_535];
    let mut reply = Reply::to_query(&mut buffer, &query, &question, ReplySize::Stream);
    let outcome = zone.answer(&query, &mut reply, 3);
    let len = reply.finish(None);
    Told {
        rcode: read(&buffer[..len]).rcode.filter(|_| matches!(outcome, Outcome::Answered(_))),
        ..read(&buffer[..len])
    }
}

/// As somebody else reads it.
fn read(message: &[u8]) -> Told {
    let message = Message::from_vec(message).expect("somebody else reads it");
    let mut told = Told {
        rcode: Some(rcode(message.metadata.response_code)),
        ttl_s: message.answers.iter().map(|record| record.ttl).min(),
        aliases: Vec::new(),
        addresses: BTreeSet::new(),
        n_others: 0,
    };
    for record in &message.answers {
        if let RData::CNAME(target) = &record.data {
            told.aliases.push(target.0.to_string().trim_end_matches('.').to_owned());
        } else if let Some(address) = record.data.ip_addr() {
            told.addresses.insert(address);
        } else {
            told.n_others += 1;
        }
    }
    if told.addresses.is_empty() && told.n_others == 0 {
        let denied = message.authorities.iter().find_map(|record| {
            let RData::SOA(data) = &record.data else { return None };
            Some(record.ttl.min(data.minimum))
        });
        told.ttl_s = told.ttl_s.into_iter().chain(denied).min();
    }
    told
}

fn rcode(code: hickory_proto::op::ResponseCode) -> String {
    dns::wire::Rcode(u16::from(code)).to_string()
}

fn clusters(mut each: impl FnMut(&Cluster)) {
    let mut runner = TestRunner::new(generate::config(1));
    let mut n = 0;
    while n < CLUSTERS {
        let tree = generate::scenario().new_tree(&mut runner).expect("a scenario can be drawn");
        let Scenario { steps, .. } = tree.current();
        for step in steps {
            each(&step.cluster);
            n += 1;
        }
    }
}

#[test]
fn what_is_told_of_a_name_is_what_the_cluster_dns_writes() {
    let mut tables = Tables::new(vec![model::NodeName::new("a")]);
    let mut n_compared = 0;
    clusters(|cluster| {
        tables.follow(cluster, &mut |_, _| {});
        let table = tables.node(&model::NodeName::new("a")).expect("a node");
        let dns = shipped(table);
        for name in NAMES {
            for namespace in [None, Some("shop"), Some("bank")] {
                let question =
                    Question { namespace: namespace.map(str::to_owned), ..Question::of(name) };
                let trace = ask_with(cluster, table, &dns, &question).expect("an answer");
                for asked in &trace.dns_questions {
                    assert_eq!(told(asked), served(&dns.zone, asked), "{asked:?}");
                    n_compared += 1;
                }
            }
        }
    });
    assert!(n_compared > 5_000, "only {n_compared}");
}

/// Everything outside is for one upstream to say.
fn responder(dns: &ClusterDns) -> Responder {
    let zone = Name::from_text(".").unwrap();
    let route = Route { zone, except: Vec::new(), rule: RuleId(0) };
    let block = Block { routes: vec![route], ..Block::everything() };
    Responder {
        zone: dns.zone.clone(),
        blocks: Arc::new(Blocks::new(vec![block])),
        search: dns.search.clone(),
    }
}

/// What a client gets; `None` where an upstream must be asked first.
fn responded(responder: &Responder, client: IpAddr, asked: &DnsQuestion) -> Option<Told> {
    let (_, message) = message(asked);
    let cache = Cache::new(cache::Settings::default(), 1).view();
    let client = Client { address: client, size: ReplySize::Stream };
    let mut buffer = vec![0; 65_535];
    let now = host::clock::monotonic();
    let response = responder.respond(&message, client, &cache, (now, 3), &mut buffer);
    if let Response::Reply(len, _) = response {
        return Some(read(&buffer[..len]));
    }
    assert!(matches!(response, Response::Ask(_)), "{response:?}");
    None
}

#[test]
fn what_is_told_to_a_pod_of_the_node_is_what_it_gets() {
    let asked = Asked::new(CLUSTER);
    let dns = dns(&asked, settings());
    let responder = responder(&dns);
    let mut n_walked = 0;
    for (from, address) in [("pod/shop/client", "10.1.0.9"), ("pod/shop/far", "10.2.0.9")] {
        for name in NAMES.into_iter().chain(["web", "ledger.bank", "wob", "a.b.c.d.e.f", "kube"]) {
            let trace = words(&asked, &dns, &format!("--from {from} {name}"));
            let client = address.parse().unwrap();
            for question in &trace.dns_questions {
                let got = responded(&responder, client, question);
                let told = told(question);
                let rcode = told.rcode.clone();
                assert_eq!(got, rcode.map(|_| told), "{name}: {question:?}");
            }
            n_walked += usize::from(trace.dns_questions.len() == 2);
        }
    }
    assert!(n_walked > 10, "only {n_walked}");
}
