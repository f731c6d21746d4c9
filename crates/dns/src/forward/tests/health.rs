//! Which upstreams are left out, and when are they back?

use super::upstream::{Mood, Server};
use super::world::{World, failed, group, told};
use crate::forward::{Group, Report, UpstreamId, UpstreamState};

fn ok() -> Server {
    Server::is(Mood::Answers)
}

#[test]
fn after_two_failures_in_a_row_one_is_down_until_it_answers_anything() {
    let mut world = World::new(&[Server::is(Mood::Silent), ok()]);
    for ticket in 0..3 {
        world.ask(ticket, &format!("n{ticket}.example"));
        world.run(2_000);
    }
    // The third was not put to it.
    let answers = [(1_010, 0, told(300)), (3_010, 1, told(300)), (4_010, 2, told(300))];
    assert_eq!(world.answers, answers);
    assert_eq!(world.reports, [(3_000, Report::Down(UpstreamId(0)))]);
    world.servers[0].mood = Mood::Says(5);
    world.run(1_000);
    assert_eq!(world.reports[1..], [(6_510, Report::Up(UpstreamId(0)))]);
    world.servers[0].mood = Mood::Answers;
    world.ask(4, "www.example");
    world.run(100);
    assert_eq!(world.sent.last().map(|sent| sent.upstream), Some(0));
    let stats = world.stats().upstreams[0];
    assert_eq!((stats.state, stats.timeouts, stats.health_failures), (UpstreamState::Up, 2, 6));
    // Whether it leads back to us was not answered, and is asked again later.
    assert_eq!(world.open(), (1, 0));
    world.run(30_000);
    assert_eq!(world.open(), (0, 0));
}

#[test]
fn an_upstream_is_never_down_when_no_number_of_failures_is_too_many() {
    let servers = [Server::is(Mood::Silent)];
    let mut world = World::with(Group { max_fails: 0, ..group(1) }, |_| {}, &servers);
    for ticket in 0..3 {
        world.ask(ticket, &format!("n{ticket}.example"));
        world.run(6_000);
    }
    assert_eq!((world.answers.len(), &*world.reports), (3, &[][..]));
}

#[test]
fn when_all_are_down_they_are_asked_all_the_same() {
    let mut world = World::new(&[Server::is(Mood::Silent), Server::is(Mood::Silent)]);
    world.ask(1, "www.example");
    world.run(6_000);
    world.ask(2, "other.example");
    world.run(6_100);
    let down = [(4_000, 0), (7_000, 1)];
    let down = down.map(|(at, upstream)| (at, Report::Down(UpstreamId(upstream))));
    assert_eq!(world.reports, down);
    // Well again, but no probe has found that out.
    world.servers = vec![ok(), ok()];
    world.ask(3, "last.example");
    world.run(10);
    assert_eq!(world.answers.last(), Some(&(12_110, 3, told(300))));
}

#[test]
fn an_upstream_that_asks_us_is_reported_and_left_out() {
    let mut world = World::new(&[Server::is(Mood::AsksUs), ok()]);
    assert_eq!(world.reports, [(10, Report::LoopFound(UpstreamId(0)))]);
    world.ask(1, "www.example");
    world.run(100);
    assert_eq!(world.answers, [(10, 1, told(300))]);
    assert_eq!(world.sent.iter().map(|sent| sent.upstream).collect::<Vec<_>>(), [1]);
    assert_eq!(world.stats().upstreams[0].state, UpstreamState::Looping);
}

#[test]
fn a_loop_that_is_mended_is_found_so() {
    let mut world = World::new(&[Server::is(Mood::AsksUs)]);
    world.ask(1, "www.example");
    let text = "no upstream can be asked: there is none, or each leads back to us";
    assert_eq!(world.answers, [(0, 1, failed(2, 0, text))]);
    world.servers[0] = ok();
    world.run(60_000);
    assert_eq!(
        world.reports[1..].iter().map(|it| it.1).collect::<Vec<_>>(),
        [Report::LoopGone(UpstreamId(0))]
    );
    world.ask(2, "www.example");
    world.run(100);
    assert_eq!(world.answers[1].2, told(300));
}

#[test]
fn only_what_is_asked_for_just_now_is_a_probe() {
    let is_probe = |mood| {
        let world = World::new(&[Server::is(mood)]);
        let names = world.probed.iter().map(|name| world.forwarder.is_loop_probe(name));
        (names.collect::<Vec<_>>(), world.forwarder.is_loop_probe(&[]))
    };
    assert_eq!(is_probe(Mood::Silent), (vec![true], false));
    // Once it was answered, others know the name.
    assert_eq!(is_probe(Mood::Answers), (vec![false], false));
}
