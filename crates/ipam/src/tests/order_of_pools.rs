//! Which pool is asked first?

use model::AddressPool;

use super::{
    all_told, allocator, asking_for, for_namespace, in_pool, pool, selector, service, told,
};
use model::{AddressRequest, PoolSelectors};

fn with_priority(pool: AddressPool, priority: u32) -> AddressPool {
    AddressPool { priority: Some(priority), ..pool }
}

fn labelled(service: AddressRequest) -> AddressRequest {
    AddressRequest { labels: [("team".into(), "a".into())].into(), ..service }
}

#[test]
fn an_address_by_name_then_a_pool_by_name_then_selectors_then_open_pools() {
    let pools = || {
        [
            pool("a-open", "10.0.0.0/24"),
            pool("b-open", "10.0.1.0/24"),
            AddressPool { admits: for_namespace("shop"), ..pool("c-pinned", "10.0.2.0/24") },
            AddressPool { auto_assign: false, ..pool("d-manual", "10.0.3.0/24") },
        ]
    };
    let allocator = allocator(
        pools(),
        [
            asking_for(service("shop/address"), "10.0.3.9"),
            in_pool(service("shop/pool"), "d-manual"),
            service("shop/selected"),
            service("bank/open"),
        ],
    );
    assert_eq!(
        all_told(&allocator, ["shop/address", "shop/pool", "shop/selected", "bank/open"]),
        [
            "10.0.3.9 of d-manual",
            "10.0.3.0 of d-manual",
            "10.0.2.0 of c-pinned",
            "10.0.0.0 of a-open",
        ]
    );
}

#[test]
fn among_equals_the_lower_priority_goes_first_absent_last_then_the_name() {
    let one = |name: &str, third: u8| pool(name, &format!("10.0.{third}.0"));
    let pools = [
        one("a", 0),
        with_priority(one("b", 1), 20),
        with_priority(one("c", 2), 3),
        with_priority(one("d", 3), 3),
        one("e", 4),
    ];
    let names = ["x/1", "x/2", "x/3", "x/4", "x/5"];
    let allocator = allocator(pools, names.map(service));
    let expected =
        ["10.0.2.0 of c", "10.0.3.0 of d", "10.0.1.0 of b", "10.0.0.0 of a", "10.0.4.0 of e"];
    assert_eq!(all_told(&allocator, names), expected);
}

#[test]
fn namespace_and_service_must_both_be_selected_and_one_of_a_list_is_enough() {
    let admits = PoolSelectors {
        namespaces: ["shop".into()].into(),
        namespace_selectors: vec![selector("env=dev"), selector("env=test")],
        service_selectors: vec![selector("team=a"), selector("team=b")],
    };
    let mut allocator =
        allocator([AddressPool { admits, ..pool("p", "10.0.0.0/24") }], [service("x/y")]);
    allocator.set_namespace("lab", [("env".into(), "test".into())].into());
    for request in [
        labelled(service("shop/a")),
        service("shop/b"),
        labelled(service("lab/c")),
        labelled(service("bank/d")),
    ] {
        allocator.apply(request);
    }
    allocator.settle(super::HOUR);
    assert_eq!(
        all_told(&allocator, ["shop/a", "shop/b", "lab/c", "bank/d"]),
        [
            "10.0.0.1 of p",
            "pool p: not for a Service with these labels",
            "10.0.0.0 of p",
            "pool p: not for this namespace",
        ]
    );
}

#[test]
fn labels_of_a_namespace_open_and_close_a_pool() {
    let admits = PoolSelectors {
        namespace_selectors: vec![selector("env=dev")],
        ..PoolSelectors::default()
    };
    let mut allocator =
        allocator([AddressPool { admits, ..pool("p", "10.0.0.0/24") }], [service("shop/web")]);
    assert_eq!(told(&allocator, "shop/web"), "pool p: not for this namespace");
    allocator.set_namespace("shop", [("env".into(), "dev".into())].into());
    assert_eq!(allocator.settle(super::HOUR), [super::name("shop/web")]);
    assert_eq!(told(&allocator, "shop/web"), "10.0.0.0 of p");
    allocator.set_namespace("shop", [].into());
    allocator.settle(super::HOUR);
    assert_eq!(told(&allocator, "shop/web"), "pool p: not for this namespace");
}

#[test]
fn the_next_pool_is_asked_when_one_is_full() {
    let names = ["x/1", "x/2", "x/3"];
    let allocator = allocator([pool("a", "10.0.0.1"), pool("b", "10.0.0.5")], names.map(service));
    assert_eq!(
        all_told(&allocator, names),
        [
            "10.0.0.1 of a",
            "10.0.0.5 of b",
            "pool a: no IPv4 address is left (1 of 1 are in use); \
             pool b: no IPv4 address is left (1 of 1 are in use)",
        ]
    );
}
