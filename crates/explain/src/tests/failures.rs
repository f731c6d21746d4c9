//! Why did a question fail that was recorded?

use dns::wire::{Rcode, RecordType};
use model::Node;

use super::asked::Asked;
use super::dns_settings::{CLUSTER, dns, name, settings};
use crate::{
    ClusterDns, DnsFailure, FailedQuestion, NoAnswer, Object, Origin, SearchStep, View, dns_failure,
};

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
        addresses: None,
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
