//! What if an answer is not what it should be?

use super::upstream::{Mood, Server};
use super::world::{World, failed, group, told};
use crate::forward::Settings;

fn silent_after(mood: Mood) -> World {
    let mut world = World::new(&[Server::is(mood)]);
    world.ask(1, "www.example");
    world.run(6_000);
    world
}

#[test]
fn after_three_that_do_not_match_a_stream_is_used() {
    for mood in [Mood::WrongId, Mood::WrongQuestion, Mood::WrongPort] {
        let mut world = World::new(&[Server::is(mood)]);
        let before = world.stats().upstreams[0].mismatches;
        world.ask(1, "www.example");
        world.run(15);
        assert_eq!(world.stats().upstreams[0].mismatches - before, 3);
        assert_eq!(world.answers, []);
        // The stream has one who answers as it should.
        world.servers[0].mood = Mood::Answers;
        world.run(6_000);
        assert_eq!(world.answers, [(30, 1, told(300))], "{mood:?}");
        assert_eq!(
            world.sent.iter().map(|it| it.connection.is_some()).collect::<Vec<_>>(),
            [false, true]
        );
    }
}

#[test]
fn one_who_always_lies_is_never_believed() {
    for mood in [Mood::WrongId, Mood::WrongQuestion] {
        let world = silent_after(mood);
        let text = "192.0.2.0:53 did not answer in time";
        assert_eq!(world.answers, [(4_500, 1, failed(2, 23, text))], "{mood:?}");
        assert_eq!(world.forwarder.view().entries(), (0, 1), "only that it failed");
    }
}

#[test]
fn garbage_is_waited_out() {
    let world = silent_after(Mood::Garbage);
    let text = "192.0.2.0:53 did not answer in time";
    assert_eq!(world.answers, [(4_500, 1, failed(2, 23, text))]);
}

#[test]
fn letters_in_random_case_must_come_back_as_they_were() {
    let mixed = |settings: &mut Settings| settings.mixes_case = true;
    let mut world = World::with(group(1), mixed, &[Server::is(Mood::Answers)]);
    world.ask(1, "a-rather-long-name.example");
    world.run(100);
    assert_eq!(world.answers, [(10, 1, told(300))]);
    world.servers[0].mood = Mood::WrongCase;
    world.ask(2, "another-rather-long-name.example");
    world.run(1_000);
    assert_eq!(world.answers.len(), 1);
    let plain = World::new(&[Server::is(Mood::WrongCase)]);
    let mut world = plain;
    world.ask(1, "www.example");
    world.run(100);
    assert_eq!(world.answers, [(10, 1, told(300))]);
}
