//! What becomes of addresses when pools change?

use model::{AddressPool, PoolName};

use super::{all_told, allocator, for_namespace, name, pool, problems, ranges, service, told};
use crate::tests::HOUR;

const NAMES: [&str; 3] = ["x/1", "x/2", "x/3"];

/// Three Services with the first addresses of the pool `a`, after a change.
fn after(removed: &str, pools: &[AddressPool]) -> [String; 3] {
    let mut allocator = allocator([pool("a", "10.0.0.0/30")], NAMES.map(service));
    if !removed.is_empty() {
        allocator.remove_pool(&PoolName::new(removed));
    }
    pools.iter().for_each(|pool| allocator.apply_pool(pool.clone()));
    allocator.settle(HOUR);
    all_told(&allocator, NAMES)
}

#[test]
fn an_address_stays_as_long_as_a_pool_has_it() {
    let kept = ["10.0.0.0 of a", "10.0.0.1 of a", "10.0.0.2 of a"];
    assert_eq!(after("", &[pool("a", "10.0.0.0/24")]), kept, "grown");
    assert_eq!(after("", &[pool("a", "10.0.0.0-10.0.0.2")]), kept, "shrunk by what nobody has");
    assert_eq!(
        after("a", &[pool("b", "10.0.0.0/30")]),
        kept.map(|it| it.replace(" a", " b")),
        "renamed"
    );
    assert_eq!(
        after("", &[pool("a", "10.0.0.0/31"), pool("b", "10.0.0.2/31")]),
        ["10.0.0.0 of a", "10.0.0.1 of a", "10.0.0.2 of b"],
        "split"
    );
    assert_eq!(after("", &[pool("b", "10.0.1.0/24")]), kept, "another beside it");
}

#[test]
fn an_address_that_no_pool_has_any_more_is_replaced_or_missed() {
    let full = "pool a: no IPv4 address is left (2 of 2 are in use)";
    assert_eq!(
        after("", &[pool("a", "10.0.0.0/31")]),
        ["10.0.0.0 of a", "10.0.0.1 of a", full],
        "shrunk"
    );
    assert_eq!(
        after("", &[pool("a", "10.0.0.1 10.0.0.16/30")]),
        ["10.0.0.16 of a", "10.0.0.1 of a", "10.0.0.17 of a"],
        "moved"
    );
    assert_eq!(after("a", &[]), ["there is no pool of addresses"; 3], "removed");
    assert_eq!(
        after("a", &[pool("b", "10.0.1.0/31")]),
        ["10.0.1.0 of b", "10.0.1.1 of b", &full.replace(" a:", " b:")],
        "replaced"
    );
}

#[test]
fn a_restriction_that_is_added_takes_addresses_back() {
    let base = || pool("a", "10.0.0.0/30 10.0.1.0/24");
    assert_eq!(
        after("", &[AddressPool { reserved: ranges("10.0.0.1"), ..base() }]),
        ["10.0.0.0 of a", "10.0.0.3 of a", "10.0.0.2 of a"],
        "reserved"
    );
    assert_eq!(
        after("", &[AddressPool { avoid_edges: true, ..base() }]),
        ["10.0.0.3 of a", "10.0.0.1 of a", "10.0.0.2 of a"],
        "edges avoided"
    );
    assert_eq!(
        after("", &[AddressPool { admits: for_namespace("shop"), ..base() }]),
        ["pool a: not for this namespace"; 3],
        "for another namespace"
    );
}

#[test]
fn a_pool_that_comes_back_gives_everybody_the_same() {
    let mut allocator = allocator([pool("a", "10.0.0.0/30")], NAMES.map(service));
    let before = all_told(&allocator, NAMES);
    allocator.remove_pool(&PoolName::new("a"));
    allocator.settle(HOUR);
    // Somebody new who would go first.
    allocator.apply(service("a/new"));
    allocator.apply_pool(pool("a", "10.0.0.0/30"));
    allocator.settle(HOUR);
    assert_eq!(all_told(&allocator, NAMES), before);
    assert_eq!(told(&allocator, "a/new"), "10.0.0.3 of a");
}

#[test]
fn of_two_pools_with_the_same_addresses_the_older_has_them_and_the_rest_goes_on() {
    let young = AddressPool { created_s: 5, ..pool("a-young", "10.0.0.8-10.0.0.17 10.0.7.7") };
    let old = AddressPool { created_s: 1, ..pool("old", "10.0.0.0/28") };
    let names = ["x/1", "x/2", "x/3", "x/4"];
    let mut allocator = allocator([young, old], names.map(service));
    assert_eq!(
        all_told(&allocator, names),
        ["10.0.0.16 of a-young", "10.0.0.17 of a-young", "10.0.7.7 of a-young", "10.0.0.0 of old"]
    );
    assert_eq!(
        problems(&allocator),
        [
            "AddressPool a-young spec.addresses: 10.0.0.8/29 is also in the pool old, which is older and \
          has it"
        ]
    );
    allocator.remove_pool(&PoolName::new("old"));
    allocator.settle(HOUR);
    assert_eq!(told(&allocator, "x/4"), "10.0.0.8 of a-young");
    assert_eq!(problems(&allocator), [""; 0]);
}

#[test]
fn a_pool_that_grows_ends_a_shortage() {
    let mut allocator = allocator([pool("a", "10.0.0.0/31")], NAMES.map(service));
    allocator.apply_pool(pool("a", "10.0.0.0/30"));
    assert_eq!(allocator.settle(HOUR), [name("x/3")]);
    assert_eq!(told(&allocator, "x/3"), "10.0.0.2 of a");
}
