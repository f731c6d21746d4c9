//! Who is asked, who next, and when is nobody left?

use std::time::Duration;

use super::upstream::{Mood, Server};
use super::world::{World, failed, group, told};
use crate::forward::{Policy, Settings};
use crate::received::written::name;

fn ok() -> Server {
    Server::is(Mood::Answers)
}

/// Whom it asked, and when.
fn asked(world: &World) -> Vec<(u64, usize)> {
    world.sent.iter().map(|sent| (sent.at, sent.upstream)).collect()
}

#[test]
fn a_question_goes_on_with_its_name_and_nothing_else_of_the_client() {
    let mut world = World::new(&[ok()]);
    world.ask(1, "Www.example");
    world.run(10);
    let opt = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];
    let query = [&[1, 0, 0, 1, 0, 0, 0, 0, 0, 1][..], &name("www.example"), &[0, 1, 0, 1], &opt];
    assert_eq!(world.sent[0].bytes[2..], query.concat());
    assert_eq!((world.answers, world.sent.len()), (vec![(10, 1, told(300))], 1));
}

#[test]
fn equal_questions_in_flight_are_asked_once() {
    let mut world = World::new(&[ok()]);
    world.ask(1, "www.example");
    world.run(5);
    world.ask(2, "WWW.example");
    world.ask(3, "other.example");
    world.run(100);
    let answers = [(10, 1, told(300)), (10, 2, told(300)), (15, 3, told(300))];
    assert_eq!((&*world.answers, world.stats().coalesced), (&answers[..], 1));
    assert_eq!(asked(&world), [(0, 0), (5, 0)]);
}

#[test]
fn a_second_upstream_is_asked_when_the_first_is_silent() {
    let mut world = World::new(&[Server::is(Mood::Silent), ok()]);
    world.ask(1, "www.example");
    world.run(6_000);
    // A new upstream is given a second.
    assert_eq!(
        (asked(&world), &*world.answers),
        (vec![(0, 0), (1_000, 1)], &[(1_010, 1, told(300))][..])
    );
}

#[test]
fn an_answer_that_is_late_still_counts() {
    let mut world = World::new(&[ok().after(1_500)]);
    world.ask(1, "www.example");
    world.run(6_000);
    assert_eq!(asked(&world), [(0, 0), (1_000, 0)]);
    assert_eq!((&*world.answers, world.open()), (&[(1_500, 1, told(300))][..], (0, 0)));
}

#[test]
fn what_one_refuses_is_asked_of_another() {
    for rcode in [2, 5] {
        let mut world = World::new(&[Server::is(Mood::Says(rcode)), ok()]);
        world.ask(1, "www.example");
        world.run(6_000);
        assert_eq!(world.answers, [(20, 1, told(300))]);
        assert_eq!(world.stats().upstreams[0].refusals, 1);
    }
}

#[test]
fn what_all_refuse_fails_with_what_the_last_said() {
    let mut world = World::new(&[Server::is(Mood::Says(2)), Server::is(Mood::Says(5))]);
    world.ask(1, "www.example");
    world.run(6_000);
    assert_eq!(world.answers, [(20, 1, failed(5, 22, "192.0.2.1:53 said REFUSED"))]);
    assert_eq!(asked(&world), [(0, 0), (10, 1)]);
}

#[test]
fn the_upstreams_own_explanation_goes_on() {
    let mut world = World::new(&[Server::is(Mood::Explains)]);
    world.ask(1, "www.example");
    world.run(100);
    assert_eq!(world.answers, [(10, 1, failed(2, 6, "192.0.2.0:53 said SERVFAIL: signature"))]);
}

#[test]
fn when_all_are_silent_the_question_fails_after_its_patience() {
    let mut world = World::new(&[Server::is(Mood::Silent), Server::is(Mood::Silent)]);
    world.ask(1, "www.example");
    world.run(6_000);
    let text = "192.0.2.0:53 did not answer in time";
    assert_eq!(world.answers, [(4_500, 1, failed(2, 23, text))]);
    assert_eq!(asked(&world), [(0, 0), (1_000, 1), (2_000, 0), (4_000, 1)]);
    // Both may lead back to us, which was not answered; the first is asked whether it is back.
    assert_eq!(world.stats().sockets, 3);
}

#[test]
fn an_upstream_that_comes_back_meanwhile_answers() {
    let mut world = World::new(&[Server::is(Mood::Unreachable)]);
    world.ask(1, "www.example");
    world.run(50);
    world.servers[0] = ok();
    world.run(5_000);
    // The network refused it at 10 ms.
    assert_eq!(asked(&world), [(0, 0), (110, 0)]);
    assert_eq!(world.answers, [(120, 1, told(300))]);
}

