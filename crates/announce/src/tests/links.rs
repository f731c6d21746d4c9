//! On which of its links does a node announce?

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use model::{Mac, NodeName};

use super::world::ms;
use crate::{Action, Announcer, Link, Settings, View, Vip, wire};

/// The only candidate, until it has settled.
fn alone(links: Vec<Link>, vip: IpAddr) -> Announcer {
    let me = NodeName::new("a");
    let known = Vip { candidates: [me.clone()].into(), is_served: true, interfaces: None };
    let view = View { vips: [(vip, known)].into(), ..View::default() };
    let mut announcer = Announcer::new(me, 1, Settings::default(), Duration::ZERO);
    announcer.set_links(links, Duration::ZERO);
    announcer.set_view(view, Duration::ZERO);
    announcer
}

fn link(index: u32, networks: &[&str]) -> Link {
    Link {
        index,
        name: format!("eth{index}").into(),
        mac: Mac([2, 0, 0, 0, 0, u8::try_from(index).expect("few links")]),
        is_up: true,
        is_router: false,
        addresses: Vec::new(),
        networks: networks.iter().map(|text| text.parse().expect("a network")).collect(),
        gateways: Vec::new(),
    }
}

/// On which links it sends within five seconds.
fn used(announcer: &mut Announcer, from: Duration) -> BTreeSet<u32> {
    let mut links = BTreeSet::new();
    for step in 0..500 {
        announcer.tick(from + ms(10 * step));
        let frames = announcer.take_actions().into_iter().filter_map(|action| match action {
            Action::Frame { link, .. } => Some(link),
            Action::Hello { .. } | Action::Join { .. } | Action::Leave { .. } | Action::Tell(_) => {
                None
            }
        });
        links.extend(frames);
    }
    links
}

#[test]
fn of_two_links_in_one_network_the_first_that_is_up_announces() {
    let families = [("10.1.2.3", "10.1.0.0/16", "10.1.9.9"), ("fd00::7", "fd00::/64", "fd00::99")];
    for (vip, network, asker) in families {
        let vip = vip.parse().expect("an address");
        let both = || vec![link(2, &[network]), link(5, &[network])];
        let mut announcer = alone(both(), vip);
        assert_eq!(used(&mut announcer, ms(0)), [2].into());
        let mut down = both();
        down[0].is_up = false;
        announcer.set_links(down, ms(6000));
        assert_eq!(used(&mut announcer, ms(6000)), [5].into());
        // Its neighbours are told when the first is back; the node has had the address all the time.
        announcer.set_links(both(), ms(12_000));
        assert_eq!(used(&mut announcer, ms(12_000)), [2].into());
        assert_eq!(announcer.counts().owned, 1);
        // Who asks hears it from that link alone.
        let question = wire::question(vip, asker.parse().ok(), Mac([2, 0xcc, 0, 0, 0, 1]), None);
        let question = question.expect("one family");
        for link in [2, 5] {
            announcer.hear_frame(link, &question, ms(18_000));
        }
        assert_eq!(used(&mut announcer, ms(18_000)), [2].into());
        assert_eq!(announcer.counts().frames_answered, 1);
    }
}

#[test]
fn a_link_announces_that_leads_to_a_network_of_its_own() {
    let vip = "10.1.2.3".parse().expect("an address");
    let (small, large) = ("10.1.0.0/16", "10.0.0.0/8");
    let found = [
        [&[small][..], &[large]],
        [&[large], &[small]],
        [&[small, large], &[large]],
        [&[large], &[small, large]],
    ]
    .map(|[first, second]| {
        let links = vec![link(2, first), link(5, second)];
        used(&mut alone(links, vip), ms(0))
    });
    assert_eq!(found, [[2, 5].into(), [2, 5].into(), [2].into(), [2, 5].into()]);
}
