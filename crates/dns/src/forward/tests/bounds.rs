//! What happens at each bound?

use super::upstream::{Mood, Server};
use super::world::{World, failed, group, told};
use crate::cache::Freshness;
use crate::forward::Group;

#[test]
fn one_question_more_than_may_wait_is_refused() {
    let few = Group { outstanding_max: 3, ..group(1) };
    let mut world = World::with(few, |_| {}, &[Server::is(Mood::Answers)]);
    for ticket in 0..5 {
        world.ask(ticket, &format!("n{}.example", ticket / 2));
    }
    assert_eq!(world.stats().outstanding, 3);
    world.run(100);
    let full = || failed(5, 0, "no more questions than 3 may be in flight");
    let first = [(0, 3, full()), (0, 4, full())];
    let answers: Vec<_> = first.into_iter().chain((0..3).map(|it| (10, it, told(300)))).collect();
    assert_eq!((world.answers, world.forwarder.stats().refused), (answers, 2));
}

#[test]
fn what_goes_on_without_anybody_waiting_counts_too() {
    let few = Group { outstanding_max: 1, ..group(1) };
    let mut world = World::with(few, |_| {}, &[Server { ttl: 100, ..Server::is(Mood::Answers) }]);
    world.ask(1, "ending.example");
    world.run(100);
    world.servers[0].ttl = 5;
    world.ask(2, "stale.example");
    world.run(95_000);
    let ending = [world.seen("ending.example"), world.seen("ending.example")];
    assert_eq!(ending, [Some(Freshness::Fresh), Some(Freshness::Ending)]);
    world.servers[0].mood = Mood::Silent;
    world.ask(3, "stale.example");
    world.run(1_900);
    // Whoever waited has a stale answer, and the fresh one is still sought.
    assert_eq!((world.answers.len(), world.stats().outstanding), (3, 0));
    let asked = world.sent.len();
    world.refresh("ending.example");
    world.ask(4, "last.example");
    let full = failed(5, 0, "no more questions than 1 may be in flight");
    assert_eq!(world.answers[3..], [(97_000, 4, full)]);
    assert_eq!((world.sent.len(), world.stats().prefetches), (asked, 0));
}

#[test]
fn a_flood_to_silent_upstreams_is_bounded_and_passes() {
    let mut world = World::new(&[Server::is(Mood::Silent), Server::is(Mood::Silent)]);
    let (mut most_sockets, mut most_waiting) = (0, 0);
    for ticket in 0..20_000 {
        world.ask(ticket, &format!("n{ticket}.example"));
        most_sockets = most_sockets.max(world.open().0);
        if ticket % 10 == 0 {
            most_waiting = most_waiting.max(world.stats().outstanding);
            world.run(1);
        }
    }
    world.run(6_000);
    assert_eq!(world.answers.len(), 20_000);
    // Three sockets a question, and two probes of each upstream.
    assert!(most_sockets <= 3_004, "{most_sockets}");
    assert_eq!((most_waiting, world.open(), world.forwarder.is_idle()), (1_000, (4, 0), true));
    world.servers = vec![Server::is(Mood::Answers), Server::is(Mood::Answers)];
    world.run(6_000);
    world.ask(20_000, "www.example");
    world.run(100);
    assert_eq!(world.answers[20_000].2, told(300));
}

#[test]
fn one_question_does_not_hold_more_sockets_than_it_may() {
    let mut world = World::new(&[
        Server::is(Mood::Silent),
        Server::is(Mood::Silent),
        Server::is(Mood::Silent),
        Server::is(Mood::Silent),
    ]);
    world.ask(1, "www.example");
    let open: Vec<usize> = (0..4)
        .map(|_| {
            world.run(1_000);
            world.open().0
        })
        .collect();
    // Four loop probes wait, too.
    assert_eq!(open, [6, 7, 7, 7]);
}
