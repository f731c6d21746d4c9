//! Does the work depend on what changed, and not on all there is?

use std::time::Duration;

use model::AddressRequest;

use super::{name, pool, service, sharing, told};
use crate::{Allocator, Settings};

const SERVICES: u32 = 2_000;

fn many(allocator: &mut Allocator, services: u32) {
    for index in 0..services {
        allocator.apply(service(&format!("x/{index:05}")));
    }
    allocator.settle(Duration::ZERO);
}

#[test]
fn thousands_of_services_get_the_first_addresses_of_a_huge_pool_in_order() {
    let mut allocator = Allocator::new(Settings::default());
    allocator.apply_pool(pool("p", "10.0.0.0/8 fd00::/8"));
    many(&mut allocator, SERVICES);
    let told = [0, 1, 255, 256, SERVICES - 1].map(|it| told(&allocator, &format!("x/{it:05}")));
    let expected = ["10.0.0.0", "10.0.0.1", "10.0.0.255", "10.0.1.0", "10.0.7.207"];
    assert_eq!(told, expected.map(|it| format!("{it} of p")));
}

#[test]
fn only_those_are_looked_at_again_for_which_something_may_have_become_free() {
    let mut allocator = Allocator::new(Settings::default());
    allocator.apply_pool(pool("full", "10.0.0.0/30"));
    allocator.apply_pool(model::AddressPool { auto_assign: false, ..pool("other", "10.0.1.0/24") });
    many(&mut allocator, SERVICES);
    allocator
        .apply(AddressRequest { pool: Some(model::PoolName::new("other")), ..service("x/other") });
    allocator.settle(Duration::ZERO);
    let waiting = |allocator: &Allocator, pool: &str| {
        allocator.waiting.get(pool).map_or(0, std::collections::BTreeSet::len)
    };
    assert_eq!(waiting(&allocator, "full"), 1_996);
    assert_eq!(waiting(&allocator, "other"), 0);
    allocator.remove(&name("x/00000"));
    assert_eq!(allocator.settle(Duration::ZERO), ["x/00000", "x/00004"].map(name));
    assert_eq!(waiting(&allocator, "full"), 1_995);
}

#[test]
fn thousands_that_share_by_one_key_find_their_address() {
    let mut allocator = Allocator::new(Settings::default());
    allocator.apply_pool(pool("p", "10.0.0.0/8"));
    for index in 0..SERVICES {
        let port = 80 + u16::try_from(index % 4).expect("small");
        allocator.apply(sharing(&format!("x/{index:05}"), "k", port));
    }
    allocator.settle(Duration::ZERO);
    assert_eq!(allocator.holdings().count(), 500);
}
