//! Who is asked next because of what an upstream said, and who is not because all are down?

use super::upstream::{Mood, Server};
use super::world::{Told, World, failed, group, group_of, told};
use crate::forward::{Group, RuleId};

const NXDOMAIN: u16 = 3;
const REFUSED: u16 = 5;

fn denied() -> Told {
    Told::Reply { rcode: NXDOMAIN, is_truncated: false, is_stale: false, ttl: None }
}

fn says(rcode: u16) -> Server {
    Server::is(Mood::Says(rcode))
}

fn ok() -> Server {
    Server::is(Mood::Answers)
}

/// Whom it asked, and when.
fn asked(world: &World) -> Vec<(u64, usize)> {
    world.sent.iter().map(|sent| (sent.at, sent.upstream)).collect()
}

#[test]
fn a_code_of_failover_holds_only_when_no_other_upstream_says_anything_else() {
    for (servers, expected) in [
        ([says(NXDOMAIN), ok()], told(300)),
        ([says(NXDOMAIN), says(NXDOMAIN)], denied()),
        ([says(NXDOMAIN), says(REFUSED)], denied()),
        ([says(REFUSED), says(NXDOMAIN)], denied()),
    ] {
        let failover = vec![NXDOMAIN];
        let mut world = World::with(Group { failover, ..group(2) }, |_| {}, &servers);
        world.ask(1, "www.example");
        world.run(6_000);
        assert_eq!(world.answers, [(20, 1, expected)]);
        assert_eq!(asked(&world), [(0, 0), (10, 1)]);
    }
}

/// Two upstreams, and a group of one that is asked after some codes.
fn handing_on(codes: &[u16], servers: &[Server]) -> World {
    let first = Group { next: (codes.to_vec(), Some(RuleId(1))), ..group_of(0..2) };
    let mut world = World::of_groups(vec![first, group_of(2..3)], |_| {}, servers);
    world.ask(1, "www.example");
    world.run(6_000);
    world
}

#[test]
fn after_a_code_of_next_the_next_group_is_asked_instead() {
    for (rcode, codes) in [(NXDOMAIN, &[NXDOMAIN][..]), (REFUSED, &[NXDOMAIN, REFUSED])] {
        let world = handing_on(codes, &[says(rcode), ok(), ok()]);
        assert_eq!(world.answers, [(20, 1, told(300))]);
        assert_eq!(asked(&world), [(0, 0), (10, 2)]);
        assert_eq!((world.open(), world.stats().outstanding), ((0, 0), 0));
    }
}

#[test]
fn after_another_code_the_next_group_is_not_asked() {
    let world = handing_on(&[REFUSED], &[says(NXDOMAIN), ok(), ok()]);
    assert_eq!((asked(&world), world.answers), (vec![(0, 0)], vec![(10, 1, denied())]));
}

#[test]
fn what_was_said_holds_when_the_next_group_knows_nothing() {
    let world = handing_on(&[NXDOMAIN], &[says(NXDOMAIN), ok(), says(REFUSED)]);
    assert_eq!(world.answers, [(20, 1, denied())]);
    let silent = Server::is(Mood::Silent);
    let world = handing_on(&[NXDOMAIN], &[says(NXDOMAIN), ok(), silent]);
    assert_eq!(world.answers, [(4_500, 1, denied())]);
}

#[test]
fn where_that_is_wished_a_question_fails_at_once_while_all_are_down() {
    let gone = Server::is(Mood::Silent);
    let group = Group { fails_fast: true, ..group(1) };
    let mut world = World::with(group, |_| {}, std::slice::from_ref(&gone));
    world.ask(1, "www.example");
    world.run(6_000);
    world.ask(2, "other.example");
    world.run(100);
    let text = "no upstream is asked: all are down";
    assert_eq!(world.answers.last(), Some(&(6_000, 2, failed(2, 0, text))));
    assert_eq!(world.stats().none_up, 1);
    // A probe finds it well.
    world.servers = vec![ok()];
    world.run(1_000);
    world.ask(3, "last.example");
    world.run(100);
    assert_eq!(world.answers.last(), Some(&(7_110, 3, told(300))));
}
