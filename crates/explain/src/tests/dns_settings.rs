//! What is told where the cluster DNS is set otherwise than clusters ship it, and why did a recorded
//! question fail?

use std::fmt::Write as _;
use std::sync::Arc;

use dns::respond::Search;
use dns::wire::{Name, Rcode, RecordType};
use dns::zone::{NamespaceFilter, PodMode, Settings, Zone};
use model::{Node, NodeName, ServiceTable};

use super::asked::{Asked, question};
use crate::{
    ClusterDns, DnsFailure, DnsQuestion, FailedQuestion, NoAnswer, Object, Origin, Outcome,
    SearchStep, Trace, UpstreamRule, Upstreams, View, dns_failure,
};

pub(super) const CLUSTER: &str = "\
-- cluster --
agent detect-local=cluster-cidr
node a addr=192.168.0.1 pods=10.1.0.0/24,fd01::/64
node b addr=192.168.0.2 pods=10.2.0.0/24,fd02::/64
service shop/web type=ClusterIP cluster=10.96.0.10
  port http 80/TCP -> 8080
  endpoint 10.1.0.5 on a ready
service bank/ledger type=ClusterIP cluster=10.96.0.20
  port - 80/TCP -> 8080

-- objects.yaml --
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: shop}
spec: {nodeName: a}
status: {podIPs: [{ip: 10.1.0.9}, {ip: \"fd01::9\"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: host, namespace: shop}
spec: {nodeName: a, hostNetwork: true}
status: {podIPs: [{ip: 192.168.0.1}]}
---
apiVersion: v1
kind: Pod
metadata: {name: far, namespace: shop}
spec: {nodeName: b}
status: {podIPs: [{ip: 10.2.0.9}]}
---

";

fn name(text: &str) -> Name {
    Name::from_text(text).unwrap()
}

pub(super) fn settings() -> Settings {
    Settings::new(name("cluster.local"))
}

/// The cluster DNS of node a, which walks the search lists of its pods.
pub(super) fn dns(asked: &Asked, settings: Settings) -> ClusterDns {
    let (nothing, table) = (ServiceTable::default(), asked.table("a").cluster().clone());
    let zone = Zone::empty(Arc::new(settings)).advance(&nothing, &table, 0);
    let mut dns = ClusterDns::as_shipped("cluster.local", &table).unwrap();
    dns.zone = zone;
    dns.zone.set_synced();
    dns.search = Search::new(Vec::new()).advance(&nothing, &table, &NodeName::new("a"));
    dns
}

pub(super) fn words(asked: &Asked, dns: &ClusterDns, words: &str) -> Trace {
    asked.ask_dns("a", dns, &question(words)).expect("an answer")
}

/// What its hops about names say.
fn says(trace: &Trace) -> Vec<&str> {
    let names = trace.hops.iter().filter(|hop| hop.stage == crate::Stage::Name);
    names.map(|hop| hop.says.as_str()).collect()
}

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
    let rule = UpstreamRule { zone, addresses, origin: Some(origin.clone()) };
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

/// Of a name that is looked up as it stands.
fn verdict(settings: Settings, name: &str) -> (Outcome, String, Option<NoAnswer>) {
    let asked = Asked::new(CLUSTER);
    let dns = dns(&asked, settings);
    let trace = words(&asked, &dns, &format!("{name}."));
    (trace.verdict.outcome, trace.verdict.says, trace.dns_questions[0].reason)
}

#[test]
fn settings_that_deny_a_name_are_told() {
    let denied = |says: &str, reason| (Outcome::NoSuchName, says.to_owned(), Some(reason));
    let hiding = NamespaceFilter::Named(["shop".into()].into());
    let hiding = Settings { namespaces: hiding, ..settings() };
    assert_eq!(
        verdict(hiding, "ledger.bank.svc.cluster.local"),
        denied(
            "ledger.bank.svc.cluster.local does not exist (NXDOMAIN, for 30 s): namespace bank is \
             hidden: the DNS is set to show others only",
            NoAnswer::HiddenNamespace
        )
    );
    let pod = "10-1-0-7.shop.pod.cluster.local";
    let without = Settings { pods: PodMode::Disabled, ..settings() };
    assert_eq!(
        verdict(without, pod),
        denied(
            "10-1-0-7.shop.pod.cluster.local does not exist (NXDOMAIN, for 30 s): pods have no \
             names: the DNS is set so",
            NoAnswer::PodsDisabled
        )
    );
    let verified = Settings { pods: PodMode::Verified, ..settings() };
    assert_eq!(
        verdict(verified, pod),
        denied(
            "10-1-0-7.shop.pod.cluster.local does not exist (NXDOMAIN, for 30 s): no pod of \
             namespace shop has the address that it says",
            NoAnswer::Pod
        )
    );
    let ignoring = Settings { ignores_empty_services: true, ttl_s: 5, ..settings() };
    assert_eq!(
        verdict(ignoring, "ledger.bank.svc.cluster.local"),
        denied(
            "ledger.bank.svc.cluster.local does not exist (NXDOMAIN, for 5 s): Service \
             bank/ledger has no ready endpoint",
            NoAnswer::NotReady
        )
    );
}

#[test]
fn services_of_the_set_of_clusters_are_told_apart() {
    let import = "\
apiVersion: multicluster.x-k8s.io/v1beta1
kind: ServiceImport
metadata: {name: web, namespace: shop}
spec: {type: ClusterSetIP, ips: [10.97.0.10], ports: [{name: http, port: 80}]}
---
";
    let asked =
        Asked::new(&format!("{}{import}\n", CLUSTER.trim_end_matches('\n').to_owned() + "\n"));
    let clusterset = Some(name("clusterset.local"));
    let dns = dns(&asked, Settings { clusterset, ..settings() });
    let trace = words(&asked, &dns, "http://web.shop.svc.clusterset.local.");
    let origin = Origin {
        object: Object {
            kind: "ServiceImport".to_owned(),
            namespace: "shop".to_owned(),
            name: "web".to_owned(),
        },
        field: "spec.ips".to_owned(),
        value: "10.97.0.10".to_owned(),
    };
    assert_eq!(
        says(&trace),
        ["web.shop.svc.clusterset.local is ServiceImport shop/web: A 10.97.0.10, no AAAA, for 30 \
          s; node/a gets this answer only if it asks the cluster DNS"]
    );
    let origins: Vec<&Origin> = trace.hops[1].origins.iter().collect();
    assert_eq!(origins, [&origin]);
    let absent = words(&asked, &dns, "ledger.bank.svc.clusterset.local.");
    assert_eq!(
        absent.verdict.says,
        "ledger.bank.svc.clusterset.local does not exist (NXDOMAIN, for 30 s): namespace bank has \
         no ServiceImport ledger"
    );
}

#[test]
fn before_the_cluster_is_read_nothing_is_denied() {
    let asked = Asked::new(CLUSTER);
    let mut dns = dns(&asked, settings());
    dns.zone = Zone::empty(Arc::new(settings()));
    let trace = words(&asked, &dns, "web.shop.svc.cluster.local.");
    let says = "web.shop.svc.cluster.local is not answered (SERVFAIL): the cluster has not been \
                read yet";
    assert_eq!((trace.verdict.outcome, &*trace.verdict.says), (Outcome::Unknown, says));
    assert_eq!(trace.dns_questions[0].reason, Some(NoAnswer::NotSynced));
}

#[test]
fn a_long_answer_is_told_to_be_cut() {
    let mut cluster = "-- cluster --\nagent detect-local=cluster-cidr\n\
                       node a addr=192.168.0.1 pods=10.1.0.0/24\n\
                       service shop/many type=ClusterIP cluster=None\n  port - 80/TCP -> 80\n"
        .to_owned();
    for n in 1..=40 {
        writeln!(cluster, "  endpoint 10.1.0.{n} on a ready").unwrap();
    }
    let asked = Asked::new(&format!("{cluster}\n"));
    let dns = ClusterDns::as_shipped("cluster.local", asked.table("a").cluster()).unwrap();
    let trace = words(&asked, &dns, "many.shop.svc.cluster.local.");
    let warnings: Vec<&str> = trace.warnings.iter().map(|warning| &*warning.says).collect();
    assert_eq!(
        warnings,
        ["the 40 A records of many.shop.svc.cluster.local do not fit into a datagram of 512 \
          octets: glibc, and musl from 1.2.4 on, ask again over TCP; older musl takes those that \
          fit"]
    );
    assert_eq!(trace.dns_questions[0].addresses.len(), 40);
}

fn failure(
    dns: &ClusterDns,
    asked: &Asked,
    client: &str,
    question: (&str, RecordType),
    rcode: Rcode,
) -> DnsFailure {
    let table = asked.table("a");
    let view = View {
        here: table,
        other_node: &|_: &Node| table.node.as_ref().clone(),
        rejections: &[],
        dns,
        agent: None,
    };
    let (text, rtype) = question;
    let failed =
        FailedQuestion { client: client.parse().unwrap(), name: &name(text), rtype, rcode };
    dns_failure(&view, &failed)
}

#[test]
fn a_failure_is_told_with_its_place_in_the_search_list() {
    let asked = Asked::new(CLUSTER);
    let dns = dns(&asked, settings());
    let why = |client, question, rcode| failure(&dns, &asked, client, question, rcode);
    let told = |reason, step: Option<(usize, usize)>, says: &[&str]| DnsFailure {
        reason,
        step: step.map(|(at, of)| SearchStep { at, of }),
        says: says.iter().map(|says| (*says).to_owned()).collect(),
        origins: Vec::new(),
    };
    assert_eq!(
        why("10.1.0.9", ("Ledger.shop.svc.cluster.local", RecordType::A), Rcode::NXDOMAIN),
        told(
            Some(NoAnswer::Service),
            Some((1, 4)),
            &[
                "namespace shop has no Service ledger",
                "search step 1 of 4 for ledger: the client goes on with ledger.svc.cluster.local"
            ]
        )
    );
    assert_eq!(
        why("fd01::9", ("ledger.shop.cluster.local", RecordType::AAAA), Rcode::NXDOMAIN),
        told(
            Some(NoAnswer::Form),
            Some((3, 4)),
            &[
                "no name of a cluster has this form",
                "search step 3 of 4 for ledger.shop: the client goes on with ledger.shop"
            ]
        )
    );
    assert_eq!(
        why("10.1.0.9", ("www.example.com", RecordType::A), Rcode::SERVFAIL),
        told(
            Some(NoAnswer::Upstream),
            Some((4, 4)),
            &[
                "www.example.com is not ours, and an upstream said SERVFAIL",
                "search step 4 of 4 for www.example.com, the last: the client gives up"
            ]
        )
    );
    assert_eq!(
        why("198.51.100.1", ("web.shop.svc.cluster.local", RecordType::A), Rcode::NXDOMAIN),
        told(None, None, &["it is there now: A 10.96.0.10"])
    );
    let family = why("10.2.0.9", ("web.shop.svc.cluster.local", RecordType::AAAA), Rcode::NOERROR);
    let ips = Origin {
        object: Object {
            kind: "Service".to_owned(),
            namespace: "shop".to_owned(),
            name: "web".to_owned(),
        },
        field: "spec.clusterIPs".to_owned(),
        value: "10.96.0.10".to_owned(),
    };
    let says = [
        "Service shop/web has no IPv6 address",
        "search step 1 of 4 for web: glibc goes on with web.svc.cluster.local, musl gives up",
    ];
    let expected = told(Some(NoAnswer::Family), Some((1, 4)), &says);
    assert_eq!(family, DnsFailure { origins: vec![ips], ..expected });
}
