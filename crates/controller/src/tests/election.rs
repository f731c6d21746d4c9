//! Several controllers and one Lease, in virtual time.

use std::time::{Duration, Instant};

use crate::election::{Election, Move, Record, Timing};
use host::clock::monotonic;

const MS: Duration = Duration::from_millis(1);

/// The Lease as a server holds it: a move that was made from an older record fails.
#[derive(Default)]
struct Server {
    lease: Option<Record>,
    version: u64,
}

impl Server {
    fn write(&mut self, from: Option<&Record>, holder: &str, timing: Timing) -> Option<Record> {
        if from.map(|it| &it.version) != self.lease.as_ref().map(|it| &it.version) {
            return None;
        }
        self.version += 1;
        let before = self.lease.as_ref();
        let changes = before.is_some_and(|it| it.holder != holder && !holder.is_empty());
        let transitions = before.map_or(0, |it| it.transitions) + i32::from(changes);
        let version = self.version.to_string();
        let record = Record {
            holder: holder.to_owned(),
            lease: timing.lease,
            transitions,
            version,
            acquired: None,
        };
        self.lease = Some(record.clone());
        Some(record)
    }

    /// One controller does what is due.
    fn step(&mut self, election: &mut Election, now: Instant) {
        for _ in 0..3 {
            let (from, ask) = match election.next(now) {
                Move::Wait(_) => return,
                Move::Look => {
                    election.see(self.lease.clone(), now);
                    continue;
                }
                Move::Create => (None, now),
                Move::Take(record) | Move::Renew(record) => (Some(record), now),
            };
            match self.write(from.as_ref(), election.identity(), election.timing()) {
                Some(record) => election.succeed(record, ask),
                None => election.miss(),
            }
        }
    }
}

fn leads(election: &Election, now: Instant) -> bool {
    election.led_until().is_some_and(|until| now < until)
}

fn both(now: Instant) -> (Election, Election) {
    let timing = Timing::default();
    (Election::new("a", timing, now), Election::new("b", timing, now))
}

#[test]
fn the_first_one_leads_and_goes_on_to() {
    let (mut server, start) = (Server::default(), monotonic());
    let (mut a, mut b) = both(start);
    for step in 0..100 {
        let now = start + 100 * MS * step;
        server.step(&mut a, now);
        server.step(&mut b, now);
        // The other hears of each change.
        b.see(server.lease.clone(), now);
        assert_eq!((leads(&a, now), leads(&b, now)), (true, false), "step {step}");
    }
    let lease = server.lease.unwrap();
    assert_eq!((lease.holder.as_str(), lease.transitions), ("a", 0));
    // Once a second, in ten of them.
    assert_eq!(lease.version, "10");
}

#[test]
fn after_a_crash_another_one_leads_within_five_seconds_and_never_both() {
    let (mut server, start) = (Server::default(), monotonic());
    let (mut a, mut b) = both(start);
    let crash = 3_333;
    let mut took_over = None;
    for ms in (0..20_000).step_by(50) {
        let now = start + MS * ms;
        if ms < crash {
            server.step(&mut a, now);
        }
        b.see(server.lease.clone(), now);
        server.step(&mut b, now);
        assert!(!(leads(&a, now) && leads(&b, now)), "both at {ms} ms");
        if leads(&b, now) && took_over.is_none() {
            took_over = Some(ms - crash);
        }
    }
    assert_eq!(took_over, Some(3_667));
    assert_eq!(server.lease.unwrap().transitions, 1);
}

#[test]
fn who_ends_gives_it_up_and_another_one_leads_at_once() {
    let (mut server, start) = (Server::default(), monotonic());
    let (mut a, mut b) = both(start);
    server.step(&mut a, start);
    b.see(server.lease.clone(), start);
    let record = a.resign().expect("it led");
    assert!(!leads(&a, start));
    server.write(Some(&record), "", a.timing()).expect("nobody changed it");
    b.see(server.lease.clone(), start + MS);
    server.step(&mut b, start + MS);
    assert!(leads(&b, start + MS));
}

#[test]
fn who_cannot_renew_stops_before_others_begin() {
    let (mut server, start) = (Server::default(), monotonic());
    let (mut a, mut b) = both(start);
    server.step(&mut a, start);
    b.see(server.lease.clone(), start);
    // From here on, nothing that `a` asks is answered.
    let mut stopped = None;
    for ms in 0..6_000 {
        let now = start + MS * ms;
        if !leads(&a, now) && stopped.is_none() {
            stopped = Some(ms);
        }
        server.step(&mut b, now);
        assert!(!(leads(&a, now) && leads(&b, now)), "both at {ms} ms");
    }
    assert_eq!(stopped, Some(3_000));
    assert_eq!(b.holder(), Some("b"));
}

#[test]
fn a_lease_that_somebody_deleted_or_took_is_no_longer_ours() {
    let (mut server, start) = (Server::default(), monotonic());
    let (mut a, _) = both(start);
    server.step(&mut a, start);
    a.see(None, start);
    assert!(!leads(&a, start));
    assert_eq!(a.next(start), Move::Create);
    server.step(&mut a, start);
    let theirs = Record {
        holder: "somebody".to_owned(),
        lease: Duration::from_secs(15),
        transitions: 7,
        version: "99".to_owned(),
        acquired: None,
    };
    a.see(Some(theirs), start);
    assert!(!leads(&a, start));
    assert_eq!(a.next(start), Move::Wait(start + Duration::from_secs(15)));
}

#[test]
fn what_is_told_late_does_not_end_it() {
    let (mut server, start) = (Server::default(), monotonic());
    let (mut a, _) = both(start);
    server.step(&mut a, start);
    let first = server.lease.clone().unwrap();
    let record = a.resign().unwrap();
    let given_up = server.write(Some(&record), "", a.timing());
    server.step(&mut a, start);
    assert!(leads(&a, start));
    a.see(given_up, start);
    a.see(Some(first), start);
    assert!(leads(&a, start));
}
