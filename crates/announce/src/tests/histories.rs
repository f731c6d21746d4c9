//! Does everything come right whatever goes wrong?

use std::net::IpAddr;

use proptest::prelude::*;

use super::world::{Fault, Plan, Way, World, ms};

const VIPS: [&str; 2] = ["10.1.2.3", "fd00::7"];

/// Something that goes wrong with a node, and how it is put right.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    Dead,
    Frozen,
    Cut,
    Mute,
    Deaf,
    SegmentMute,
    ControlCut,
    LinkDown,
    Unserved,
}

fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        Just(Trouble::Dead),
        Just(Trouble::Frozen),
        Just(Trouble::Cut),
        Just(Trouble::Mute),
        Just(Trouble::Deaf),
        Just(Trouble::SegmentMute),
        Just(Trouble::ControlCut),
        Just(Trouble::LinkDown),
        Just(Trouble::Unserved),
    ]
}

fn faults(world: &World, trouble: Trouble, node: usize) -> (Fault, Fault) {
    let both = |ways: Vec<Way>| (Fault::Close(ways.clone()), Fault::Open(ways));
    match trouble {
        Trouble::Dead => (Fault::Kill(node), Fault::Start(node)),
        Trouble::Frozen => (Fault::Freeze(node), Fault::Thaw(node)),
        Trouble::Cut => both(vec![Way::From(node), Way::To(node)]),
        Trouble::Mute => both(vec![Way::From(node)]),
        Trouble::Deaf => both(vec![Way::To(node)]),
        Trouble::SegmentMute => both(vec![Way::SegmentFrom(node)]),
        Trouble::ControlCut => both(world.cut_control(node)),
        Trouble::LinkDown => (Fault::LinkDown(node), Fault::LinkUp(node)),
        Trouble::Unserved => (Fault::Unserve(node), Fault::Serve(node)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn after_faults_the_first_alone_answers_and_everybody_knows(
        nodes in 2_usize..6,
        seed in 1_u64..1_000_000,
        loss_permille in prop_oneof![Just(0_u64), Just(20)],
        has_gateway in any::<bool>(),
        troubles in prop::collection::vec((trouble(), 0_usize..6, 0_u64..8_000, 50_u64..6_000), 1..6),
    ) {
        let plan = Plan { seed, loss_permille, has_gateway, jitter: ms(20), ..Plan::new(nodes, &VIPS) };
        let mut world = World::new(plan);
        let start = world.now + ms(4000);
        for (trouble, node, at, time) in &troubles {
            let (wrong, right) = faults(&world, *trouble, node % nodes);
            world.fault_at(start + ms(*at), wrong);
            world.fault_at(start + ms(at + time), right);
        }
        world.run_for(ms(4000));
        let vips: Vec<IpAddr> = world.plan.vips.clone();
        for vip in &vips {
            world.ask_as_client(*vip);
        }
        // Whoever met a conflict tries again after ten seconds.
        world.run_for(ms(14_000 + 25_000));
        // Whoever is heard by the other agents and not on the link is not noticed, so that a host may
        // look for the address where it was: until it asks again.
        if troubles.iter().any(|(trouble, ..)| matches!(trouble, Trouble::SegmentMute)) {
            vips.iter().for_each(|vip| world.probe_as_client(*vip));
        }
        let found: Vec<_> =
            vips.iter().map(|vip| (world.owners(*vip), world.client_sends_to(*vip))).collect();
        let expected: Vec<_> = vips
            .iter()
            .map(|vip| (vec![world.order(*vip)[0]], Some(world.order(*vip)[0])))
            .collect();
        prop_assert_eq!(found, expected);
        prop_assert!(world.two_owners_longest <= ms(1000), "{:?}", world.two_owners_longest);
    }
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(48)
}
