//! Who may have one address together?

use model::{AddressRequest, Protocol, Sharing, SharingScope};

use super::{all_told, allocator, asking_for, holding, name, pool, service, sharing, told};
use crate::tests::HOUR;

fn local(request: AddressRequest, selector: &str) -> AddressRequest {
    AddressRequest { local_selector: Some(selector.into()), ..request }
}

fn within(request: AddressRequest, namespaces: &[&str]) -> AddressRequest {
    let namespaces = namespaces.iter().map(|it| (*it).into()).collect();
    let sharing =
        request.sharing.map(|it| Sharing { with: SharingScope::Namespaces(namespaces), ..it });
    AddressRequest { sharing, ..request }
}

#[test]
fn one_key_other_ports_and_the_same_backend_share_and_everything_else_does_not() {
    let first = || asking_for(sharing("shop/a", "k", 80), "10.0.0.1");
    let second = |port| asking_for(sharing("shop/b", "k", port), "10.0.0.1");
    let udp = AddressRequest {
        ports: [(Protocol::Udp, 80.try_into().expect("not zero"))].into(),
        ..second(81)
    };
    let elsewhere = |port| asking_for(sharing("zoo/b", "k", port), "10.0.0.1");
    let cases = [
        (first(), second(443), "10.0.0.1 of p"),
        (first(), udp, "10.0.0.1 of p"),
        (first(), second(80), "pool p: 10.0.0.1: port 80/TCP is taken by shop/a"),
        (
            first(),
            asking_for(sharing("shop/b", "other", 443), "10.0.0.1"),
            "pool p: 10.0.0.1: held by shop/a with sharing key \"k\", not \"other\"",
        ),
        (first(), asking_for(service("shop/b"), "10.0.0.1"), "pool p: 10.0.0.1: held by shop/a"),
        (
            asking_for(service("shop/a"), "10.0.0.1"),
            second(443),
            "pool p: 10.0.0.1: held by shop/a",
        ),
        (local(first(), "app=x"), local(second(443), "app=x"), "10.0.0.1 of p"),
        (
            local(first(), "app=x"),
            local(second(443), "app=y"),
            "pool p: 10.0.0.1: held by shop/a, which has other pods, and externalTrafficPolicy is \
             Local",
        ),
        (
            first(),
            local(second(443), "app=x"),
            "pool p: 10.0.0.1: held by shop/a, which has other pods, and externalTrafficPolicy is \
             Local",
        ),
        (first(), elsewhere(443), "10.0.0.1 of p"),
        (within(first(), &[]), within(second(443), &[]), "10.0.0.1 of p"),
        (
            within(first(), &["zoo"]),
            within(elsewhere(443), &[]),
            "pool p: 10.0.0.1: held by shop/a, whose sharing key is not for this namespace",
        ),
        (within(first(), &["zoo"]), within(elsewhere(443), &["shop"]), "10.0.0.1 of p"),
    ];
    for (first, second, expected) in cases {
        let other = second.service.to_string();
        let allocator = allocator([pool("p", "10.0.0.0/24")], [first, second]);
        assert_eq!(told(&allocator, "shop/a"), "10.0.0.1 of p");
        assert_eq!(told(&allocator, &other), expected);
    }
}

#[test]
fn a_key_leads_to_an_address_of_its_own_and_then_to_the_next() {
    let services = [
        service("a/none"),
        sharing("b/k-80", "k", 80),
        sharing("c/k-443", "k", 443),
        sharing("d/k-80", "k", 80),
        sharing("e/m-22", "m", 22),
        sharing("f/k-22", "k", 22),
    ];
    let allocator = allocator([pool("p", "10.0.0.0/24")], services);
    assert_eq!(
        all_told(&allocator, ["a/none", "b/k-80", "c/k-443", "d/k-80", "e/m-22", "f/k-22"]),
        [
            "10.0.0.0 of p",
            "10.0.0.1 of p",
            "10.0.0.1 of p",
            "10.0.0.2 of p",
            "10.0.0.3 of p",
            "10.0.0.1 of p",
        ]
    );
    let holdings = allocator.holdings().map(|it| it.services.len()).collect::<Vec<_>>();
    assert_eq!(holdings, [1, 3, 1, 1]);
}

#[test]
fn a_full_pool_says_why_the_shared_address_is_not_for_the_service() {
    let allocator =
        allocator([pool("p", "10.0.0.1")], [sharing("a/1", "k", 80), sharing("a/2", "k", 80)]);
    assert_eq!(
        told(&allocator, "a/2"),
        "pool p: no IPv4 address is left (1 of 1 are in use), and 10.0.0.1: port 80/TCP is taken by a/1"
    );
}

