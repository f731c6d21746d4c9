//! Does the cluster DNS say what the scenarios write down?

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test, and no clock matters to it"
)]

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use dns::cache::{self, Cache, Reply as Kept, Ttls};
use dns::config::{Selector, reverse_zones};
use dns::forward::{Outcome, RuleId};
use dns::received::Received;
use dns::respond::{Ask, Block, Blocks, Client, Responder, Response, Route, Search};
use dns::wire::{Name, ReplySize};
use dns::zone::{NamespaceFilter, PodMode, Settings, Transfer, Zone};
use model::ServiceTable;
use testkit::dns::{
    DnsStep, Outside, Question, QuestionEdns, Reply, Transport, check_all, decode, encode, follow,
    outside,
};
use testkit::{Dns, PodRecords};

fn name(text: &str) -> Name {
    Name::from_text(text).unwrap().to_lowercase()
}

fn settings(dns: &Dns) -> Settings {
    let zones = |net: &ipnet::IpNet| reverse_zones(*net).into_iter().map(|zone| name(&zone));
    let labels: Vec<String> =
        dns.namespace_labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    Settings {
        clusterset: dns.clusterset.as_deref().map(name),
        reverse: dns.reverse.iter().flat_map(zones).collect(),
        falls_through: Vec::new(),
        ttl_s: dns.ttl,
        pods: match dns.pods {
            PodRecords::Disabled => PodMode::Disabled,
            PodRecords::Insecure => PodMode::Insecure,
            PodRecords::Verified => PodMode::Verified,
        },
        endpoint_pod_names: dns.endpoint_pod_names,
        ignores_empty_services: dns.ignore_empty,
        namespaces: match (dns.namespaces.as_slice(), labels.as_slice()) {
            ([], []) => NamespaceFilter::All,
            ([], labels) => NamespaceFilter::Labelled(Selector::parse(&labels.join(",")).unwrap()),
            (names, _) => {
                NamespaceFilter::Named(names.iter().map(|it| it.as_str().into()).collect())
            }
        },
        zonal: dns.zonal,
        own_addresses: dns.addresses.clone(),
        name_server: dns.name_server.clone(),
        recurses: dns.recursion,
        transfer: Transfer { to: dns.transfer.clone() },
        ..Settings::new(name(&dns.domain))
    }
}

/// Made at once, or by what changed since the step before where the settings are the same.
struct Server {
    settings: Settings,
    synced: bool,
    zone: Zone,
    search: Search,
    now: Instant,
    serial: u32,
}

impl Server {
    fn responder(&mut self, step: &DnsStep<'_>) -> Responder {
        let settings = settings(step.settings);
        self.serial += 1;
        if settings == self.settings && step.settings.is_synced == self.synced {
            self.zone = self.zone.advance(step.old, step.new, self.serial);
        } else {
            let empty = Zone::empty(Arc::new(settings.clone()));
            self.zone = empty.advance(&ServiceTable::default(), step.new, self.serial);
            self.settings = settings;
        }
        self.synced = step.settings.is_synced;
        if self.synced {
            self.zone.set_synced();
        }
        let suffixes = step.settings.host_search.iter().map(|suffix| name(suffix)).collect();
        self.search = Search::new(suffixes);
        if let (Some(node), true) = (&step.settings.node, step.settings.search) {
            self.search = self.search.advance(&ServiceTable::default(), step.new, node);
        }
        let mut block = Block::everything();
        if step.settings.recursion {
            let zone = Name::root();
            block.routes.push(Route { zone, except: Vec::new(), rule: RuleId(0) });
        }
        let blocks = Arc::new(Blocks::new(vec![block]));
        Responder { zone: self.zone.clone(), blocks, search: self.search.clone() }
    }
}

fn text_of(wire: &[u8]) -> String {
    let mut labels = Vec::new();
    let mut rest = wire;
    while let [len, tail @ ..] = rest {
        let (label, tail) = tail.split_at(usize::from(*len));
        if !label.is_empty() {
            labels.push(String::from_utf8(label.to_vec()).unwrap());
        }
        rest = tail;
    }
    if labels.is_empty() { ".".to_owned() } else { labels.join(".") }
}

fn outcome(dns: &Dns, ask: &Ask) -> Outcome {
    let asked = &ask.question;
    let mut question = Question::new(&text_of(asked.name()), &format!("TYPE{}", asked.rtype));
    question.edns =
        Some(QuestionEdns { size: 1232, version: 0, dnssec_ok: asked.dnssec_ok, cookie: None });
    let failure = |rcode: u16, extended: u16, text: &str| {
        Outcome::Failure(cache::Failure { rcode, extended, text: text.into() })
    };
    match outside(dns, &encode(&question)) {
        Outside::Reply(bytes) => {
            let received = Received::parse(&bytes).unwrap();
            match received.rcode() {
                0 | 3 => Outcome::Reply {
                    reply: Arc::new(Kept::new(&received)),
                    ttls: Ttls::NEW,
                    is_stale: false,
                },
                rcode => failure(rcode, 22, "refused"),
            }
        }
        Outside::Timeout => failure(2, 23, "timeout"),
        Outside::Unforeseen(what) => failure(2, 9999, &what),
    }
}

fn answer(responder: &Responder, dns: &Dns, question: &Question, now: Instant) -> Reply {
    let message = encode(question);
    let address: IpAddr = question.client;
    let size = match question.transport {
        Transport::Udp => ReplySize::Datagram(1232),
        Transport::Tcp => ReplySize::Stream,
    };
    let client = Client { address, size };
    let cache = Cache::new(cache::Settings::default(), 0).view();
    let mut buffer = vec![0; 65_535];
    let mut response = responder.respond(&message, client, &cache, (now, 7), &mut buffer);
    loop {
        response = match response {
            Response::Silent => return Reply::Nothing,
            Response::Reply(len, _) | Response::ReplyAndRefresh(len, ..) => {
                return decode(&buffer[..len]);
            }
            Response::Ask(pending) => {
                let outcome = outcome(dns, pending.ask());
                responder.resume(pending, outcome, &cache, (now, 7), &mut buffer)
            }
            Response::Transfer(messages, _) => {
                let mut replies = messages.iter().map(|message| decode(message));
                let Some(Reply::Message(mut whole)) = replies.next() else {
                    return Reply::Malformed("no first message".to_owned());
                };
                for reply in replies {
                    let Reply::Message(next) = reply else { return reply };
                    whole.append(*next);
                }
                return Reply::Message(whole);
            }
        };
    }
}

#[test]
fn the_cluster_dns_answers_as_every_scenario_says() {
    check_all("dns", &mut |scenario| {
        let first = Settings::new(Name::root());
        let mut server = Server {
            zone: Zone::empty(Arc::new(first.clone())),
            settings: first,
            synced: false,
            search: Search::default(),
            now: Instant::now(),
            serial: 1000,
        };
        follow(scenario, &mut |step| {
            let responder = server.responder(step);
            let now = server.now;
            step.check("zone", &mut |question| answer(&responder, step.settings, question, now))
        })
    });
}
