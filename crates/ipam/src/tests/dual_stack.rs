//! Which families does a Service get?

use model::{AddressPool, AddressRequest, Family, FamilyPolicy};

use super::{all_told, allocator, asking_for, dual, holding, in_pool, name, pool, service, told};
use crate::tests::HOUR;

const PREFER: FamilyPolicy = FamilyPolicy::PreferDualStack;
const REQUIRE: FamilyPolicy = FamilyPolicy::RequireDualStack;

fn prefer(text: &str) -> AddressRequest {
    dual(service(text), PREFER)
}

fn require(text: &str) -> AddressRequest {
    dual(service(text), REQUIRE)
}

fn v4() -> AddressPool {
    pool("a-v4", "10.0.0.0/24")
}

fn v6() -> AddressPool {
    pool("b-v6", "fd00::/120")
}

#[test]
fn both_families_come_from_one_pool_in_the_services_order() {
    let both = pool("c-both", "fd00:1::/120 10.0.1.0/24");
    let v6_first = AddressRequest { families: vec![Family::V6, Family::V4], ..prefer("x/3") };
    let allocator = allocator([v4(), v6(), both], [prefer("x/1"), require("x/2"), v6_first]);
    assert_eq!(
        all_told(&allocator, ["x/1", "x/2", "x/3"]),
        [
            "10.0.1.0 of c-both | fd00:1:: of c-both",
            "10.0.1.1 of c-both | fd00:1::1 of c-both",
            "fd00:1::2 of c-both | 10.0.1.2 of c-both",
        ]
    );
}

#[test]
fn without_such_a_pool_prefer_takes_its_first_family_and_says_so_and_require_takes_none() {
    let v6_first = AddressRequest { families: vec![Family::V6, Family::V4], ..prefer("x/3") };
    let both = [v4(), v6()];
    let allocator = allocator(both, [prefer("x/1"), require("x/2"), v6_first]);
    assert_eq!(
        all_told(&allocator, ["x/1", "x/2", "x/3"]),
        [
            "10.0.0.0 of a-v4 | pool a-v4: has no IPv6 addresses",
            "pool a-v4: has no IPv6 addresses; pool b-v6: has no IPv4 addresses",
            "fd00:: of b-v6 | pool b-v6: has no IPv4 addresses",
        ]
    );
}

#[test]
fn prefer_takes_its_second_family_where_there_is_no_first() {
    let allocator = allocator([v6()], [prefer("x/1")]);
    assert_eq!(told(&allocator, "x/1"), "fd00:: of b-v6 | pool b-v6: has no IPv4 addresses");
}

#[test]
fn who_would_take_one_family_of_two_waits_for_the_one_that_the_pool_has() {
    let v6_first = AddressRequest { families: vec![Family::V6, Family::V4], ..prefer("x/2") };
    let mut allocator = allocator([pool("a-v4", "10.0.0.7")], [service("x/1"), v6_first]);
    assert_eq!(told(&allocator, "x/2"), "pool a-v4: no IPv4 address is left (1 of 1 are in use)");
    allocator.remove(&name("x/1"));
    allocator.settle(HOUR);
    assert_eq!(told(&allocator, "x/2"), "10.0.0.7 of a-v4 | pool a-v4: has no IPv6 addresses");
}

#[test]
fn the_second_family_comes_later_from_the_same_pool_and_no_other() {
    let mut allocator = allocator([v4()], [prefer("x/1"), require("x/2")]);
    allocator.apply_pool(v6());
    allocator.settle(HOUR);
    assert_eq!(told(&allocator, "x/1"), "10.0.0.0 of a-v4 | pool a-v4: has no IPv6 addresses");
    allocator.apply_pool(pool("a-v4", "10.0.0.0/24 fd00:1::"));
    assert_eq!(allocator.settle(HOUR), ["x/1", "x/2"].map(name));
    assert_eq!(
        all_told(&allocator, ["x/1", "x/2"]),
        [
            "10.0.0.0 of a-v4 | fd00:1:: of a-v4",
            "pool a-v4: no IPv6 address is left (1 of 1 are in use); \
             pool b-v6: has no IPv4 addresses",
        ]
    );
    allocator.remove(&name("x/1"));
    assert_eq!(allocator.settle(HOUR), ["x/1", "x/2"].map(name));
    assert_eq!(told(&allocator, "x/2"), "10.0.0.1 of a-v4 | fd00:1:: of a-v4");
}

#[test]
fn a_service_that_gains_a_family_keeps_what_it_has_and_one_that_loses_one_gives_it_up() {
    let mut allocator = allocator([pool("p", "10.0.0.0/24 fd00::/120")], [service("x/1")]);
    allocator.apply(require("x/1"));
    allocator.settle(HOUR);
    assert_eq!(told(&allocator, "x/1"), "10.0.0.0 of p | fd00:: of p");
    allocator.apply(service("x/1"));
    allocator.settle(HOUR);
    assert_eq!(told(&allocator, "x/1"), "10.0.0.0 of p");
}

#[test]
fn the_family_that_is_not_asked_for_comes_from_the_pool_of_the_one_that_is() {
    let both = || pool("c-both", "10.0.1.0/24 fd00:1::/120");
    let cases = [
        (asking_for(prefer("x/1"), "fd00:1::9"), "10.0.1.0 of c-both | fd00:1::9 of c-both"),
        (asking_for(require("x/1"), "10.0.1.9"), "10.0.1.9 of c-both | fd00:1:: of c-both"),
        (
            asking_for(prefer("x/1"), "10.0.0.9"),
            "10.0.0.9 of a-v4 | pool a-v4: has no IPv6 addresses",
        ),
        (asking_for(require("x/1"), "10.0.0.9"), "pool a-v4: has no IPv6 addresses"),
        (asking_for(require("x/1"), "10.0.0.9 fd00::9"), "10.0.0.9 of a-v4 | fd00::9 of b-v6"),
        (asking_for(prefer("x/1"), "10.0.0.9 fd01::9"), "fd01::9 is in no pool"),
        (in_pool(prefer("x/1"), "b-v6"), "fd00:: of b-v6 | pool b-v6: has no IPv4 addresses"),
    ];
    for (request, expected) in cases {
        let allocator = allocator([v4(), v6(), both()], [request]);
        assert_eq!(told(&allocator, "x/1"), expected);
    }
}

#[test]
fn addresses_of_two_pools_are_kept_and_so_is_half_of_a_required_pair() {
    let services =
        [holding(require("x/1"), "10.0.0.5 fd00::5"), holding(require("x/2"), "10.0.0.6")];
    let mut allocator = allocator([v4(), v6()], services);
    assert_eq!(
        all_told(&allocator, ["x/1", "x/2"]),
        [
            "10.0.0.5 of a-v4 | fd00::5 of b-v6",
            "10.0.0.6 of a-v4 | pool a-v4: has no IPv6 addresses",
        ]
    );
    allocator.remove_pool(&model::PoolName::new("b-v6"));
    allocator.settle(HOUR);
    assert_eq!(told(&allocator, "x/1"), "10.0.0.5 of a-v4 | pool a-v4: has no IPv6 addresses");
}
