//! Does a Service keep its address, whatever else happens?

use model::{AddressPool, AddressRequest, Mac};

use super::{all_told, allocator, holding, in_pool, name, pool, service, told};
use crate::tests::HOUR;
use crate::{Allocator, Settings, Surroundings, Whose};

#[test]
fn who_has_an_address_by_its_status_keeps_it_before_others_get_one() {
    let allocator = allocator(
        [pool("a", "10.0.0.0/24")],
        [service("a/first"), service("b/second"), holding(service("z/last"), "10.0.0.0")],
    );
    assert_eq!(
        all_told(&allocator, ["a/first", "b/second", "z/last"]),
        ["10.0.0.1 of a", "10.0.0.2 of a", "10.0.0.0 of a"]
    );
}

#[test]
fn of_two_with_one_address_in_their_status_the_older_keeps_it() {
    let mut young = holding(service("a/young"), "10.0.0.5");
    young.created_s = 9;
    let allocator =
        allocator([pool("a", "10.0.0.0/24")], [young, holding(service("b/old"), "10.0.0.5")]);
    assert_eq!(all_told(&allocator, ["a/young", "b/old"]), ["10.0.0.0 of a", "10.0.0.5 of a"]);
}

#[test]
fn a_restart_moves_nobody() {
    let pools = [pool("a", "10.0.0.0/30"), pool("b", "10.0.1.0/24")];
    let names = ["x/1", "x/2", "x/3", "x/4", "x/5", "x/6"];
    let before = allocator(pools.clone(), names.map(service));
    let mut after = Allocator::new(Settings::default());
    pools.into_iter().for_each(|pool| after.apply_pool(pool));
    for service in names {
        let outcome = before.outcome(&name(service)).expect("it asks");
        let held = outcome.addresses.iter().map(|(address, _)| *address).collect();
        after.apply(AddressRequest { held, ..super::service(service) });
    }
    after.settle(HOUR);
    assert_eq!(all_told(&after, names), all_told(&before, names));
}

#[test]
fn what_is_written_into_the_status_comes_back_and_changes_nothing() {
    let mut allocator = allocator([pool("a", "10.0.0.0/24")], [service("x/1")]);
    allocator.apply(holding(service("x/1"), "10.0.0.0"));
    assert_eq!(allocator.settle(HOUR), []);
    // Nor does what another controller writes there.
    allocator.apply(holding(service("x/1"), "10.0.0.9"));
    assert_eq!(allocator.settle(HOUR), []);
    assert_eq!(told(&allocator, "x/1"), "10.0.0.0 of a");
}

#[test]
fn a_pool_that_gives_nothing_more_takes_nothing_back() {
    let mut allocator = allocator([pool("a", "10.0.0.0/24")], [service("x/1")]);
    for pool in [
        AddressPool { disabled: true, ..pool("a", "10.0.0.0/24") },
        AddressPool { auto_assign: false, ..pool("a", "10.0.0.0/24") },
        AddressPool { priority: Some(1), ..pool("a", "10.0.0.0/24") },
    ] {
        allocator.apply_pool(pool);
        allocator.apply(service("x/2"));
        allocator.settle(HOUR);
        assert_eq!(told(&allocator, "x/1"), "10.0.0.0 of a");
    }
}

#[test]
fn a_node_or_a_machine_outside_with_the_address_stops_new_services_only() {
    let mut allocator = allocator([pool("a", "10.0.0.0/30")], [service("x/1")]);
    let node =
        |text: &str| (text.parse().expect("a range"), Whose::Node(model::NodeName::new("n1")));
    allocator.set_surroundings(Surroundings(vec![node("10.0.0.0"), node("10.0.0.1")]));
    allocator.set_conflict([10, 0, 0, 2].into(), Some(Mac([2, 0, 0, 0, 0, 7])));
    for request in [
        service("x/2"),
        super::asking_for(service("x/3"), "10.0.0.1"),
        super::asking_for(service("x/4"), "10.0.0.2"),
        service("x/5"),
    ] {
        allocator.apply(request);
    }
    allocator.settle(HOUR);
    assert_eq!(
        all_told(&allocator, ["x/1", "x/2", "x/3", "x/4", "x/5"]),
        [
            "10.0.0.0 of a",
            "10.0.0.3 of a",
            "pool a: 10.0.0.1: in use for Node n1",
            "pool a: 10.0.0.2: the machine 02:00:00:00:00:07 outside the cluster answers for it",
            "pool a: no IPv4 address is left (1 of 2 are in use, the others are held back)",
        ]
    );
    assert_eq!(
        super::problems(&allocator),
        [
            "AddressPool a spec.addresses: 10.0.0.0 is in use for Node n1; it is not given",
            "AddressPool a spec.addresses: 10.0.0.1 is in use for Node n1; it is not given",
        ]
    );
    allocator.set_conflict([10, 0, 0, 2].into(), None);
    allocator.settle(HOUR);
    assert_eq!(
        all_told(&allocator, ["x/4", "x/5"]),
        ["10.0.0.2 of a", "pool a: no IPv4 address is left (2 of 2 are in use)"]
    );
}

#[test]
fn a_pool_by_name_that_does_not_have_the_address_takes_it_away() {
    let pools = [pool("a", "10.0.0.0/24"), pool("b", "10.0.1.0/24")];
    let allocator = allocator(pools, [in_pool(holding(service("x/1"), "10.0.0.8"), "b")]);
    assert_eq!(told(&allocator, "x/1"), "10.0.1.0 of b");
}
