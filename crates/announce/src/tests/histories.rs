//! Does everything come right whatever goes wrong?

use proptest::prelude::*;
use testkit::generate;

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
    Excluded,
    Stalled,
    Unseen,
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
        Just(Trouble::Excluded),
        Just(Trouble::Stalled),
        Just(Trouble::Unseen),
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
        Trouble::Excluded => (Fault::Exclude(node), Fault::Include(node)),
        Trouble::Stalled => (Fault::Stall(node), Fault::Catch(node)),
        Trouble::Unseen => {
            let other = (node + 1) % world.plan.nodes;
            (Fault::Hide(node, other), Fault::Show(node, other))
        }
    }
}

/// Addresses on two links, and a part of the nodes for each: so that nodes watch each other for some
/// addresses, and are strangers for others.
const SPREAD: [&str; 5] = ["10.1.2.3", "fd00::7", "172.16.9.1", "172.16.9.2", "10.1.2.4"];

fn spread(nodes: usize, masks: &[u16; 5]) -> Plan {
    let plan = Plan { has_second_link: true, ..Plan::new(nodes, &SPREAD) };
    let members = plan.vips.iter().zip(masks).map(|(vip, mask)| {
        let members = (0..nodes).filter(|node| mask >> node & 1 == 1);
        // At least two.
        (*vip, members.chain([usize::from(*mask) % nodes, 0]).collect())
    });
    let members = members.collect();
    Plan { members, ..plan }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn after_faults_the_first_alone_answers_and_everybody_knows(
        nodes in 2_usize..6,
        seed in 1_u64..1_000_000,
        loss_permille in prop_oneof![Just(0_u64), Just(20)],
        has_gateway in any::<bool>(),
        troubles in prop::collection::vec((trouble(), 0_usize..6, 0_u64..8_000, 50_u64..6_000), 1..6),
    ) {
        let plan = Plan {
            seed,
            loss_permille,
            has_gateway,
            jitter: ms(20),
            view_lag: ms(400),
            ..Plan::new(nodes, &VIPS)
        };
        let world = end_of(World::new(plan), &troubles);
        prop_assert_eq!(found(&world), expected(&world));
        prop_assert!(world.two_owners_longest <= two_most(&troubles), "{:?}", world.two_owners_longest);
    }

    #[test]
    fn so_it_is_with_many_nodes_of_which_each_has_its_own_part(
        nodes in 6_usize..10,
        masks in any::<[u16; 5]>(),
        seed in 1_u64..1_000_000,
        troubles in prop::collection::vec((trouble(), 0_usize..10, 0_u64..8_000, 50_u64..6_000), 1..8),
    ) {
        let plan = Plan { seed, jitter: ms(20), view_lag: ms(400), ..spread(nodes, &masks) };
        let world = end_of(World::new(plan), &troubles);
        prop_assert_eq!(found(&world), expected(&world));
        prop_assert!(world.two_owners_longest <= two_most(&troubles), "{:?}", world.two_owners_longest);
    }
}

proptest! {
    #![proptest_config(config())]

    /// One thing at a time goes wrong, so somebody can always answer.
    #[test]
    fn nobody_is_without_an_answer_for_long(
        nodes in 2_usize..8,
        seed in 1_u64..1_000_000,
        troubles in prop::collection::vec((trouble(), 0_usize..8, 50_u64..6_000), 1..4),
    ) {
        let plan = Plan { seed, jitter: ms(20), view_lag: ms(400), ..Plan::new(nodes, &VIPS) };
        let mut world = World::new(plan);
        world.run_for(ms(5000));
        world.changes.clear();
        for (trouble, node, time) in &troubles {
            // Nobody notices that one.
            if matches!(trouble, Trouble::SegmentMute) {
                continue;
            }
            let (wrong, right) = faults(&world, *trouble, node % nodes);
            world.inflict(wrong);
            world.run_for(ms(*time));
            world.inflict(right);
            world.run_for(ms(8000));
        }
        // The longest: an owner that hears nothing gives up just before it hears again, and asks first
        // whether somebody took the address.
        prop_assert!(world.no_owner_longest <= ms(1500), "{:?}", world.no_owner_longest);
        prop_assert!(world.two_owners_longest <= ms(1000), "{:?}", world.two_owners_longest);
        // Each address goes, and comes back.
        prop_assert!(world.changes.len() <= 2 * VIPS.len() * troubles.len(), "{:?}", world.changes);
    }
}

/// How long two may have an address: one that is no candidate any more, and is not spoken with either, waits
/// two seconds for its successor.
fn two_most(troubles: &[(Trouble, usize, u64, u64)]) -> std::time::Duration {
    let is_excluded = troubles
        .iter()
        .any(|(trouble, ..)| matches!(trouble, Trouble::Excluded | Trouble::Stalled));
    // Whoever is in no view is a stranger for that long.
    if troubles.iter().any(|(trouble, ..)| matches!(trouble, Trouble::Unseen)) {
        return ms(7000);
    }
    if is_excluded { ms(2300) } else { ms(1000) }
}

/// A history, and what is said at its end of each address: who answers, and where the client sends to.
fn end_of(mut world: World, troubles: &[(Trouble, usize, u64, u64)]) -> World {
    let start = world.now + ms(4000);
    for (trouble, node, at, time) in troubles {
        let (wrong, right) = faults(&world, *trouble, node % world.plan.nodes);
        world.fault_at(start + ms(*at), wrong);
        world.fault_at(start + ms(at + time), right);
    }
    world.run_for(ms(4000));
    for vip in world.plan.vips.clone() {
        world.ask_as_client(vip);
    }
    // Whoever met a conflict tries again after ten seconds.
    world.run_for(ms(14_000 + 25_000));
    // Whoever is heard by the other agents and not on the link is not noticed, so that a host may
    // look for the address where it was: until it asks again.
    if troubles.iter().any(|(trouble, ..)| matches!(trouble, Trouble::SegmentMute)) {
        world.plan.vips.clone().iter().for_each(|vip| world.probe_as_client(*vip));
    }
    world
}

fn found(world: &World) -> Vec<(Vec<usize>, Option<usize>)> {
    let vips = world.plan.vips.iter();
    vips.map(|vip| (world.owners(*vip), world.client_sends_to(*vip))).collect()
}

fn expected(world: &World) -> Vec<(Vec<usize>, Option<usize>)> {
    let first = world.plan.vips.iter().map(|vip| world.order(*vip)[0]);
    first.map(|first| (vec![first], Some(first))).collect()
}

/// The same histories in each run, unless the environment says otherwise.
fn config() -> ProptestConfig {
    ProptestConfig { max_shrink_iters: 200, ..generate::config(24) }
}
