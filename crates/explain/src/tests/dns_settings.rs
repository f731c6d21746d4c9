//! What is told where the cluster DNS is set otherwise than clusters ship it?

use std::fmt::Write as _;
use std::sync::Arc;

use dns::respond::Search;
use dns::wire::Name;
use dns::zone::{NamespaceFilter, PodMode, Settings, Zone};
use model::{NodeName, ServiceTable};

use super::asked::{Asked, question};
use crate::{ClusterDns, NoAnswer, Object, Origin, Outcome, Trace};

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

pub(super) fn name(text: &str) -> Name {
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
pub(super) fn says(trace: &Trace) -> Vec<&str> {
    let names = trace.hops.iter().filter(|hop| hop.stage == crate::Stage::Name);
    names.map(|hop| hop.says.as_str()).collect()
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
