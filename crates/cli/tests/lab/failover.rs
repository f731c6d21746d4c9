//! Does another node answer for an address, and how soon, when the one that did so cannot?
//!
//! What is measured is what a client outside gets back of a thousand datagrams a second. It has one
//! neighbour entry for the address, as any host, and nobody tells it anything but frames. Beside it others
//! hold connections, and all frames are written down.

mod lasting;
mod rig;
mod rivals;
mod stream;
mod wire;

use std::net::SocketAddr;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lasting::{Fates, Lasting};
use rig::Rig;
use stream::{Seen, Stream};
use wire::{Capture, Change, change};

/// How long a client may be without an answer, where that is measured.
const GAP_MOST: Duration = Duration::from_millis(500);

/// One owner again, and never two for longer, where that is measured.
const CHANGE_MOST: Duration = Duration::from_secs(1);

/// The first where other tests run beside this one: it is about whether, and not how soon.
const GAP_BESIDE_OTHERS: Duration = Duration::from_secs(5);

/// Datagrams of a drain that those others may have swallowed.
const LOST_BESIDE_OTHERS: usize = 100;

/// How long the stream goes on after something went wrong.
const AFTER: Duration = Duration::from_millis(1500);

/// Connections to each of both addresses.
const CONNECTIONS: usize = 50;

/// So long nothing goes wrong for each time that something did, where that is measured.
const IDLE: Duration = Duration::from_secs(12);

/// What was seen of one fault.
struct Outcome {
    streams: [Seen; 2],
    changes: [Change; 2],
    fates: Fates,
}

impl Rig {
    /// What clients of both families see when something goes wrong, and what was on the wire.
    fn measure(&self, fault: impl FnOnce()) -> Outcome {
        let capture = Capture::begin(self);
        let lasting = self.outside.run(|| Lasting::open(self.vips, CONNECTIONS)).unwrap();
        let (streams, fates, [at, until]) = self.under_load(lasting, || {
            let at = host::clock::wall();
            fault();
            if runs().is_none() {
                self.await_owner(1);
            }
            host::clock::pause(AFTER);
            [at, host::clock::wall()]
        });
        // Who is well again takes back what is his, after three seconds.
        let until = until.duration_since(UNIX_EPOCH).unwrap();
        let mut claims = capture.end(self);
        claims.retain(|claim| claim.at <= until);
        let first = self.mac(&self.nodes[0]);
        let changes = self.vips.map(|vip| change(&claims, vip, &first, at));
        Outcome { streams, changes, fates }
    }

    /// Lets all clients work while something is done.
    fn under_load(
        &self,
        lasting: Lasting,
        act: impl FnOnce() -> [SystemTime; 2],
    ) -> ([Seen; 2], Fates, [SystemTime; 2]) {
        let is_over = AtomicBool::new(false);
        let (begin, begun) = (Barrier::new(3), Barrier::new(3));
        thread::scope(|scope| {
            let streams = self.vips.map(|vip| {
                let (is_over, begin, begun) = (&is_over, &begin, &begun);
                scope.spawn(move || {
                    let stream = || {
                        let mut stream = Stream::open(SocketAddr::new(vip, 90));
                        stream.await_answer();
                        begin.wait();
                        begun.wait();
                        stream.run(is_over)
                    };
                    self.outside.run(stream).unwrap()
                })
            });
            let lasting = scope.spawn(|| self.outside.run(|| lasting.run(&is_over)).unwrap());
            begin.wait();
            begun.wait();
            let at = act();
            is_over.store(true, Ordering::Relaxed);
            let seen = streams.map(|stream| stream.join().unwrap());
            (seen, lasting.join().unwrap(), at)
        })
    }
}

/// How many times each fault is tried where that is measured.
fn runs() -> Option<u32> {
    std::env::var("POGU_FAILOVER_RUNS").ok().and_then(|text| text.parse().ok())
}

/// Whether this part is asked for.
fn is_asked(what: &str) -> bool {
    std::env::var("POGU_FAILOVER_ONLY").map_or(true, |only| only == what)
}

/// Tries a fault, puts it right, and waits until the first has its addresses again.
/// Both are told the process of the first node's agent. Gives how many datagrams a stream lost, at most.
fn attempt(rig: &Rig, what: &str, fault: impl Fn(&str), mend: impl Fn(&str)) -> usize {
    if !is_asked(what) {
        return 0;
    }
    let mut outcomes = Vec::new();
    for _ in 0..runs().unwrap_or(1) {
        let agent = rig.agent(0);
        outcomes.push(rig.measure(|| fault(&agent)));
        mend(&agent);
        rig.await_owner(0);
    }
    judge(rig, what, &outcomes)
}

