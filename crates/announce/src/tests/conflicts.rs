//! What becomes of an address that somebody else has or claims?

use std::net::IpAddr;

use model::Mac;

use super::world::{Fault, Plan, World, mac, ms, name};
use crate::{
    Action, Announcer, Change, Event, Hello, Link, Problem, Release, Role, Settings, Unable, wire,
};

const VIPS: [&str; 2] = ["10.1.2.3", "fd00::7"];
const SQUATTER: Mac = Mac([2, 0xbb, 0, 0, 0, 1]);

fn vips() -> [IpAddr; 2] {
    VIPS.map(|text| text.parse().expect("an address"))
}

fn conflicts(world: &World, node: usize) -> Vec<(IpAddr, Mac, bool)> {
    let told = world.hosts[node].told.iter();
    told.filter_map(|(_, event)| match event {
        Event::Conflict { address, mac, is_owned } => Some((*address, *mac, *is_owned)),
        Event::Owned { .. }
        | Event::Released { .. }
        | Event::Slept(_)
        | Event::CutOff { .. }
        | Event::Reached { .. }
        | Event::Up(_)
        | Event::Down(_) => None,
    })
    .collect()
}

#[test]
fn an_address_that_somebody_has_is_not_used_before_that_one_is_gone() {
    let mut world = World::new(Plan::new(3, &VIPS));
    for vip in vips() {
        world.squatters.insert(vip, SQUATTER);
    }
    world.run_for(ms(5000));
    for vip in vips() {
        let first = world.order(vip)[0];
        assert_eq!(world.owners(vip), Vec::<usize>::new());
        assert_eq!(
            conflicts(&world, first).iter().filter(|(at, ..)| *at == vip).collect::<Vec<_>>(),
            [&(vip, SQUATTER, false)]
        );
        let announcer = world.hosts[first].announcer.as_ref().expect("it lives");
        assert_eq!(announcer.holdings()[&vip].role, Role::Conflict(SQUATTER));
    }
    world.squatters.clear();
    // One after the other tries again, and the address finds its way to the first.
    world.run_for(ms(30_000));
    for vip in vips() {
        assert_eq!(world.owners(vip), [world.order(vip)[0]]);
    }
}

#[test]
fn a_foreign_claim_is_answered_once_in_an_interval_and_told() {
    let mut world = World::new(Plan::new(3, &VIPS));
    world.run_for(ms(5000));
    for vip in vips() {
        let owner = world.order(vip)[0];
        world.ask_as_client(vip);
        world.run_for(ms(2000));
        // It repeats itself, and must not make us repeat ourselves each time.
        let frames_before =
            world.hosts[owner].announcer.as_ref().expect("it lives").counts().frames_sent;
        for _ in 0..20 {
            for frame in wire::announcement(vip, SQUATTER, false) {
                world.emit(None, &frame);
            }
            world.run_for(ms(200));
        }
        let own = world.hosts[owner].announcer.as_ref().expect("it lives");
        let n_frames = u64::try_from(wire::announcement(vip, SQUATTER, false).len()).expect("few");
        assert_eq!(own.counts().frames_sent - frames_before, 6 * n_frames);
        assert_eq!(own.holdings()[&vip].role, Role::Owner);
        assert_eq!(
            conflicts(&world, owner).iter().filter(|(at, ..)| *at == vip).collect::<Vec<_>>(),
            [&(vip, SQUATTER, true)]
        );
    }
}

#[test]
fn who_asks_in_the_name_of_an_address_claims_it() {
    let mut world = World::new(Plan::new(2, &VIPS));
    world.run_for(ms(5000));
    for (vip, other) in [(vips()[0], "10.5.5.5"), (vips()[1], "fd00::55")] {
        let owner = world.order(vip)[0];
        let other = other.parse().expect("an address");
        let question = wire::question(other, Some(vip), SQUATTER, None).expect("one family");
        world.emit(None, &question);
        world.run_for(ms(100));
        let told = conflicts(&world, owner);
        assert_eq!(told.last(), Some(&(vip, SQUATTER, true)));
    }
}

#[test]
fn a_claim_of_one_that_comes_earlier_silences_and_of_one_that_comes_later_is_corrected() {
    let [vip, _] = vips();
    let mut world = World::new(Plan::new(3, &VIPS));
    world.run_for(ms(5000));
    let order = world.order(vip);
    world.ask_as_client(vip);
    world.run_for(ms(2000));
    let claim = |node: usize| wire::announcement(vip, mac(node), false);
    claim(order[1]).iter().for_each(|frame| world.emit(None, frame));
    assert_eq!(world.client_sends_to(vip), Some(order[1]));
    world.run_for(ms(100));
    assert_eq!((world.owners(vip), world.client_sends_to(vip)), (vec![order[0]], Some(order[0])));

    world.inflict(Fault::Kill(order[0]));
    world.run_for(ms(3000));
    assert_eq!(world.owners(vip), [order[1]]);
    claim(order[0]).iter().for_each(|frame| world.emit(None, frame));
    world.run_for(ms(5));
    assert_eq!(world.owners(vip), Vec::<usize>::new());
    let told = world.hosts[order[1]].told.last().map(|(_, event)| event.clone());
    assert_eq!(told, Some(Event::Released { address: vip, reason: Release::Preempted }));
    // It was only said so: nobody is there.
    world.run_for(ms(1500));
    assert_eq!((world.owners(vip), world.client_sends_to(vip)), (vec![order[1]], Some(order[1])));
}

