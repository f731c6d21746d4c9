//! What if nodes do not know the same of the cluster?

use std::net::IpAddr;

use super::world::{Fault, Plan, World, ms};

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