#[test]
fn who_changes_so_that_it_can_share_no_more_moves_and_the_others_stay() {
    let mut allocator = allocator(
        [pool("p", "10.0.0.0/24")],
        [sharing("a/1", "k", 80), sharing("a/2", "k", 443), sharing("a/3", "k", 22)],
    );
    allocator.apply(sharing("a/1", "other", 80));
    allocator.apply(sharing("a/3", "k", 443));
    allocator.settle(HOUR);
    assert_eq!(
        all_told(&allocator, ["a/1", "a/2", "a/3"]),
        ["10.0.0.1 of p", "10.0.0.0 of p", "10.0.0.2 of p"]
    );
    // Alone, it may change as it likes.
    allocator.apply(sharing("a/1", "third", 80));
    allocator.settle(HOUR);
    assert_eq!(told(&allocator, "a/1"), "10.0.0.1 of p");
}

#[test]
fn who_waits_hears_of_a_port_that_becomes_free_and_of_a_key_that_becomes_right() {
    let mut allocator = allocator(
        [pool("p", "10.0.0.1")],
        [sharing("a/1", "k", 80), sharing("a/2", "k", 80), sharing("a/3", "m", 22)],
    );
    allocator.apply(sharing("a/1", "k", 443));
    assert_eq!(allocator.settle(HOUR), [name("a/2")]);
    allocator.apply(sharing("a/3", "k", 22));
    allocator.settle(HOUR);
    assert_eq!(all_told(&allocator, ["a/1", "a/2", "a/3"]), ["10.0.0.1 of p"; 3]);
}

#[test]
fn who_waits_shares_what_another_has_just_got() {
    let services =
        [sharing("a/1", "k", 80), service("b/2"), sharing("c/3", "k", 443), service("z/old")];
    let [one, two, three, old] = services;
    let mut allocator =
        allocator([pool("p", "10.0.0.1")], [holding(old, "10.0.0.1"), three, one, two]);
    allocator.remove(&name("z/old"));
    allocator.settle(HOUR);
    assert_eq!(
        all_told(&allocator, ["a/1", "b/2", "c/3"]),
        ["10.0.0.1 of p", "pool p: no IPv4 address is left (1 of 1 are in use)", "10.0.0.1 of p",]
    );
}

#[test]
fn who_waits_first_shares_what_another_gets_after_it() {
    let settings = crate::Settings { quarantine: HOUR, ..crate::Settings::default() };
    let mut allocator = crate::Allocator::new(settings);
    allocator.apply_pool(pool("p", "10.0.0.1"));
    allocator.apply(sharing("z/had-it", "k", 80));
    allocator.settle(HOUR);
    allocator.remove(&name("z/had-it"));
    allocator.apply(sharing("a/waits", "k", 443));
    allocator.settle(HOUR);
    let full = "pool p: no IPv4 address is left (0 of 1 are in use, the others are held back)";
    assert_eq!(told(&allocator, "a/waits"), full);
    allocator.apply(sharing("z/had-it", "k", 80));
    allocator.settle(HOUR);
    assert_eq!(all_told(&allocator, ["a/waits", "z/had-it"]), ["10.0.0.1 of p"; 2]);
}

#[test]
fn the_others_of_a_key_are_found_after_one_of_them_left() {
    let services = [
        sharing("a/1", "k", 80),
        sharing("a/2", "k", 443),
        service("a/3"),
        sharing("a/4", "m", 80),
    ];
    let mut allocator = allocator([pool("p", "10.0.0.0/24")], services);
    allocator.remove(&name("a/1"));
    allocator.apply(sharing("a/5", "k", 80));
    allocator.settle(HOUR);
    assert_eq!(told(&allocator, "a/5"), "10.0.0.0 of p");
}

#[test]
fn a_restart_keeps_what_is_shared_and_parts_only_those_that_cannot() {
    let held = |request| holding(request, "10.0.0.5");
    let allocator = allocator(
        [pool("p", "10.0.0.0/24")],
        [held(sharing("a/1", "k", 80)), held(sharing("a/2", "k", 443)), held(service("a/3"))],
    );
    assert_eq!(
        all_told(&allocator, ["a/1", "a/2", "a/3"]),
        ["10.0.0.5 of p", "10.0.0.5 of p", "10.0.0.0 of p"]
    );
}
