//! What does it cost, with many nodes and many addresses?

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::world::{Fault, Plan, World, ms, name};
use crate::{Action, Announcer, Counts, Hello, Settings};

fn vips(n: u16) -> Vec<IpAddr> {
    (0..n)
        .map(|n| IpAddr::V4(Ipv4Addr::new(10, 1, n.to_be_bytes()[0], n.to_be_bytes()[1])))
        .collect()
}

/// What is sent in a second: hellos, their bytes, frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Sent {
    hellos: u64,
    bytes: u64,
    frames: u64,
}

/// What the nodes send within ten quiet seconds, of each node and second: all of them together, and who
/// sends most.
fn cost(nodes: usize, n_vips: u16) -> (Sent, Sent) {
    let mut world = World::new(Plan { vips: vips(n_vips), ..Plan::new(nodes, &[]) });
    // Many addresses take longer until each has its owner.
    world.run_for(ms(6000 + 10 * u64::from(n_vips.saturating_sub(100))));
    let counts = |world: &World| -> Vec<Counts> {
        let all = world.hosts.iter().filter_map(|host| host.announcer.as_ref());
        all.map(Announcer::counts).collect()
    };
    let before = counts(&world);
    world.run_for(ms(10_000));
    let each: Vec<Sent> = counts(&world)
        .iter()
        .zip(&before)
        .map(|(now, then)| Sent {
            hellos: now.hellos_sent - then.hellos_sent,
            bytes: now.hello_bytes_sent - then.hello_bytes_sent,
            frames: now.frames_sent - then.frames_sent,
        })
        .collect();
    let most = each.iter().max().copied().expect("a node");
    let sum = each.iter().fold(Sent { hellos: 0, bytes: 0, frames: 0 }, |sum, one| Sent {
        hellos: sum.hellos + one.hellos,
        bytes: sum.bytes + one.bytes,
        frames: sum.frames + one.frames,
    });
    (a_second(sum, nodes), a_second(most, 1))
}

fn a_second(sent: Sent, nodes: usize) -> Sent {
    let of = |n: u64| n / (10 * u64::try_from(nodes).expect("few"));
    Sent { hellos: of(sent.hellos), bytes: of(sent.bytes), frames: of(sent.frames) }
}

#[test]
fn quiet_nodes_send_hellos_to_few_and_their_size_does_not_depend_on_what_they_have() {
    // Three nodes: each speaks to two others, sixteen times a second.
    let expected = Sent { hellos: 32, bytes: 2886, frames: 0 };
    assert_eq!([cost(3, 1).0, cost(3, 100).0], [expected; 2]);
    // Of twenty, five watch, and the others look seldom; of sixty they look so much more seldom.
    for (nodes, most) in [(20, 10), (60, 4)] {
        let (Sent { hellos, frames, .. }, _) = cost(nodes, 1);
        assert_eq!((hellos <= most, frames), (true, 0), "{nodes} {hellos}");
    }
}

/// Where that is asked for: takes minutes.
#[test]
#[expect(clippy::print_stdout, reason = "a measurement is to be read")]
fn what_hellos_cost_is_measured() {
    let Ok(all) = std::env::var("POGU_PROBES") else { return };
    println!(
        "nodes  addresses   a node and second: hellos  bytes  frames    who sends most: hellos  bytes  frames"
    );
    for (nodes, n_vips) in all.split(',').filter_map(|pair| pair.split_once('x')) {
        let (nodes, n_vips) = (nodes.parse().expect("nodes"), n_vips.parse().expect("addresses"));
        let (mean, most) = cost(nodes, n_vips);
        println!(
            "{nodes:>5}  {n_vips:>9}  {:>26} {:>6} {:>7}  {:>22} {:>6} {:>7}",
            mean.hellos, mean.bytes, mean.frames, most.hellos, most.bytes, most.frames
        );
    }
}

