//! What of the cache does a client meet?

use super::upstream::{Mood, Server};
use super::world::{Told, World, failed, told};
use crate::cache::Freshness;
use crate::forward::Transport;

fn ok(ttl: u32) -> Server {
    Server { ttl, ..Server::is(Mood::Answers) }
}

fn stale() -> Told {
    Told::Reply { rcode: 0, is_truncated: false, is_stale: true, ttl: Some(30) }
}

#[test]
fn an_answer_is_kept_for_whoever_asks_next() {
    let mut world = World::new(&[ok(300)]);
    world.ask(1, "www.example");
    world.run(4_010);
    world.ask(2, "www.example");
    assert_eq!(
        (&*world.answers, world.sent.len()),
        (&[(10, 1, told(300)), (4_010, 2, told(296))][..], 1)
    );
}

#[test]
fn that_all_failed_is_kept_for_five_seconds() {
    let mut world = World::new(&[Server::is(Mood::Says(2))]);
    let servfail = || failed(2, 22, "192.0.2.0:53 said SERVFAIL");
    world.ask(1, "www.example");
    world.run(5_009);
    world.ask(2, "www.example");
    world.run(1);
    assert_eq!(world.sent.len(), 1);
    world.ask(3, "www.example");
    world.run(100);
    let answers = [(10, 1, servfail()), (5_009, 2, servfail()), (5_020, 3, servfail())];
    assert_eq!((&*world.answers, world.sent.len()), (&answers[..], 2));
}

#[test]
fn a_stale_answer_is_given_after_the_clients_patience() {
    let mut world = World::new(&[ok(10)]);
    world.ask(1, "www.example");
    world.run(20_000);
    world.servers[0].mood = Mood::Silent;
    world.ask(2, "www.example");
    world.ask_by(3, "www.example", Transport::Udp, false);
    world.run(7_000);
    let text = "192.0.2.0:53 did not answer in time";
    let answers = [(10, 1, told(10)), (21_800, 2, stale()), (24_500, 3, failed(2, 23, text))];
    assert_eq!(world.answers, answers);
    // For thirty seconds from the failure on nobody waits.
    world.sent.clear();
    world.run(54_499 - 27_000);
    world.ask(4, "www.example");
    assert_eq!((world.answers.last(), world.sent.len()), (Some(&(54_499, 4, stale())), 0));
    world.run(1);
    world.ask(5, "www.example");
    assert_eq!((world.answers.len(), world.sent.len()), (4, 1));
}

#[test]
fn a_fresh_answer_in_time_is_better_than_a_stale_one() {
    let mut world = World::new(&[ok(10)]);
    world.ask(1, "www.example");
    world.run(20_000);
    world.servers[0] = ok(10).after(150);
    world.ask(2, "www.example");
    world.run(2_000);
    assert_eq!(world.answers[1..], [(20_150, 2, told(10))]);
    assert_eq!(world.stats().stale_served, 0);
}

#[test]
fn a_failure_at_once_gives_the_stale_answer_at_once() {
    let mut world = World::new(&[ok(10)]);
    world.ask(1, "www.example");
    world.run(20_000);
    world.servers[0].mood = Mood::Says(2);
    world.ask(2, "www.example");
    world.run(100);
    assert_eq!(world.answers[1..], [(20_010, 2, stale())]);
}

#[test]
fn an_answer_is_refreshed_before_it_ends_when_a_reader_says_so() {
    let mut world = World::new(&[ok(100)]);
    world.ask(1, "www.example");
    // Nobody saw that it ends, so nothing is asked.
    world.refresh("www.example");
    world.run(95_000);
    assert_eq!(
        [world.seen("www.example"), world.seen("www.example")],
        [Some(Freshness::Fresh), Some(Freshness::Ending)]
    );
    world.refresh("www.example");
    world.refresh("www.example");
    world.run(1_000);
    assert_eq!((world.sent.len(), world.stats().prefetches), (2, 1));
    world.ask(2, "www.example");
    assert_eq!(world.answers[1..], [(96_000, 2, told(100))]);
}

#[test]
fn what_is_purged_is_asked_again() {
    let mut world = World::new(&[ok(300)]);
    world.ask(1, "www.example");
    world.run(100);
    assert_eq!(world.forwarder.cache_mut().purge(&[0]), 1);
    world.ask(2, "www.example");
    world.run(100);
    assert_eq!((world.answers.len(), world.sent.len()), (2, 2));
}
