//! Does a Service that comes back get what it had?

use std::time::Duration;

use super::{all_told, asking_for, name, pool, service, told};
use crate::tests::HOUR;
use crate::{Allocator, Remembered, Settings};

fn with(settings: Settings, addresses: &str, services: &[&str]) -> Allocator {
    let mut allocator = Allocator::new(settings);
    allocator.apply_pool(pool("p", addresses));
    services.iter().for_each(|it| allocator.apply(service(it)));
    allocator.settle(Duration::ZERO);
    allocator
}

fn remove(allocator: &mut Allocator, services: &[&str], now: Duration) {
    services.iter().for_each(|it| allocator.remove(&name(it)));
    allocator.settle(now);
}

fn add(allocator: &mut Allocator, services: &[&str], now: Duration) {
    services.iter().for_each(|it| allocator.apply(service(it)));
    allocator.settle(now);
}

#[test]
fn a_service_that_comes_back_in_time_finds_its_address_and_others_pass_it_by() {
    let mut allocator = with(Settings::default(), "10.0.0.0/24", &["x/1", "x/2", "x/3"]);
    remove(&mut allocator, &["x/1", "x/2"], HOUR);
    add(&mut allocator, &["a/new"], 2 * HOUR);
    add(&mut allocator, &["x/2", "x/1"], 25 * HOUR - Duration::from_nanos(1));
    assert_eq!(
        all_told(&allocator, ["a/new", "x/1", "x/2", "x/3"]),
        ["10.0.0.3 of p", "10.0.0.0 of p", "10.0.0.1 of p", "10.0.0.2 of p"]
    );
}

#[test]
fn after_that_time_the_address_is_anybodys() {
    let mut allocator = with(Settings::default(), "10.0.0.0/24", &["x/1", "x/2"]);
    remove(&mut allocator, &["x/1"], HOUR);
    assert_eq!(allocator.next_due(), Some(25 * HOUR));
    add(&mut allocator, &["a/new"], 25 * HOUR);
    assert_eq!(told(&allocator, "a/new"), "10.0.0.0 of p");
    assert_eq!(allocator.next_due(), None);
}

#[test]
fn a_pool_is_full_only_when_nothing_is_free_and_what_was_left_first_is_given_first() {
    let mut allocator = with(Settings::default(), "10.0.0.0/31", &["x/1", "x/2"]);
    remove(&mut allocator, &["x/2"], HOUR);
    remove(&mut allocator, &["x/1"], 2 * HOUR);
    add(&mut allocator, &["a/new"], 3 * HOUR);
    assert_eq!(told(&allocator, "a/new"), "10.0.0.1 of p");
    // Its address is gone, and it takes what is left.
    add(&mut allocator, &["x/2"], 3 * HOUR);
    assert_eq!(told(&allocator, "x/2"), "10.0.0.0 of p");
}

#[test]
fn who_asks_for_an_address_gets_it_though_another_had_it() {
    let mut allocator = with(Settings::default(), "10.0.0.0/24", &["x/1"]);
    remove(&mut allocator, &["x/1"], HOUR);
    allocator.apply(asking_for(service("x/2"), "10.0.0.0"));
    allocator.settle(HOUR);
    assert_eq!(told(&allocator, "x/2"), "10.0.0.0 of p");
    assert_eq!(allocator.remembered().count(), 0);
}

#[test]
fn in_quarantine_an_address_is_for_its_last_service_only() {
    let settings = Settings { hold_down: 2 * HOUR, quarantine: HOUR };
    let mut allocator = with(settings, "10.0.0.0/31", &["x/1", "x/2"]);
    remove(&mut allocator, &["x/1", "x/2"], HOUR);
    add(&mut allocator, &["x/1", "a/new"], HOUR);
    allocator.apply(asking_for(service("a/asks"), "10.0.0.1"));
    allocator.settle(HOUR);
    assert_eq!(
        all_told(&allocator, ["x/1", "a/new", "a/asks"]),
        [
            "10.0.0.0 of p",
            "pool p: no IPv4 address is left (1 of 2 are in use, the others are \
             held back)",
            "pool p: 10.0.0.1: another Service had it a short time ago",
        ]
    );
    assert_eq!(allocator.next_due(), Some(2 * HOUR));
    assert_eq!(allocator.settle(2 * HOUR), ["a/asks", "a/new"].map(name));
    assert_eq!(
        all_told(&allocator, ["a/new", "a/asks"]),
        ["pool p: no IPv4 address is left (2 of 2 are in use)", "10.0.0.1 of p"]
    );
}

#[test]
fn without_a_hold_down_the_lowest_is_given_again() {
    let settings = Settings { hold_down: Duration::ZERO, ..Settings::default() };
    let mut allocator = with(settings, "10.0.0.0/24", &["x/1", "x/2"]);
    remove(&mut allocator, &["x/1"], HOUR);
    add(&mut allocator, &["a/new"], HOUR);
    assert_eq!(told(&allocator, "a/new"), "10.0.0.0 of p");
    assert_eq!(allocator.remembered().count(), 0);
}

#[test]
fn what_is_remembered_can_be_handed_to_the_next() {
    let mut first = with(Settings::default(), "10.0.0.0/24", &["x/1", "x/2"]);
    remove(&mut first, &["x/1"], HOUR);
    let mut second = Allocator::new(Settings::default());
    for (address, remembered) in first.remembered() {
        second.remember(address, Remembered::clone(remembered));
    }
    second.apply_pool(pool("p", "10.0.0.0/24"));
    add(&mut second, &["a/new", "x/1"], 2 * HOUR);
    assert_eq!(all_told(&second, ["a/new", "x/1"]), ["10.0.0.1 of p", "10.0.0.0 of p"]);
    // It came too late for one that somebody has.
    for (address, remembered) in first.remembered() {
        second.remember(address, Remembered::clone(remembered));
    }
    assert_eq!(second.remembered().count(), 0);
}

#[test]
fn the_pool_in_which_a_service_had_an_address_is_asked_before_others() {
    let mut allocator = with(Settings::default(), "10.0.0.0", &["x/1", "x/2"]);
    allocator.apply_pool(pool("q", "10.0.1.0/24"));
    allocator.settle(HOUR);
    assert_eq!(told(&allocator, "x/2"), "10.0.1.0 of q");
    remove(&mut allocator, &["x/1", "x/2"], HOUR);
    add(&mut allocator, &["x/2"], HOUR);
    assert_eq!(told(&allocator, "x/2"), "10.0.1.0 of q");
}
