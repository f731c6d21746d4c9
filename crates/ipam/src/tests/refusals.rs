//! What is a person told who did not get an address?

use std::net::IpAddr;

use model::{Mac, PoolName};

use super::{allocator, asking_for, name, pool, service, sharing};
use crate::{Candidate, Exclusion, PoolRefusal, Refusal, Whose};

#[test]
fn each_verdict_on_an_address_says_what_it_is_and_what_to_do() {
    let holder = || name("shop/web");
    let port = 80.try_into().expect("not zero");
    let node = Whose::Node(model::NodeName::new("n1"));
    let differs =
        Candidate::ShareKeyDiffers { theirs: "k".into(), ours: "m".into(), holder: holder() };
    let cases = [
        (Candidate::Free, "free", ""),
        (Candidate::ShareOk, "may be shared", ""),
        (
            Candidate::HeldBy(holder()),
            "held by shop/web",
            "to share it, give this Service and shop/web the same annotation pogu.dev/sharing-key",
        ),
        (
            differs,
            "held by shop/web with sharing key \"k\", not \"m\"",
            "to share it, use the sharing key \"k\"",
        ),
        (
            Candidate::NamespaceDiffers(holder()),
            "held by shop/web, whose sharing key is not for this namespace",
            "both must name the other's namespace in pogu.dev/sharing-namespaces: shop/web too",
        ),
        (
            Candidate::PortTaken(model::Protocol::Tcp, port, holder()),
            "port 80/TCP is taken by shop/web",
            "use another port, or another address",
        ),
        (
            Candidate::SelectorDiffers(holder()),
            "held by shop/web, which has other pods, and externalTrafficPolicy is Local",
            "Services of one address need externalTrafficPolicy Cluster, or the same selector",
        ),
        (
            Candidate::Edge,
            "it ends in 0 or 255, which the pool avoids",
            "ask for another, or set avoidEdges of the pool to false",
        ),
        (
            Candidate::Excluded(Exclusion::Reserved),
            "reserved by the pool",
            "ask for another, or take it out of the pool's reserved",
        ),
        (Candidate::Excluded(Exclusion::Taken(node)), "in use for Node n1", "ask for another"),
        (
            Candidate::Conflict(Mac([2, 0, 0, 0, 0, 255])),
            "the machine 02:00:00:00:00:ff outside the cluster answers for it",
            "find the machine 02:00:00:00:00:ff, or add the address to the pool's reserved",
        ),
        (Candidate::Quarantined(super::HOUR), "another Service had it a short time ago", ""),
    ];
    for (candidate, text, hint) in cases {
        let found = (candidate.to_string(), candidate.hint().unwrap_or_default());
        assert_eq!(found, (text.to_owned(), hint.to_owned()));
    }
}

#[test]
fn each_refusal_has_one_word_and_a_hint() {
    let address: IpAddr = [10, 0, 0, 1].into();
    let p = || PoolName::new("p");
    let pools = |refusals: Vec<PoolRefusal>| {
        Refusal::Pools(refusals.into_iter().map(|refusal| (p(), refusal)).collect())
    };
    let full =
        || PoolRefusal::Exhausted { family: model::Family::V4, used: 1, capacity: 1, shared: None };
    let cases = [
        (Refusal::Unclear("x".into()), "InvalidRequest", "ask for one thing, in one way"),
        (Refusal::NoPool, "NoPool", "create an AddressPool"),
        (
            Refusal::UnknownPool(p()),
            "UnknownPool",
            "kubectl get addresspools shows those there are",
        ),
        (Refusal::Family(address), "FamilyMismatch", "spec.ipFamilies says which the Service has"),
        (
            Refusal::NotInPool(address),
            "AddressNotInPool",
            "ask for one of a pool, or add it to one",
        ),
        (
            Refusal::PoolDiffers { address, asked: p(), found: PoolName::new("q") },
            "PoolMismatch",
            "ask for the pool q, or for the address alone",
        ),
        (
            pools(vec![PoolRefusal::NotAutomatic]),
            "NoAutomaticPool",
            "the annotation pogu.dev/address-pool: p asks for it",
        ),
        (pools(vec![PoolRefusal::Disabled]), "PoolDisabled", "spec.disabled of the pool p says so"),
        (
            pools(vec![PoolRefusal::Namespace]),
            "SelectorMismatch",
            "add the namespace to the selectors of the pool p",
        ),
        (
            pools(vec![PoolRefusal::Service, full()]),
            "OutOfAddresses",
            "give the Service labels that the selectors of the pool p ask for",
        ),
        (
            pools(vec![PoolRefusal::NoFamily(model::Family::V6)]),
            "NoAddressOfFamily",
            "add IPv6 addresses to the pool p",
        ),
        (pools(vec![full()]), "OutOfAddresses", "add addresses to the pool p"),
        (
            pools(vec![PoolRefusal::Address(address, Candidate::Edge)]),
            "AddressNotAvailable",
            "ask for another, or set avoidEdges of the pool to false",
        ),
    ];
    for (refusal, reason, hint) in cases {
        let found = (refusal.reason(), refusal.hint().unwrap_or_default());
        assert_eq!(found, (reason, hint.to_owned()), "{refusal}");
    }
}

#[test]
fn any_address_can_be_judged_for_any_service() {
    let allocator = allocator(
        [pool("p", "10.0.0.0/24")],
        [asking_for(sharing("shop/a", "k", 80), "10.0.0.1"), service("shop/b")],
    );
    let judged = |last: u8, service: &str| allocator.judge([10, 0, 0, last].into(), &name(service));
    assert_eq!(judged(1, "shop/b"), Some(Candidate::HeldBy(name("shop/a"))));
    assert_eq!(judged(1, "shop/a"), Some(Candidate::Free));
    assert_eq!(judged(2, "shop/b"), Some(Candidate::Free));
    assert_eq!(judged(2, "shop/unknown"), None);
    assert_eq!(allocator.judge([10, 1, 0, 0].into(), &name("shop/b")), None);
}
