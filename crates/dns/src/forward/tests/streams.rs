//! When are streams used, and what if they end?

use std::sync::Arc;

use super::upstream::{Mood, Server};
use super::world::{Told, World, address, failed, group, told};
use crate::forward::{Group, Settings, Transport, Upstream};

fn ok() -> Server {
    Server::is(Mood::Answers)
}

fn tcp(servers: &[Server]) -> World {
    World::with(Group { force_tcp: true, ..group(servers.len()) }, |_| {}, servers)
}

/// Which streams were used, counted from the first.
fn used(world: &World) -> Vec<Option<usize>> {
    let mut seen = Vec::new();
    let streams = world.sent.iter().map(|sent| sent.connection);
    streams
        .map(|stream| {
            stream.map(|stream| {
                if !seen.contains(&stream) {
                    seen.push(stream);
                }
                seen.iter().position(|it| *it == stream).unwrap()
            })
        })
        .collect()
}

#[test]
fn a_truncated_answer_is_asked_for_again_by_stream() {
    let mut world = World::new(&[Server::is(Mood::Truncates)]);
    world.ask(1, "www.example");
    world.run(100);
    assert_eq!((&*world.answers, used(&world)), (&[(30, 1, told(300))][..], vec![None, Some(0)]));
    assert_eq!(world.stats().upstreams[0].truncations, 1);
}

#[test]
fn half_an_answer_is_better_than_none_and_is_not_kept() {
    let mut world = World::new(&[Server::is(Mood::TruncatesOnly)]);
    world.ask(1, "www.example");
    world.run(6_000);
    let half = Told::Reply { rcode: 0, is_truncated: true, is_stale: false, ttl: None };
    assert_eq!((&*world.answers, world.forwarder.view().entries()), (&[(20, 1, half)][..], (0, 0)));
}

#[test]
fn streams_are_used_when_the_client_or_the_group_or_tls_wants_them() {
    let by_client = |group: Group, transport| {
        let mut world = World::with(group, |_| {}, &[ok()]);
        world.ask_by(1, "www.example", transport, true);
        world.run(100);
        assert_eq!(world.answers.len(), 1);
        world.sent[0].connection.is_some()
    };
    let tls = vec![Upstream { address: address(0), tls: Some(Arc::from("dns.example")) }];
    let (udp, tcp) = (Transport::Udp, Transport::Tcp);
    let cases = [
        (group(1), udp, false),
        (group(1), tcp, true),
        (Group { prefer_udp: true, ..group(1) }, tcp, false),
        (Group { force_tcp: true, ..group(1) }, udp, true),
        (Group { prefer_udp: true, upstreams: tls, ..group(1) }, udp, true),
    ];
    for (group, transport, by_stream) in cases {
        assert_eq!(by_client(group.clone(), transport), by_stream, "{group:?} {transport:?}");
    }
}

#[test]
fn many_questions_share_a_stream_and_are_answered_in_any_order() {
    let mut world = tcp(&[ok().after(50)]);
    world.ask(1, "slow.example");
    world.servers[0] = ok().after(20);
    world.ask(2, "fast.example");
    world.run(100);
    // The stream of the loop probe is there already.
    assert_eq!(
        (&*world.answers, used(&world)),
        (&[(20, 2, told(300)), (50, 1, told(300))][..], vec![Some(0), Some(0)])
    );
}

#[test]
fn a_stream_takes_so_many_and_an_upstream_so_many_streams() {
    let few = |settings: &mut Settings| {
        settings.in_flight_max = 2;
        settings.connections_max = 2;
    };
    let mut world = World::with(Group { force_tcp: true, ..group(1) }, few, &[ok()]);
    for ticket in 0..5 {
        world.ask(ticket, &format!("n{ticket}.example"));
    }
    world.run(100);
    let full = failed(2, 0, "all streams to 192.0.2.0:53 are full");
    let expected = [
        (0, 4, full),
        (10, 0, told(300)),
        (10, 1, told(300)),
        (20, 2, told(300)),
        (20, 3, told(300)),
    ];
    assert_eq!(world.answers, expected);
    assert_eq!(used(&world), [0, 0, 1, 1].map(Some));
    // That they were full is over.
    world.ask(5, "n4.example");
    world.run(100);
    assert_eq!(world.answers[5].2, told(300));
}

#[test]
fn what_was_on_a_stream_that_ends_is_sent_once_more() {
    let mut world = tcp(&[ok()]);
    world.ask(1, "www.example");
    world.run(5);
    world.close_connections();
    world.run(100);
    assert_eq!(
        (&*world.answers, used(&world)),
        (&[(25, 1, told(300))][..], vec![Some(0), Some(1)])
    );
    assert_eq!(world.stats().upstreams[0].network_failures, 0);
}

#[test]
fn a_stream_that_ends_while_idle_is_nobodys_failure() {
    let mut world = tcp(&[ok()]);
    world.close_connections();
    world.ask(1, "www.example");
    world.run(100);
    assert_eq!(
        (&*world.answers, world.stats().upstreams[0].network_failures),
        (&[(20, 1, told(300))][..], 0)
    );
}

#[test]
fn an_idle_stream_is_closed_after_ten_seconds() {
    let mut world = tcp(&[ok()]);
    world.ask(1, "www.example");
    world.run(10_009);
    assert_eq!(world.open(), (0, 1));
    world.run(1);
    assert_eq!(world.open(), (0, 0));
}

#[test]
fn nothing_more_is_put_on_a_stream_that_fell_silent() {
    let mut world = tcp(&[ok()]);
    world.servers[0].loss_percent = 100;
    world.ask(1, "www.example");
    world.run(195);
    world.servers[0].loss_percent = 0;
    world.run(6_000);
    assert_eq!(
        (&*world.answers, used(&world)),
        (&[(220, 1, told(300))][..], vec![Some(0), Some(1)])
    );
    // The silent one is not kept.
    assert_eq!(world.open(), (0, 1));
}

#[test]
fn one_failure_counts_once_however_many_were_on_the_stream() {
    let mut world = tcp(&[ok()]);
    world.run(11_000);
    world.servers[0].mood = Mood::Unreachable;
    for ticket in 0..50 {
        world.ask(ticket, &format!("n{ticket}.example"));
    }
    world.run(15);
    assert_eq!((world.stats().upstreams[0].network_failures, &*world.reports), (1, &[][..]));
}
