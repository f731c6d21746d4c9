//! What a node's own agent answers, past the dataplane.

use crate::Style;

use super::asked::{Asked, question, shipped};

const CLUSTER: &str = "-- cluster --
agent detect-local=cluster-cidr
node a addr=192.168.0.1,fd00::1 pods=10.1.0.0/24,fd01::/64
node b addr=192.168.0.2,fd00::2 pods=10.2.0.0/24,fd02::/64
service kube-system/kube-dns type=ClusterIP cluster=10.96.0.10,fd96::10
  port dns 53/UDP -> 53
  endpoint 192.168.0.2,fd00::2 on b ready

-- objects.yaml --
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: shop}
spec: {nodeName: a}
status: {podIPs: [{ip: 10.1.0.9}, {ip: 'fd01::9'}]}
---
";

fn told(answered_here: &[&str], words: &str) -> String {
    let asked = Asked::new(CLUSTER);
    let mut dns = shipped(asked.table("a"));
    dns.answered_here = answered_here.iter().map(|it| it.parse().unwrap()).collect();
    let trace = asked.ask_dns("a", &dns, &question(words)).expect("an explanation");
    trace.to_text(Style::Plain)
}

#[test]
fn who_answers_is_told_and_what_would_happen_without() {
    let told_4 = told(&["10.96.0.10:53"], "--from pod/shop/client 10.96.0.10:53/udp");
    assert_eq!(
        told_4,
        "pod/shop/client asks for 10.96.0.10:53/udp
answered here: is answered by this node's own agent

from      expected    pod/shop/client asks from 10.1.0.9, on node a
                      · Pod shop/client spec.nodeName=a
frontend  expected    10.96.0.10:53/UDP is a ClusterIP of Service
                      kube-system/kube-dns, port dns
                      · Service kube-system/kube-dns
                        spec.clusterIPs=10.96.0.10:53/UDP
deliver   expected    this node's own agent answers there: the packets pass the
                      dataplane by, untracked
                      otherwise with an agent that does not answer: Service
                        kube-system/kube-dns leads them then
"
    );
    let told_6 = told(&["[fd96::10]:53"], "--from pod/shop/client [fd96::10]:53/udp");
    assert_eq!(
        told_6,
        "pod/shop/client asks for [fd96::10]:53/udp
answered here: is answered by this node's own agent

from      expected    pod/shop/client asks from fd01::9, on node a
                      · Pod shop/client spec.nodeName=a
frontend  expected    [fd96::10]:53/UDP is a ClusterIP of Service
                      kube-system/kube-dns, port dns
                      · Service kube-system/kube-dns
                        spec.clusterIPs=[fd96::10]:53/UDP
deliver   expected    this node's own agent answers there: the packets pass the
                      dataplane by, untracked
                      otherwise with an agent that does not answer: Service
                        kube-system/kube-dns leads them then
"
    );
}

#[test]
fn at_other_addresses_the_service_leads() {
    let without = told(&[], "--from pod/shop/client [fd96::10]:53/udp");
    assert_eq!(told(&["10.96.0.10:53"], "--from pod/shop/client [fd96::10]:53/udp"), without);
    let verdict = without.lines().find(|line| line.starts_with("forward"));
    assert_eq!(
        verdict,
        Some("forward: goes to [fd00::2]:53, the only endpoint of Service kube-system/kube-dns")
    );
}