#[test]
fn why_a_node_cannot_answer_is_shown() {
    let [vip, _] = vips();
    let role = |fault: fn(usize) -> Fault| {
        let mut world = World::new(Plan::new(3, &VIPS));
        world.run_for(ms(5000));
        let owner = world.order(vip)[0];
        world.inflict(fault(owner));
        world.run_for(ms(100));
        let announcer = world.hosts[owner].announcer.as_ref().expect("it lives");
        announcer.holdings()[&vip].role
    };
    assert_eq!(role(Fault::Unserve), Role::Unable(Unable::NotServed));
    assert_eq!(role(Fault::LinkDown), Role::Unable(Unable::NoLink));
}

#[test]
fn a_node_that_cannot_answer_and_whose_kernel_does_is_corrected_and_told_of() {
    let [vip, _] = vips();
    let mut world = World::new(Plan::new(3, &VIPS));
    world.run_for(ms(5000));
    world.ask_as_client(vip);
    world.run_for(ms(2000));
    let order = world.order(vip);
    world.inflict(Fault::Unserve(order[0]));
    world.run_for(ms(3000));
    assert_eq!(world.owners(vip), [order[1]]);
    world.changes.clear();
    for _ in 0..40 {
        for frame in wire::announcement(vip, mac(order[0]), false) {
            world.emit(None, &frame);
        }
        world.run_for(ms(50));
        assert_eq!(world.owners(vip), [order[1]]);
    }
    world.run_for(ms(300));
    assert_eq!((world.changes.as_slice(), world.client_sends_to(vip)), (&[][..], Some(order[1])));
    let problems = world.hosts[order[1]].announcer.as_ref().expect("it lives").problems();
    let expected = Problem::Intruding { address: vip, node: name(order[0]) };
    assert_eq!(problems, [expected]);
}

/// A foreign host that answers for one address says nothing of the node that had it, nor of the others.
#[test]
fn who_answers_for_a_dead_node_does_not_keep_it_alive() {
    let vips: Vec<String> = (0..9).map(|n| format!("10.1.2.{n}")).collect();
    let vips: Vec<&str> = vips.iter().map(String::as_str).collect();
    let mut world = World::new(Plan::new(2, &vips));
    world.run_for(ms(5000));
    let of_first: Vec<IpAddr> =
        world.plan.vips.iter().copied().filter(|vip| world.order(*vip)[0] == 0).collect();
    assert!(of_first.len() > 1);
    world.squatters.insert(of_first[0], SQUATTER);
    world.inflict(Fault::Kill(0));
    world.run_for(ms(500));
    let owners: Vec<_> = of_first.iter().map(|vip| world.owners(*vip)).collect();
    assert_eq!(owners, vec![vec![1]; of_first.len()]);
}

/// As where a firewall lets no hello through.
#[test]
fn nodes_that_cannot_speak_with_each_other_have_one_owner_and_say_what_is_wrong() {
    for nodes in [2, 3, 5] {
        let mut world = World::new(Plan::new(nodes, &VIPS));
        for node in 0..nodes {
            let ways = world.cut_control(node);
            world.inflict(Fault::Close(ways));
        }
        world.run_for(ms(5000));
        for vip in vips() {
            let order = world.order(vip);
            assert_eq!(world.owners(vip), [order[0]]);
            let announcer = world.hosts[order[1]].announcer.as_ref().expect("it lives");
            let unheard: Vec<Problem> = announcer.problems();
            assert!(matches!(unheard.as_slice(), [Problem::Unheard { .. }]), "{unheard:?}");
            assert!(
                unheard[0].to_string().contains("hint: is UDP port 7947 open between the nodes?")
            );
        }
        world.no_owner_longest = ms(0);
        world.run_for(ms(200_000));
        assert!(world.no_owner_longest <= ms(10), "{:?}", world.no_owner_longest);
        let [vip, _] = vips();
        let order = world.order(vip);
        world.inflict(Fault::Kill(order[0]));
        world.run_for(ms(200_000));
        assert_eq!(world.owners(vip), [order[1]]);
    }
}

#[test]
fn only_link_layer_addresses_that_can_be_announced_are_told() {
    let world = World::new(Plan::new(2, &VIPS));
    let now = world.now;
    let mut announcer = Announcer::new(name(0), 1, Settings::default(), now);
    let [link] = <[_; 1]>::try_from(world.links(0)).expect("one link");
    let pod = |n: u8| Link {
        index: 100 + u32::from(n),
        mac: Mac([0, 0, 0, 0, 1, n]),
        networks: vec![format!("10.244.0.{n}/32").parse().expect("a network")],
        ..link.clone()
    };
    announcer.set_links((0..200).map(pod).chain([link.clone()]).collect(), now);
    announcer.set_view(world.view(0), now);
    announcer.tick(now);
    let mut macs = Vec::new();
    for action in announcer.take_actions() {
        let Action::Hello { bytes, .. } = action else { continue };
        macs.extend(Hello::decode(&bytes).expect("a hello").changes.into_iter().filter_map(
            |change| match change {
                Change::Mac { mac, is_own } => Some((mac, is_own)),
                Change::Vip { .. } | Change::Peer { .. } => None,
            },
        ));
    }
    assert_eq!(macs, [(mac(0), true)]);
}
