//! Are the host's addresses all listed, and their changes heard of?

use std::time::Duration;

use model::Family;

use crate::address::{links, local_addresses, primary_address};
use crate::link::Links;
use crate::monitor::ChangeMonitor;
use crate::netns::Netns;
use crate::skip;

const DEADLINE: Duration = Duration::from_secs(20);

#[test]
fn addresses_of_both_families_are_listed_with_their_links() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let mut set_up = Links::open().unwrap();
            set_up.create_bridge("wire").unwrap();
            for address in ["10.9.0.1/24", "10.9.0.2/32", "fd00:9::1/64"] {
                set_up.add_address("wire", address.parse().unwrap()).unwrap();
            }
            let links = links().unwrap();
            let found: Vec<_> = local_addresses()
                .unwrap()
                .into_iter()
                .map(|local| (local.address.to_string(), links[&local.link].as_str()))
                .collect();
            let expected = [
                ("127.0.0.1/8", "lo"),
                ("10.9.0.1/24", "wire"),
                ("10.9.0.2/32", "wire"),
                ("::1/128", "lo"),
                ("fd00:9::1/64", "wire"),
            ]
            .map(|(address, link)| (address.to_owned(), link));
            assert_eq!(found, expected);
        })
        .unwrap();
}

#[test]
fn the_primary_address_is_that_of_the_default_route() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let found = || Family::ALL.map(|family| primary_address(family).unwrap());
            assert_eq!(found(), [None, None]);
            let mut links = Links::open().unwrap();
            for (link, v4, v6) in [
                ("first", "10.8.0.1/24", "fd00:8::1/64"),
                ("second", "10.9.0.1/24", "fd00:9::1/64"),
            ] {
                let peer = format!("{link}-peer");
                links.create_veth(link, &peer, None).unwrap();
                links.set_up(link).unwrap();
                links.set_up(&peer).unwrap();
                links.add_address(link, v4.parse().unwrap()).unwrap();
                links.add_address(link, v6.parse().unwrap()).unwrap();
            }
            for (route, gateway) in [("0.0.0.0/0", "10.9.0.254"), ("::/0", "fd00:9::fe")] {
                links.add_route(route.parse().unwrap(), gateway.parse().unwrap()).unwrap();
            }
            assert_eq!(found(), ["10.9.0.1", "fd00:9::1"].map(|address| address.parse().ok()));
        })
        .unwrap();
}

#[test]
fn a_change_of_addresses_is_heard_of_once() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let mut links = Links::open().unwrap();
            links.create_bridge("wire").unwrap();
            let mut monitor = ChangeMonitor::of_addresses().unwrap();
            for address in ["10.9.0.1/24", "fd00:9::1/64"] {
                links.add_address("wire", address.parse().unwrap()).unwrap();
                // An address on a link that is down is there at once, and nothing follows.
                let heard = [DEADLINE, Duration::ZERO].map(|wait| monitor.recv(wait).unwrap());
                assert_eq!(heard, [true, false]);
            }
            links.delete("wire").unwrap();
            assert!(monitor.recv(DEADLINE).unwrap());
        })
        .unwrap();
}
