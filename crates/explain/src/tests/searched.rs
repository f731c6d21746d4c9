//! Which questions is a search list, for whom?

use dns::respond::Search;

use super::asked::Asked;
use super::dns_settings::{CLUSTER, dns, name, says, settings, words};
use crate::{DnsQuestion, NoAnswer, Object, Origin, Outcome, SearchStep, UpstreamRule, Upstreams};

fn asked_for(name: &str, rtype: &str) -> DnsQuestion {
    DnsQuestion {
        name: name.to_owned(),
        rtype: rtype.to_owned(),
        step: Some(SearchStep { at: 1, of: 4 }),
        rcode: None,
        ttl_seconds: None,
        aliases: Vec::new(),
        addresses: Vec::new(),
        records: Vec::new(),
        reason: None,
    }
}

#[test]
fn the_search_list_of_a_pod_of_the_node_is_answered_at_once() {
    let asked = Asked::new(CLUSTER);
    let dns = dns(&asked, settings());
    let trace = words(&asked, &dns, "--from pod/shop/client ledger.bank");
    assert_eq!(
        says(&trace),
        [
            "ledger.bank is completed to ledger.bank.shop.svc.cluster.local; with dnsPolicy \
             ClusterFirst (ndots:5), pods of namespace shop search shop.svc.cluster.local \
             svc.cluster.local cluster.local",
            "ledger.bank.shop.svc.cluster.local is not there: the DNS of node a walks the search \
             list for its own pods, and answers with a CNAME, ledger.bank.svc.cluster.local: 1 \
             question in place of 2 (each for A and for AAAA)",
            "ledger.bank.svc.cluster.local is Service bank/ledger: A 10.96.0.20, no AAAA, for 30 s",
            "ledger.bank.svc.cluster.local has SRV records: 0 100 80 ledger.bank.svc.cluster.local",
        ]
    );
    let aliases = vec!["ledger.bank.svc.cluster.local".to_owned()];
    let first = "ledger.bank.shop.svc.cluster.local";
    let answered = |rtype| DnsQuestion {
        rcode: Some("NOERROR".to_owned()),
        ttl_seconds: Some(30),
        aliases: aliases.clone(),
        ..asked_for(first, rtype)
    };
    let a = DnsQuestion { addresses: vec!["10.96.0.20".parse().unwrap()], ..answered("A") };
    let aaaa = DnsQuestion { reason: Some(NoAnswer::Family), ..answered("AAAA") };
    assert_eq!(trace.dns_questions[..2], [a, aaaa]);
}

#[test]
fn outside_names_cost_a_pod_of_the_node_one_question() {
    let asked = Asked::new(CLUSTER);
    let mut dns = dns(&asked, settings());
    let origin = Origin {
        object: Object {
            kind: "ConfigMap".to_owned(),
            namespace: "kube-system".to_owned(),
            name: "kube-dns".to_owned(),
        },
        field: "stubDomains".to_owned(),
        value: "corp.example".to_owned(),
    };
    let addresses = vec!["10.0.0.53:53".parse().unwrap(), "[fd00::53]:53".parse().unwrap()];
    let zone = name("corp.example");
    let rule = UpstreamRule { zone, except: Vec::new(), addresses, origin: Some(origin.clone()) };
    dns.upstreams = Upstreams { rules: vec![rule] };
    let trace = words(&asked, &dns, "--from fd01::9 www.corp.example");
    assert_eq!(
        says(&trace),
        [
            "www.corp.example is completed to www.corp.example.shop.svc.cluster.local; with \
             dnsPolicy ClusterFirst (ndots:5), pods of namespace shop search \
             shop.svc.cluster.local svc.cluster.local cluster.local",
            "www.corp.example.shop.svc.cluster.local is not there: the DNS of node a walks the \
             search list for its own pods, and answers with a CNAME, www.corp.example: 1 question \
             in place of 4 (each for A and for AAAA)",
            "www.corp.example is not in cluster.local: the cluster DNS asks 10.0.0.53:53 or \
             [fd00::53]:53, by the rule for corp.example, whose answers are not known here",
        ]
    );
    assert_eq!(trace.verdict.outcome, Outcome::Unknown);
    let origins = trace.hops.last().map(|hop| hop.origins.clone());
    assert_eq!(origins, Some(vec![origin]));
    let upstream = |rtype| DnsQuestion {
        aliases: vec!["www.corp.example".to_owned()],
        reason: Some(NoAnswer::Upstream),
        ..asked_for("www.corp.example.shop.svc.cluster.local", rtype)
    };
    assert_eq!(trace.dns_questions, ["A", "AAAA"].map(upstream));
    assert_eq!(trace.warnings, []);
}

#[test]
fn a_whole_name_is_taken_for_the_first_of_a_search_list() {
    let asked = Asked::new(CLUSTER);
    let dns = dns(&asked, settings());
    let trace =
        words(&asked, &dns, "--from pod/shop/client ledger.bank.shop.svc.cluster.local.:80");
    assert_eq!(
        says(&trace),
        [
            "ledger.bank.shop.svc.cluster.local is not there: the DNS of node a takes it for the \
             first of a search list, and answers with a CNAME, ledger.bank.svc.cluster.local",
            "ledger.bank.svc.cluster.local is Service bank/ledger: A 10.96.0.20, no AAAA, for 30 s",
        ]
    );
}

#[test]
fn pods_of_other_nodes_walk_their_lists_themselves() {
    let asked = Asked::new(CLUSTER);
    let dns = dns(&asked, settings());
    let trace = words(&asked, &dns, "--from pod/shop/far ledger.bank");
    let names: Vec<&str> = trace.dns_questions.iter().map(|it| &*it.name).collect();
    let (first, second) = ("ledger.bank.shop.svc.cluster.local", "ledger.bank.svc.cluster.local");
    assert_eq!(names, [first, first, second, second, second]);
    assert_eq!(trace.dns_questions[0].reason, Some(NoAnswer::Service));
}

#[test]
fn a_pod_on_the_network_of_its_node_has_another_resolver() {
    let asked = Asked::new(CLUSTER);
    let dns = dns(&asked, settings());
    let trace = words(&asked, &dns, "--from pod/shop/host web");
    assert_eq!(
        says(&trace)[0],
        "pod/shop/host is on the network of its node, and has that node's resolver unless its \
         dnsPolicy is ClusterFirstWithHostNet: then say its namespace"
    );
    let with_namespace = words(&asked, &dns, "--from pod/shop/host --namespace shop ledger.bank");
    assert_eq!(with_namespace.dns_questions.len(), 5);
}

#[test]
fn what_the_node_searches_is_searched_last() {
    let asked = Asked::new(CLUSTER);
    let mut dns = dns(&asked, settings());
    dns.search = Search::default();
    dns.node_search = vec!["corp.example".to_owned()];
    let trace = words(&asked, &dns, "--from pod/shop/client wob");
    let steps: Vec<(&str, Option<SearchStep>)> =
        trace.dns_questions.iter().step_by(2).map(|it| (&*it.name, it.step)).collect();
    let step = |at| Some(SearchStep { at, of: 5 });
    assert_eq!(
        steps,
        [
            ("wob.shop.svc.cluster.local", step(1)),
            ("wob.svc.cluster.local", step(2)),
            ("wob.cluster.local", step(3)),
            ("wob.corp.example", step(4)),
        ]
    );
}