#[test]
fn when_the_network_twice_reaches_none_the_question_fails_at_once() {
    let gone = || Server::is(Mood::Unreachable).after(1);
    for (servers, expected) in [
        (vec![gone()], vec![(0, 0), (101, 0)]),
        (vec![gone(), gone()], vec![(0, 0), (1, 1), (102, 0), (103, 1)]),
        (vec![gone(), gone(), gone()], vec![(0, 0), (1, 1), (2, 2), (103, 0), (104, 1), (105, 2)]),
    ] {
        let mut world = World::new(&servers);
        world.ask(1, "www.example");
        world.run(6_000);
        let (last_at, last) = expected[expected.len() - 1];
        let text = format!("192.0.2.{last}:53 cannot be reached");
        assert_eq!(world.answers, [(last_at + 1, 1, failed(2, 23, &text))]);
        assert_eq!(asked(&world), expected);
    }
}

#[test]
fn an_upstream_that_is_silent_is_waited_for_though_the_network_reaches_no_other() {
    let silent = Server::is(Mood::Silent);
    let mut world = World::new(&[Server::is(Mood::Unreachable), silent]);
    world.ask(1, "www.example");
    world.run(500);
    world.servers[1] = ok();
    world.run(6_000);
    assert_eq!(world.answers, [(1_020, 1, told(300))]);
    // The other one is down by then.
    assert_eq!(asked(&world), [(0, 0), (10, 1), (1_010, 1)]);
}

#[test]
fn a_group_without_upstreams_fails_at_once() {
    let mut world = World::new(&[]);
    world.ask(1, "www.example");
    let text = "no upstream can be asked: there is none, or each leads back to us";
    assert_eq!(world.answers, [(0, 1, failed(2, 0, text))]);
}

#[test]
fn one_that_does_not_know_edns_is_asked_without() {
    let mut world = World::new(&[Server::is(Mood::IsOld)]);
    world.ask(1, "www.example");
    world.run(6_000);
    let has_opt: Vec<bool> = world.sent.iter().map(|sent| sent.bytes[11] == 1).collect();
    assert_eq!((&*world.answers, has_opt), (&[(20, 1, told(300))][..], vec![true, false]));
}

#[test]
fn policies_choose_who_is_asked_first() {
    let first = |policy| {
        let servers = [ok(), ok(), ok()];
        let mut world = World::with(crate::forward::Group { policy, ..group(3) }, |_| {}, &servers);
        for ticket in 0..300 {
            world.ask(ticket, &format!("n{ticket}.example"));
            world.run(20);
        }
        [0, 1, 2].map(|it| world.sent.iter().filter(|sent| sent.upstream == it).count())
    };
    assert_eq!(first(Policy::Sequential), [300, 0, 0]);
    assert_eq!(first(Policy::RoundRobin), [100, 100, 100]);
    // The seed is fixed, so these are, too.
    let random = first(Policy::Random);
    assert!(random.iter().all(|count| (75..=125).contains(count)), "{random:?}");
}

#[test]
fn one_that_is_slower_than_usual_is_hedged() {
    let mut world = World::new(&[ok(), ok().after(20)]);
    for ticket in 0..20 {
        world.ask(ticket, &format!("n{ticket}.example"));
        world.run(20);
    }
    let begin = world.ms();
    world.servers[0] = ok().after(150);
    world.ask(20, "slow.example");
    world.run(400);
    assert_eq!(world.answers.last(), Some(&(begin + 30, 20, told(300))));
    let stats = world.stats();
    assert_eq!(stats.upstreams.iter().map(|it| it.hedges).collect::<Vec<_>>(), [0, 1]);
    // It was heard to the end, so it is known how slow it was.
    assert_eq!(stats.upstreams.iter().map(|it| it.timeouts).collect::<Vec<_>>(), [0, 0]);
    assert_eq!((stats.upstreams[0].rtts.counts[10], world.open()), (1, (0, 0)));
}

#[test]
fn hedges_are_few_when_all_is_slow() {
    let mut world = World::new(&[ok(), ok()]);
    for ticket in 0..1_000 {
        // Each is slower than any before.
        world.servers[0].delay += Duration::from_micros(100);
        world.ask(ticket, &format!("n{ticket}.example"));
        world.run(150);
    }
    let hedges = world.stats().upstreams[1].hedges;
    assert!(hedges <= 16 + 100, "{hedges}");
    assert_eq!(world.answers.len(), 1_000);
}

#[test]
fn a_fast_upstream_is_given_less_time() {
    let mut world = World::with(group(2), |_: &mut Settings| {}, &[ok(), ok()]);
    for ticket in 0..5 {
        world.ask(ticket, &format!("n{ticket}.example"));
        world.run(20);
    }
    world.servers[0].mood = Mood::Silent;
    let begin = world.ms();
    world.ask(9, "www.example");
    world.run(1_000);
    assert_eq!(world.answers.last(), Some(&(begin + 210, 9, told(300))));
}
