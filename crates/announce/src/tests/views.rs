//! What if nodes do not know the same of the cluster?

use std::net::IpAddr;

use crate::Problem;

use super::world::{Fault, Plan, World, ms, name};

const VIPS: [&str; 2] = ["10.1.2.3", "fd00::7"];

fn at_rest(nodes: usize) -> (World, IpAddr, Vec<usize>) {
    let mut world = World::new(Plan::new(nodes, &VIPS));
    world.run_for(ms(5000));
    let vip = world.plan.vips[0];
    world.ask_as_client(vip);
    world.run_for(ms(2000));
    let order = world.order(vip);
    (world, vip, order)
}

#[test]
fn an_owner_that_is_none_any_more_is_followed_by_one_that_does_not_know_it_yet() {
    for nodes in [2, 3, 5] {
        let (mut world, vip, order) = at_rest(nodes);
        world.inflict(Fault::Stall(order[1]));
        world.inflict(Fault::Exclude(order[0]));
        world.run_for(ms(10_000));
        let found = (world.owners(vip), world.client_sends_to(vip));
        assert_eq!(found, (vec![order[1]], Some(order[1])), "{nodes}");
        assert!(world.no_owner_longest <= ms(100), "{:?}", world.no_owner_longest);
        world.inflict(Fault::Catch(order[1]));
        world.run_for(ms(5000));
        assert_eq!(world.owners(vip), [order[1]]);
    }
}

#[test]
fn an_owner_that_does_not_know_yet_that_it_is_none_yields_to_the_newer_view() {
    for nodes in [2, 3, 5] {
        let (mut world, vip, order) = at_rest(nodes);
        world.inflict(Fault::Stall(order[0]));
        world.inflict(Fault::Exclude(order[0]));
        world.run_for(ms(10_000));
        let found = (world.owners(vip), world.client_sends_to(vip));
        assert_eq!(found, (vec![order[1]], Some(order[1])), "{nodes}");
        let longest = world.two_owners_longest;
        assert!(longest <= ms(1000), "{longest:?}");
        world.inflict(Fault::Catch(order[0]));
        world.run_for(ms(5000));
        assert_eq!(world.owners(vip), [order[1]]);
    }
}

/// Where views cannot be compared, somebody is told.
#[test]
fn two_that_both_answer_say_so() {
    let (mut world, vip, order) = at_rest(3);
    world.inflict(Fault::Stall(order[0]));
    world.hosts[order[0]].seen.1 = 9;
    world.revision = 8;
    world.inflict(Fault::Exclude(order[0]));
    (0..3).for_each(|node| world.tell_view(node));
    world.run_for(ms(3000));
    assert_eq!(world.owners(vip).len(), 2);
    let problems = |node: usize| {
        let all = world.hosts[node].announcer.as_ref().expect("it lives").problems();
        let is_meant = |problem: &Problem| match problem {
            Problem::Contested { address, .. } => *address == vip,
            Problem::Intruding { .. } | Problem::Unheard { .. } => false,
        };
        all.into_iter().filter(is_meant).collect::<Vec<_>>()
    };
    let contested = |node: usize| vec![Problem::Contested { address: vip, node: name(node) }];
    let found = [0, 1, 2].map(|rank| problems(order[rank]));
    assert_eq!(found, [contested(order[1]), contested(order[0]), Vec::new()]);
}

/// A session that ended on one side only goes on where it was, and what was said meanwhile arrives.
#[test]
fn what_was_said_while_a_node_was_out_of_sight_reaches_it() {
    let (mut world, vip, order) = at_rest(3);
    world.inflict(Fault::Kill(order[0]));
    world.run_for(ms(3000));
    assert_eq!(world.owners(vip), [order[1]]);
    world.inflict(Fault::Hide(order[1], order[2]));
    world.inflict(Fault::Start(order[0]));
    world.run_for(ms(6000));
    assert_eq!(world.owners(vip), [order[0]]);
    world.inflict(Fault::Show(order[1], order[2]));
    world.run_for(ms(500));
    let last = world.hosts[order[2]].announcer.as_ref().expect("it lives");
    assert_eq!(last.peers()[&name(order[1])].is_up, Some(true));
    assert_eq!(last.holdings()[&vip].owners, [name(order[0])]);
}
