//! What becomes of a Service that asks for an address or a pool?

use model::{AddressPool, AddressRequest};

use super::{all_told, allocator, asking_for, for_namespace, in_pool, pool, service, told};
use crate::tests::HOUR;

#[test]
fn what_is_asked_for_and_cannot_be_given_is_never_replaced_by_something_else() {
    let pools = [
        AddressPool { reserved: super::ranges("10.0.0.9"), ..pool("a", "10.0.0.0/24") },
        AddressPool { admits: for_namespace("bank"), ..pool("b", "10.0.1.0/24") },
        AddressPool { disabled: true, ..pool("c", "10.0.2.0/24") },
        AddressPool { avoid_edges: true, ..pool("d", "10.0.3.0/24") },
    ];
    let cases = [
        ("10.0.0.7", "", "10.0.0.7 of a"),
        ("10.0.0.7", "a", "10.0.0.7 of a"),
        ("10.9.0.1", "", "10.9.0.1 is in no pool"),
        ("10.0.0.7", "b", "10.0.0.7 is in the pool a, not in b"),
        ("10.0.0.7", "z", "there is no pool z"),
        ("", "z", "there is no pool z"),
        ("fd00::1", "", "expected an address of the Service's families, found fd00::1"),
        ("10.0.0.9", "", "pool a: 10.0.0.9: reserved by the pool"),
        ("10.0.1.1", "", "pool b: not for this namespace"),
        ("", "b", "pool b: not for this namespace"),
        ("10.0.2.1", "", "pool c: disabled"),
        ("", "c", "pool c: disabled"),
        ("10.0.3.255", "", "pool d: 10.0.3.255: it ends in 0 or 255, which the pool avoids"),
    ];
    for (address, pool, expected) in cases {
        let mut request = asking_for(service("shop/web"), address);
        if !pool.is_empty() {
            request = in_pool(request, pool);
        }
        let allocator = allocator(pools.clone(), [request]);
        assert_eq!(told(&allocator, "shop/web"), expected, "{address} {pool}");
    }
}

#[test]
fn who_asks_is_served_before_who_takes_any() {
    let services = [
        service("a/any"),
        in_pool(service("b/pool"), "p"),
        asking_for(service("c/address"), "10.0.0.0"),
    ];
    let allocator = allocator([pool("p", "10.0.0.0/30")], services);
    assert_eq!(
        all_told(&allocator, ["a/any", "b/pool", "c/address"]),
        ["10.0.0.2 of p", "10.0.0.1 of p", "10.0.0.0 of p"]
    );
}

#[test]
fn an_address_that_somebody_has_is_given_when_it_is_given_up() {
    let second = asking_for(service("shop/b"), "10.0.0.7");
    let first = asking_for(service("shop/a"), "10.0.0.7");
    let mut allocator = allocator([pool("p", "10.0.0.0/24")], [first, second]);
    assert_eq!(
        all_told(&allocator, ["shop/a", "shop/b"]),
        ["10.0.0.7 of p", "pool p: 10.0.0.7: held by shop/a"]
    );
    allocator.remove(&super::name("shop/a"));
    assert_eq!(allocator.settle(HOUR), ["shop/a", "shop/b"].map(super::name));
    assert_eq!(all_told(&allocator, ["shop/a", "shop/b"]), ["unknown", "10.0.0.7 of p"]);
}

#[test]
fn a_new_request_moves_a_service_and_the_end_of_one_does_not() {
    let mut allocator =
        allocator([pool("a", "10.0.0.0/24"), pool("b", "10.0.1.0/24")], [service("shop/web")]);
    let mut changes = Vec::new();
    for request in [
        asking_for(service("shop/web"), "10.0.0.7"),
        service("shop/web"),
        in_pool(service("shop/web"), "b"),
        service("shop/web"),
        asking_for(service("shop/web"), "10.9.0.1"),
    ] {
        allocator.apply(request);
        allocator.settle(HOUR);
        changes.push(told(&allocator, "shop/web"));
    }
    assert_eq!(
        changes,
        [
            "10.0.0.7 of a",
            "10.0.0.7 of a",
            "10.0.1.0 of b",
            "10.0.1.0 of b",
            "10.9.0.1 is in no pool",
        ]
    );
}

#[test]
fn a_request_that_contradicts_itself_gets_nothing_new_and_loses_nothing() {
    let unclear = |request| AddressRequest {
        unclear: Some("metallb.io/loadBalancerIPs and spec.loadBalancerIP differ".into()),
        ..request
    };
    let mut allocator = allocator([pool("a", "10.0.0.0/24")], [unclear(service("shop/new"))]);
    allocator.apply(service("shop/web"));
    allocator.settle(HOUR);
    allocator.apply(unclear(service("shop/web")));
    allocator.settle(HOUR);
    assert_eq!(
        all_told(&allocator, ["shop/new", "shop/web"]),
        [
            "metallb.io/loadBalancerIPs and spec.loadBalancerIP differ",
            "10.0.0.0 of a | metallb.io/loadBalancerIPs and spec.loadBalancerIP differ",
        ]
    );
}
