//! What holds whatever the world does?

use proptest::prelude::*;

use super::upstream::{Mood, Server};
use super::world::{World, group};
use crate::forward::{Group, Policy, Transport};

fn mood() -> impl Strategy<Value = Mood> {
    prop_oneof![
        3 => Just(Mood::Answers),
        1 => Just(Mood::Says(2)),
        1 => Just(Mood::Says(5)),
        1 => Just(Mood::Truncates),
        1 => Just(Mood::TruncatesOnly),
        1 => Just(Mood::IsOld),
        1 => Just(Mood::Silent),
        1 => Just(Mood::Unreachable),
        1 => Just(Mood::WrongId),
        1 => Just(Mood::WrongQuestion),
        1 => Just(Mood::WrongPort),
        1 => Just(Mood::Garbage),
        1 => Just(Mood::AsksUs),
    ]
}

fn server() -> impl Strategy<Value = Server> {
    (mood(), 1_u64..3_000, 0_u64..60, 0_u32..20).prop_map(|(mood, delay, loss_percent, ttl)| {
        Server { loss_percent, ttl, ..Server::is(mood).after(delay) }
    })
}

#[derive(Debug, Clone)]
enum Step {
    Ask { name: u8, by_tcp: bool, stale_ok: bool },
    Pass(u64),
    Becomes(usize, Server),
    StreamsEnd,
    Refresh(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0_u8..12, any::<bool>(), any::<bool>())
            .prop_map(|(name, by_tcp, stale_ok)| Step::Ask { name, by_tcp, stale_ok }),
        3 => (0_u64..4_000).prop_map(Step::Pass),
        1 => (0_usize..3, server()).prop_map(|(upstream, server)| Step::Becomes(upstream, server)),
        1 => Just(Step::StreamsEnd),
        1 => (0_u8..12).prop_map(Step::Refresh),
    ]
}

fn groups() -> impl Strategy<Value = Group> {
    let policy =
        prop_oneof![Just(Policy::Random), Just(Policy::RoundRobin), Just(Policy::Sequential)];
    (policy, any::<bool>(), any::<bool>(), 0_u32..3, 1_usize..12).prop_map(
        |(policy, force_tcp, prefer_udp, max_fails, outstanding_max)| Group {
            policy,
            force_tcp,
            prefer_udp,
            max_fails,
            outstanding_max,
            ..group(3)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The world refuses a second answer to one question, tokens that are used again, and whatever is
    /// sent on what is closed.
    #[test]
    fn each_question_has_one_answer_within_its_patience(
        group in groups(),
        servers in proptest::collection::vec(server(), 3),
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let few = |settings: &mut crate::forward::Settings| {
            settings.in_flight_max = 3;
            settings.connections_max = 2;
            settings.cache.entries_max = 6;
        };
        let most = group.outstanding_max;
        let mut world = World::with(group, few, &servers);
        let mut asked = Vec::new();
        for step in steps {
            match step {
                Step::Ask { name, by_tcp, stale_ok } => {
                    let ticket = asked.len() as u64;
                    asked.push(world.ms());
                    let transport = if by_tcp { Transport::Tcp } else { Transport::Udp };
                    world.ask_by(ticket, &format!("n{name}.example"), transport, stale_ok);
                }
                Step::Pass(milliseconds) => world.run(milliseconds),
                Step::Becomes(upstream, server) => world.servers[upstream] = server,
                Step::StreamsEnd => world.close_connections(),
                Step::Refresh(name) => {
                    world.seen(&format!("n{name}.example"));
                    world.refresh(&format!("n{name}.example"));
                }
            }
            let (sockets, streams) = world.open();
            let (success, denial) = world.forwarder.view().entries();
            // Two probes to each of three upstreams, and some that are only measured.
            prop_assert!(sockets <= 3 * most + 6 + 64);
            prop_assert!(streams <= 3 * 2);
            prop_assert!(success <= 6 && denial <= 6);
            prop_assert!(world.stats().outstanding <= most);
        }
        world.run(5_000);
        let mut answered: Vec<u64> = world.answers.iter().map(|(_, ticket, _)| *ticket).collect();
        answered.sort_unstable();
        prop_assert_eq!(answered, (0..asked.len() as u64).collect::<Vec<_>>());
        for (at, ticket, told) in &world.answers {
            let since = asked[usize::try_from(*ticket).unwrap()];
            prop_assert!(at - since <= 4_500, "{} {:?}", ticket, told);
        }
        // With everything well again, nothing is left.
        world.servers = vec![Server::is(Mood::Answers); 3];
        world.run(60_000);
        prop_assert_eq!((world.open(), world.forwarder.is_idle()), ((0, 0), true));
    }
}
