//! Who answers after something went wrong, and how soon?

use std::net::IpAddr;
use std::time::Duration;

use super::world::{Fault, Plan, Way, World, ms};

const VIP: &str = "10.1.2.3";

fn vip() -> IpAddr {
    VIP.parse().expect("an address")
}

/// A world that has come to rest, the client sending to the owner.
fn at_rest(plan: Plan) -> World {
    let mut world = World::new(plan);
    world.run_for(ms(5000));
    for vip in world.plan.vips.clone() {
        world.ask_as_client(vip);
        world.run_for(ms(10));
        let first = world.order(vip)[0];
        assert_eq!((world.owners(vip), world.client_sends_to(vip)), (vec![first], Some(first)));
    }
    world.changes.clear();
    world
}

/// How long after a fault the client sends to the candidate of this rank, and it alone answers.
fn takeover(world: &mut World, fault: Fault, rank: usize) -> Duration {
    let began = world.now;
    let expected = world.order(vip())[rank];
    world.inflict(fault);
    while world.client_sends_to(vip()) != Some(expected) {
        world.run_for(ms(1));
        assert!(world.now < began + ms(10_000), "nobody took over");
    }
    let took = world.now - began;
    world.run_for(ms(1000));
    let heard: Vec<usize> =
        world.owners(vip()).into_iter().filter(|node| world.is_heard(*node)).collect();
    assert_eq!((heard, world.client_sends_to(vip())), (vec![expected], Some(expected)));
    took
}

/// For several seeds and sizes: the longest time that a takeover took.
fn longest(sizes: &[usize], fault: impl Fn(&World, usize) -> Fault) -> Duration {
    let runs = sizes.iter().flat_map(|nodes| (1..=8).map(move |seed| (*nodes, seed)));
    runs.map(|(nodes, seed)| {
        let plan = Plan { seed, jitter: ms(15), ..Plan::new(nodes, &[VIP]) };
        let mut world = at_rest(plan);
        let owner = world.order(vip())[0];
        let wait = ms(world.random(100));
        world.run_for(wait);
        let fault = fault(&world, owner);
        takeover(&mut world, fault, 1)
    })
    .max()
    .expect("there are runs")
}

#[test]
fn a_standby_takes_over_from_a_dead_owner_in_time() {
    let took = longest(&[2, 3, 5], |_, owner| Fault::Kill(owner));
    assert!(took <= ms(350), "{took:?}");
}

#[test]
fn a_standby_takes_over_from_a_frozen_owner_in_time() {
    let took = longest(&[2, 3, 5], |_, owner| Fault::Freeze(owner));
    assert!(took <= ms(350), "{took:?}");
}

#[test]
fn a_standby_takes_over_from_an_owner_whose_link_is_cut() {
    let took = longest(&[2, 3, 5], |_, owner| Fault::Close(vec![Way::From(owner), Way::To(owner)]));
    assert!(took <= ms(350), "{took:?}");
    let took = longest(&[2, 3, 5], |_, owner| Fault::LinkDown(owner));
    assert!(took <= ms(350), "{took:?}");
}

#[test]
fn a_standby_takes_over_from_an_owner_that_is_not_heard() {
    let took = longest(&[2, 3, 5], |_, owner| Fault::Close(vec![Way::From(owner)]));
    assert!(took <= ms(350), "{took:?}");
}

#[test]
fn a_standby_takes_over_from_an_owner_that_hears_nothing() {
    let took = longest(&[2, 3, 5], |_, owner| Fault::Close(vec![Way::To(owner)]));
    assert!(took <= ms(400), "{took:?}");
}

#[test]
fn a_standby_takes_over_at_once_from_an_owner_whose_rules_are_gone() {
    let took = longest(&[2, 3, 5], |_, owner| Fault::Unserve(owner));
    assert!(took <= ms(60), "{took:?}");
}

#[test]
fn a_planned_end_leaves_nobody_without_an_answer() {
    for nodes in [2, 3, 5] {
        for fault in [Fault::Leave, Fault::Exclude] {
            let mut world = at_rest(Plan::new(nodes, &[VIP]));
            let order = world.order(vip());
            world.inflict(fault(order[0]));
            for _ in 0..300 {
                world.run_for(ms(1));
                assert_ne!(world.owners(vip()), Vec::<usize>::new());
            }
            assert_eq!(world.owners(vip()), [order[1]]);
            assert_eq!(world.client_sends_to(vip()), Some(order[1]));
        }
    }
}

#[test]
fn the_first_takes_its_address_back_after_being_well_for_a_while_and_without_a_gap() {
    let mut world = at_rest(Plan::new(3, &[VIP]));
    let order = world.order(vip());
    takeover(&mut world, Fault::Kill(order[0]), 1);
    world.inflict(Fault::Start(order[0]));
    world.run_for(ms(2500));
    assert_eq!(world.owners(vip()), [order[1]]);
    for _ in 0..2000 {
        world.run_for(ms(1));
        assert_ne!(world.owners(vip()), Vec::<usize>::new());
    }
    assert_eq!(
        (world.owners(vip()), world.client_sends_to(vip())),
        (vec![order[0]], Some(order[0]))
    );
}

#[test]
fn a_control_network_that_is_cut_moves_nothing() {
    for nodes in [2, 3, 5] {
        let mut world = at_rest(Plan::new(nodes, &[VIP]));
        let owner = world.order(vip())[0];
        let ways = world.cut_control(owner);
        world.inflict(Fault::Close(ways.clone()));
        world.run_for(ms(20_000));
        world.inflict(Fault::Open(ways));
        world.run_for(ms(5000));
        assert_eq!((world.changes.as_slice(), world.owners(vip())), (&[][..], vec![owner]));
    }
}

