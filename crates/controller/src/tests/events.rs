//! Which Events are written, in virtual time.

use std::time::{Duration, Instant};

use host::clock::monotonic;
use ingest::api::{Kind, ObjectKey};

use crate::events::Events;
use crate::problem::Problem;

const MINUTE: Duration = Duration::from_secs(60);

fn problem(name: &str) -> Problem {
    let object =
        ObjectKey { kind: Kind::Service, namespace: "shop".to_owned(), name: name.to_owned() };
    Problem { object, text: "spec.externalIPs[0]: x is no address".to_owned() }
}

/// Tells all that is due; gives their names.
fn told(events: &mut Events, now: Instant) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(problem) = events.next(now).cloned() {
        events.tell(&problem, now);
        told.push(problem.object.name);
    }
    told
}

#[test]
fn a_problem_is_told_once_and_again_before_it_is_forgotten() {
    let (mut events, start) = (Events::default(), monotonic());
    events.set(&[problem("b"), problem("a")], start);
    assert_eq!(told(&mut events, start), ["a", "b"]);
    for minute in 1..30 {
        let now = start + MINUTE * minute;
        events.set(&[problem("a")], now);
        assert_eq!(told(&mut events, now), Vec::<String>::new(), "minute {minute}");
    }
    assert_eq!(events.next_due(), Some(start + MINUTE * 30));
    assert_eq!(told(&mut events, start + MINUTE * 30), ["a"]);
}

#[test]
fn one_that_comes_and_goes_is_told_once_a_minute() {
    let (mut events, start) = (Events::default(), monotonic());
    let mut n_told = 0;
    // Every second, it comes or goes, for ten minutes.
    for second in 0..600 {
        let now = start + Duration::from_secs(second);
        if second % 2 == 0 {
            events.set(&[problem("a")], now);
        } else {
            events.set(&[], now);
        }
        n_told += told(&mut events, now).len();
    }
    assert_eq!(n_told, 10);
    assert_eq!(told(&mut events, start + MINUTE * 60), Vec::<String>::new());
}

#[test]
fn what_could_not_be_told_is_tried_again_later() {
    let (mut events, start) = (Events::default(), monotonic());
    events.set(&[problem("a")], start);
    assert_eq!(told(&mut events, start), ["a"]);
    let mut pauses = Vec::new();
    let mut now = start;
    for _ in 0..10 {
        events.failed(&problem("a"), now);
        let due = events.next_due().unwrap();
        pauses.push((due - now).as_millis());
        now = due;
        assert_eq!(told(&mut events, now), ["a"]);
    }
    let doubled = [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000];
    assert_eq!(pauses, doubled);
    events.succeeded(&problem("a"));
    events.failed(&problem("a"), now);
    assert_eq!(events.next_due(), Some(now + Duration::from_millis(200)));
}

#[test]
fn more_problems_than_are_remembered_are_counted() {
    let (mut events, start) = (Events::default(), monotonic());
    let all: Vec<Problem> = (0..5_000).map(|at| problem(&format!("s{at:04}"))).collect();
    events.set(&all, start);
    assert_eq!((told(&mut events, start).len(), events.untold()), (4_096, 904));
    events.set(&all[4_096..], start + MINUTE);
    assert_eq!((told(&mut events, start + MINUTE).len(), events.untold()), (904, 0));
}
