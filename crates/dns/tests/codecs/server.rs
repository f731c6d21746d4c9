//! Who answers?

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dns::cache::{self, Cache, Failure, Question, Ttls};
use dns::config::{
    AnswerChange, Change, Fallthrough, HostTable, Hosts, NameMatch, Origin, Rewrite,
};
use dns::forward::{Outcome, RuleId};
use dns::received::Received;
use dns::respond::{Block, Blocks, Client, Responder, Response, Rewrites, Route, Search, Summary};
use dns::wire::{Name, ReplySize};
use dns::zone::{Settings, Transfer, Zone};
use ingest::Objects;
use ingest::manifest::{Manifest, parse};
use model::{NodeName, ServiceTable};

const CLUSTER: &str = include_str!("cluster.yaml");

/// More than these, one message must not lead to.
const QUESTIONS_MAX: usize = 24;

/// The DNS of a cluster, which asks one upstream for what is not its own.
pub(crate) struct Server {
    pub(crate) responder: Responder,
    cache: Cache,
    start: Instant,
}

/// What becomes of a message in the end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Silent,
    Reply(Vec<u8>, Summary),
    Transfer(Vec<Vec<u8>>),
}

/// A pod of the node, whose search list is walked.
pub(crate) fn pod(size: ReplySize) -> Client {
    Client { address: IpAddr::from(Ipv4Addr::new(10, 1, 0, 7)), size }
}

/// Somebody who may have the whole zone.
pub(crate) fn secondary(size: ReplySize) -> Client {
    Client { address: IpAddr::from(Ipv4Addr::new(10, 1, 0, 200)), size }
}

impl Server {
    /// For the objects of some manifests.
    pub(crate) fn new(manifests: &str) -> Self {
        let table = table(manifests);
        let mut settings = Settings::new(name("cluster.local"));
        settings.clusterset = Some(name("clusterset.local"));
        settings.transfer = Transfer { to: vec!["10.1.0.200/32".parse().expect("a network")] };
        settings.reverse = vec![name("10.in-addr.arpa")];
        let zone = Zone::empty(Arc::new(settings));
        let mut zone = zone.advance(&ServiceTable::default(), &table, 7);
        zone.set_synced();
        let block = |zone: &str, rewrites: &[Rewrite]| Block {
            zone: name(zone),
            routes: vec![Route { zone: Name::root(), except: Vec::new(), rule: RuleId(0) }],
            hosts: Some(Arc::new(hosts())),
            rewrites: Rewrites::new(rewrites),
            is_minimal: false,
        };
        let search = Search::new(vec![name("corp.example")]);
        let search = search.advance(&ServiceTable::default(), &table, &NodeName::new("a"));
        let blocks =
            Arc::new(Blocks::new(vec![block(".", &[]), block("old.example", &rewrites())]));
        let cache = Cache::new(cache::Settings::default(), 1);
        Self { responder: Responder { zone, blocks, search }, cache, start: now() }
    }

    /// For the cluster that most tests ask.
    pub(crate) fn of_cluster() -> Self {
        Self::new(CLUSTER)
    }

    /// The same with another cache, or a later time.
    pub(crate) fn with_cache(&self, cache: Cache, passed: Duration) -> Self {
        Self { responder: self.responder.clone(), cache, start: self.start + passed }
    }

    /// What its cache would be after it had asked the upstream these.
    pub(crate) fn cache_of(&self, said: &[(Question, Vec<u8>)]) -> Cache {
        let mut cache = Cache::new(cache::Settings::default(), 1);
        for (question, bytes) in said {
            if let Ok(received) = Received::parse(bytes) {
                let reply = Arc::new(cache::Reply::new(&received));
                let _kept = cache.insert(question, &received, &reply, self.start);
            }
        }
        cache
    }

    /// Answers a message; `upstream` says what is said to each question, or nothing.
    pub(crate) fn answer(
        &self,
        message: &[u8],
        client: Client,
        upstream: &mut dyn FnMut(&Question) -> Option<Vec<u8>>,
    ) -> Answer {
        let mut buffer = vec![0; 65_535];
        let (view, time) = (self.cache.view(), (self.start, 7));
        let mut response = self.responder.respond(message, client, &view, time, &mut buffer);
        for _ in 0..=QUESTIONS_MAX {
            match response {
                Response::Silent => return Answer::Silent,
                Response::Reply(len, summary) | Response::ReplyAndRefresh(len, summary, _) => {
                    return Answer::Reply(buffer[..len].to_vec(), summary);
                }
                Response::Transfer(messages, _) => return Answer::Transfer(messages),
                Response::Ask(pending) => {
                    let outcome = outcome(upstream(&pending.ask().question));
                    response = self.responder.resume(pending, outcome, &view, time, &mut buffer);
                }
            }
        }
        panic!("one message led to more than {QUESTIONS_MAX} questions");
    }
}

fn outcome(said: Option<Vec<u8>>) -> Outcome {
    let received = said.as_deref().map(Received::parse);
    match received {
        Some(Ok(received)) => Outcome::Reply {
            reply: Arc::new(cache::Reply::new(&received)),
            ttls: Ttls::NEW,
            is_stale: received.header().id.is_multiple_of(2),
        },
        Some(Err(_)) | None => {
            Outcome::Failure(Failure { rcode: 2, extended: 23, text: "no answer".into() })
        }
    }
}

/// What is asked in place of a name below `old.example`.
fn rewrites() -> [Rewrite; 4] {
    let changes = [
        Change::Name {
            from: NameMatch::Suffix("www.old.example".into()),
            to: "www.example.com".into(),
            answers: vec![AnswerChange::Auto],
        },
        Change::Name {
            from: NameMatch::Suffix("old.example".into()),
            to: "shop.svc.cluster.local".into(),
            answers: vec![AnswerChange::Name {
                pattern: r"(.*)\.shop\.svc\.cluster\.local\.".into(),
                to: "{1}.old.example".into(),
            }],
        },
        Change::Type { from: 28, to: 1 },
        Change::Ttl { from: NameMatch::Suffix("".into()), min: 5, max: 10 },
    ];
    changes.map(|change| Rewrite { change, continues: true, origin: Origin::new("rewrite") })
}

fn hosts() -> Hosts {
    let entries = "192.0.2.1 printer.example\nfd00::1 printer.example";
    Hosts {
        zones: Vec::new(),
        table: HostTable::read("hosts", entries).0,
        file: None,
        ttl: 60,
        has_reverse: true,
        fallthrough: Fallthrough::Always,
        origin: Origin::new("hosts"),
    }
}

fn name(text: &str) -> Name {
    Name::from_text(text).expect("a name")
}

fn table(text: &str) -> ServiceTable {
    let mut objects = Objects::new();
    let (manifests, rejections) = parse("cluster.yaml", text);
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