#[test]
fn many_addresses_move_at_once_when_their_owner_falls() {
    let mut world = World::new(Plan { vips: vips(150), ..Plan::new(3, &[]) });
    world.run_for(ms(6000));
    let moved: Vec<IpAddr> =
        world.plan.vips.iter().copied().filter(|vip| world.order(*vip)[0] == 0).collect();
    moved.iter().for_each(|vip| world.ask_as_client(*vip));
    world.inflict(Fault::Kill(0));
    world.run_for(ms(400));
    let found: Vec<_> =
        moved.iter().map(|vip| (world.owners(*vip), world.client_sends_to(*vip))).collect();
    let expected: Vec<_> =
        moved.iter().map(|vip| world.order(*vip)[1]).map(|next| (vec![next], Some(next))).collect();
    assert_eq!(found, expected);
}

fn hello(life: u64, hears: Option<u64>, sequence: u64) -> Hello {
    Hello {
        life,
        hears,
        is_leaving: false,
        is_needed: true,
        interval: ms(60),
        sequence,
        knows: 0,
        has_forgotten: 0,
        forgets: 0,
        revision: 0,
        version: 0,
        from: 0,
        to: 0,
        changes: Vec::new(),
    }
}

#[test]
fn hellos_of_strangers_and_what_is_none_are_counted_and_nothing_else() {
    let world = World::new(Plan::new(2, &["10.1.2.3"]));
    let now = Duration::from_secs(1);
    let mut announcer = Announcer::new(name(0), 1, Settings::default(), now);
    announcer.set_view(world.view(0), now);
    announcer.tick(now);
    announcer.take_actions();
    let hello = |sequence| hello(9, None, sequence);
    let peer = "192.168.0.1".parse().expect("an address");
    announcer.hear_hello("192.168.9.9".parse().expect("an address"), &hello(1).encode(), now);
    announcer.hear_hello(peer, b"GET / HTTP/1.1", now);
    let mut other = hello(9).encode();
    other[4] += 1;
    announcer.hear_hello(peer, &other, now);
    announcer.hear_hello(peer, &hello(5).encode(), now);
    announcer.hear_hello(peer, &hello(4).encode(), now);
    announcer.tick(now + ms(5));
    let counts = announcer.counts();
    let sent: Vec<IpAddr> = announcer
        .take_actions()
        .into_iter()
        .filter_map(|action| match action {
            Action::Hello { to, .. } => Some(to),
            Action::Frame { .. } | Action::Join { .. } | Action::Leave { .. } | Action::Tell(_) => {
                None
            }
        })
        .collect();
    assert_eq!(sent, [peer]);
    assert_eq!(
        counts,
        Counts {
            hellos_of_strangers: 1,
            hellos_unreadable: 1,
            hellos_of_other_versions: 1,
            hellos_heard: 1,
            hellos_late: 1,
            hellos_sent: 2,
            hello_bytes_sent: 190,
            ..Counts::default()
        }
    );
}

/// Whoever only sends from a node's address, and does not hear what is sent to it, does not end its life.
#[test]
fn another_life_counts_only_if_it_hears_this_one() {
    let world = World::new(Plan::new(2, &["10.1.2.3"]));
    let now = Duration::from_secs(1);
    let mut announcer = Announcer::new(name(0), 1, Settings::default(), now);
    announcer.set_view(world.view(0), now);
    announcer.tick(now);
    let peer = "192.168.0.1".parse().expect("an address");
    let is_up = |announcer: &Announcer| announcer.peers()[&name(1)].is_up;
    let mut found = Vec::new();
    for (ms_later, hello) in [
        (10, hello(9, Some(1), 1)),
        (20, hello(66, None, 1)),
        (30, hello(66, Some(2), 2)),
        (40, hello(9, Some(1), 2)),
        // A restarted one, which has been answered meanwhile.
        (50, hello(10, None, 1)),
        (60, hello(10, Some(1), 2)),
    ] {
        announcer.hear_hello(peer, &hello.encode(), now + ms(ms_later));
        announcer.tick(now + ms(ms_later));
        found.push((is_up(&announcer), announcer.counts().hellos_unproven));
    }
    let up = Some(true);
    assert_eq!(found, [(up, 0), (up, 1), (up, 2), (up, 2), (up, 3), (up, 3)]);
}