#[expect(clippy::print_stdout, reason = "a measurement is to be read")]
fn judge(rig: &Rig, what: &str, outcomes: &[Outcome]) -> usize {
    let gaps = sorted(outcomes.iter().flat_map(|it| it.streams.map(|seen| seen.gap)));
    let changes = || outcomes.iter().flat_map(|it| &it.changes);
    let taken = sorted(changes().map(|it| it.taken.unwrap_or(Duration::MAX)));
    let both = sorted(changes().map(|it| it.both));
    let lost = outcomes.iter().flat_map(|it| it.streams.map(|seen| seen.lost)).max().unwrap();
    let mut fates = Fates::default();
    outcomes.iter().for_each(|it| fates += it.fates);
    println!(
        "{what:10} gap {}  taken {}  two owners at most {} ms  lost at most {lost}  connections: {} went on, {} reset, {} silent",
        spread(&gaps),
        spread(&taken),
        both[both.len() - 1].as_millis(),
        fates.alive,
        fates.reset,
        fates.silent
    );
    let most = |all: &[Duration]| all[all.len() - 1];
    if runs().is_none() {
        // That another answers was waited for.
        assert!(most(&gaps) <= GAP_BESIDE_OTHERS, "{what}: {gaps:?}\n{}", rig.told());
        return lost;
    }
    let expected = [rig.mac(&rig.nodes[1])];
    let owners: Vec<Vec<String>> =
        changes().map(|it| it.owners.iter().map(ToString::to_string).collect()).collect();
    assert!(owners.iter().all(|owners| *owners == expected), "{what}: {owners:?}\n{}", rig.told());
    assert!(most(&gaps) <= GAP_MOST, "{what}: {gaps:?}\n{}", rig.told());
    assert!(most(&taken) <= CHANGE_MOST, "{what}: {taken:?}\n{}", rig.told());
    assert!(most(&both) <= CHANGE_MOST, "{what}: {both:?}\n{}", rig.told());
    lost
}

fn sorted(times: impl Iterator<Item = Duration>) -> Vec<Duration> {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times
}

/// Median, 99th percentile and most.
fn spread(times: &[Duration]) -> String {
    let at = |permille: usize| times[(times.len() - 1) * permille / 1000].as_millis();
    format!("{:>3} / {:>3} / {:>3} ms", at(500), at(990), at(1000))
}

/// Nothing goes wrong, but that all processors are busy: then the owner stays.
#[expect(clippy::print_stdout, reason = "a measurement is to be read")]
fn stays_while_nothing_happens(rig: &Rig, time: Duration) {
    if !is_asked("idle") {
        return;
    }
    let capture = Capture::begin(rig);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().unwrap().get() {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        // Who would take an address says so without being asked; and they are asked all the time.
        let end = host::clock::monotonic() + time;
        while host::clock::monotonic() < end {
            rig.answering();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let claims = capture.end(rig);
    let first = rig.mac(&rig.nodes[0]);
    let others = claims.iter().filter(|it| it.mac.to_string() != first).count();
    println!(
        "idle       {} s, all processors busy: {} claims, {others} by others",
        time.as_secs(),
        claims.len()
    );
    assert!(others == 0 && !claims.is_empty(), "{}", rig.told());
}

#[test]
fn the_next_node_answers_in_time_whatever_becomes_of_the_first() {
    if host::skip::without_root() {
        return;
    }
    let rig = Rig::up();
    let owner = rig.nodes[0].clone();
    let (both, nothing) = (["ingress", "egress"], |_: &str| ());
    let open = |_: &str| rig.open();

    // With all that is on it, as when the power fails.
    let kill = |agent: &str| {
        rig.close(&owner, &both);
        rig.signal("-KILL", agent);
    };
    attempt(&rig, "killed", kill, open);
    // Its kernel goes on.
    let stop = |agent: &str| rig.signal("-STOP", agent);
    attempt(&rig, "frozen", stop, |agent| rig.signal("-CONT", agent));
    let link = |state: &str| rig.on_the_fabric("ip", &["link", "set", &owner, state], "");
    attempt(&rig, "link down", |_| link("down"), |_| link("up"));
    attempt(&rig, "cut", |_| rig.close(&owner, &both), open);
    attempt(&rig, "mute", |_| rig.close(&owner, &["ingress"]), open);
    attempt(&rig, "deaf", |_| rig.close(&owner, &["egress"]), open);
    let lost = attempt(&rig, "drained", |agent| rig.signal("-TERM", agent), nothing);
    let most = if runs().is_some() { 0 } else { LOST_BESIDE_OTHERS };
    assert!(lost <= most, "{lost} lost");
    if let Some(runs) = runs() {
        stays_while_nothing_happens(&rig, IDLE * runs);
    }
}