#[test]
fn a_node_that_wakes_up_does_not_answer_for_what_another_has() {
    let mut world = at_rest(Plan::new(3, &[VIP]));
    let order = world.order(vip());
    takeover(&mut world, Fault::Freeze(order[0]), 1);
    world.inflict(Fault::Thaw(order[0]));
    for _ in 0..200 {
        world.run_for(ms(10));
        assert_eq!(world.owners(vip()), [order[1]]);
    }
    world.run_for(ms(3000));
    assert_eq!(world.owners(vip()), [order[0]]);
    assert_eq!(world.two_owners_longest.max(ms(10)), ms(10));
}

#[test]
fn an_address_survives_those_that_fall_one_after_another_and_all_at_once() {
    let mut world = at_rest(Plan::new(7, &[VIP]));
    let order = world.order(vip());
    takeover(&mut world, Fault::Kill(order[0]), 1);
    takeover(&mut world, Fault::Kill(order[1]), 2);
    takeover(&mut world, Fault::Kill(order[2]), 3);
    let mut world = at_rest(Plan::new(7, &[VIP]));
    world.inflict(Fault::Kill(order[1]));
    world.inflict(Fault::Kill(order[2]));
    let took = takeover(&mut world, Fault::Kill(order[0]), 3);
    assert!(took <= ms(6000), "{took:?}");
}

/// Twelve nodes of which only those with these ranks have an agent.
fn with_agents_on(ranks: &[usize]) -> (World, Vec<usize>) {
    let plan = Plan::new(12, &[VIP, "fd00::7"]);
    let order = World::new(plan.clone()).order(vip());
    let agentless = (0..12).filter(|rank| !ranks.contains(rank)).map(|rank| order[rank]).collect();
    (World::new(Plan { agentless, ..plan }), order)
}

#[test]
fn nodes_without_an_agent_are_passed_over_however_many_come_first() {
    for ranks in [&[9, 10, 11][..], &[11], &[5, 8], &[7, 10]] {
        let (mut world, order) = with_agents_on(ranks);
        world.run_for(ms(8000));
        for vip in world.plan.vips.clone() {
            let all = world.order(vip);
            let first = all.into_iter().find(|node| !world.plan.agentless.contains(node));
            assert_eq!(world.owners(vip), Vec::from_iter(first), "{ranks:?}");
        }
        world.ask_as_client(vip());
        // Whoever comes back is not taken for a stranger.
        for rank in [4, 6, 0] {
            world.inflict(Fault::Start(order[rank]));
            world.run_for(ms(12_000));
            let first = rank.min(4);
            let found = (world.owners(vip()), world.client_sends_to(vip()));
            assert_eq!(found, (vec![order[first]], Some(order[first])), "{ranks:?} {rank}");
        }
        for host in &world.hosts {
            let counts = host.announcer.as_ref().map(crate::Announcer::counts).unwrap_or_default();
            assert_eq!(counts.conflicts, 0, "{ranks:?}");
        }
    }
}

#[test]
fn the_sixth_takes_over_when_the_first_five_fall_at_once() {
    let mut world = at_rest(Plan::new(12, &[VIP]));
    let order = world.order(vip());
    order[1..5].iter().for_each(|node| world.inflict(Fault::Kill(*node)));
    let took = takeover(&mut world, Fault::Kill(order[0]), 5);
    assert!(took <= ms(6000), "{took:?}");
}

#[test]
fn a_host_of_the_link_vouches_for_the_last_node_in_either_family() {
    for vip in [VIP, "fd00::7"] {
        let mut world = at_rest(Plan { has_gateway: false, ..Plan::new(2, &[vip]) });
        let order = world.order(world.plan.vips[0]);
        world.inflict(Fault::Kill(order[1]));
        world.run_for(ms(10_000));
        assert_eq!(
            (world.changes.as_slice(), world.owners(world.plan.vips[0])),
            (&[][..], vec![order[0]])
        );
        let told = world.hosts[order[0]].told.iter();
        let cut = told.filter(|(_, event)| matches!(event, crate::Event::CutOff { .. })).count();
        assert_eq!(cut, 0);
    }
}

#[test]
fn nothing_moves_without_a_fault_on_a_busy_machine() {
    for nodes in [2, 3, 7] {
        let plan =
            Plan { jitter: ms(100), loss_permille: 5, ..Plan::new(nodes, &[VIP, "fd00::7"]) };
        let mut world = at_rest(plan);
        world.run_for(ms(120_000));
        assert_eq!(world.changes, []);
    }
}

/// What histories found: two that cannot hear each other's hellos, and one of which was cut off.
#[test]
fn who_was_cut_off_asks_whether_the_address_was_taken() {
    let mut world = at_rest(Plan { has_gateway: false, ..Plan::new(2, &[VIP]) });
    let order = world.order(vip());
    let cut = vec![Way::From(order[0]), Way::To(order[0])];
    world.inflict(Fault::Close(cut.clone()));
    world.inflict(Fault::Kill(order[1]));
    world.run_for(ms(700));
    world.inflict(Fault::Start(order[1]));
    world.run_for(ms(1300));
    let control = world.cut_control(order[0]);
    world.inflict(Fault::Close(control.clone()));
    world.inflict(Fault::Open(cut));
    world.run_for(ms(4000));
    assert_eq!(world.owners(vip()), [order[1]]);
    world.inflict(Fault::Open(control));
    world.run_for(ms(5000));
    assert_eq!(world.owners(vip()), [order[0]]);
    assert_eq!(world.two_owners_longest.max(ms(10)), ms(10));
}
