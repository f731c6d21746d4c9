//! How full is a pool?

use model::{AddressPool, ByFamily};

use super::{allocator, pool, ranges, service, sharing};
use crate::{Fill, Surroundings, Whose};

fn capacity(pool: AddressPool, taken: &str) -> (u128, u128) {
    let mut allocator = allocator([], []);
    let taken = ranges(taken).into_iter().map(|range| (range, Whose::Services)).collect();
    allocator.set_surroundings(Surroundings(taken));
    allocator.apply_pool(pool);
    allocator.settle(super::HOUR);
    let (_, fill) = allocator.fills().next().expect("one pool");
    (fill.v4.capacity, fill.v6.capacity)
}

#[test]
fn what_can_be_given_is_counted_without_what_is_reserved_avoided_or_taken() {
    let avoiding = |addresses: &str| AddressPool { avoid_edges: true, ..pool("p", addresses) };
    let reserving = |addresses: &str, reserved: &str| AddressPool {
        reserved: ranges(reserved),
        ..pool("p", addresses)
    };
    let cases = [
        (pool("p", "10.0.0.0/24 10.0.0.128/25 fd00::/64"), "", (256, 1 << 64)),
        (pool("p", "::/0"), "", (0, u128::MAX)),
        (avoiding("10.0.0.0/24"), "", (254, 0)),
        (avoiding("10.0.0.0/16"), "", (65_536 - 512, 0)),
        (avoiding("10.0.0.1-10.0.0.254"), "", (254, 0)),
        (avoiding("10.0.0.255-10.0.1.0"), "", (0, 0)),
        (avoiding("10.0.0.128/25 fd00::/120"), "", (127, 256)),
        (avoiding("0.0.0.0/0"), "", ((1 << 32) - (1 << 25), 0)),
        (reserving("10.0.0.0/24", "10.0.0.1 10.0.0.0/30 10.9.0.0/24"), "", (252, 0)),
        (pool("p", "10.0.0.0/24"), "10.0.0.128-10.0.2.0 10.0.0.255", (128, 0)),
    ];
    for (pool, taken, expected) in cases {
        assert_eq!(capacity(pool.clone(), taken), expected, "{pool:?}");
    }
}

#[test]
fn an_address_counts_once_however_many_share_it() {
    let services = [sharing("a/1", "k", 80), sharing("a/2", "k", 443), service("a/3")];
    let mut allocator = allocator([pool("p", "10.0.0.0/29")], services);
    let used = |allocator: &crate::Allocator| {
        let (name, fill) = allocator.fills().next().expect("one pool");
        (name.to_string(), fill)
    };
    let fill = |used| {
        let v4 = Fill { used, capacity: 8 };
        ("p".to_owned(), ByFamily { v4, v6: Fill::default() })
    };
    assert_eq!(used(&allocator), fill(2));
    allocator.remove(&super::name("a/1"));
    allocator.settle(super::HOUR);
    assert_eq!(used(&allocator), fill(2));
    allocator.remove(&super::name("a/2"));
    allocator.settle(super::HOUR);
    assert_eq!(used(&allocator), fill(1));
}
