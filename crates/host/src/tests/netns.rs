//! Are namespaces apart, found by their names, and joined by the links that are made?

use std::net::UdpSocket;
use std::time::Duration;

use crate::link::Links;
use crate::netns::Netns;
use crate::{address, process, skip};

const DEADLINE: Duration = Duration::from_secs(20);

/// Takes the name away however the test ends.
struct Deleted<'a>(&'a str);

impl Drop for Deleted<'_> {
    fn drop(&mut self) {
        Netns::delete(self.0).unwrap();
    }
}

/// A name that no other run of the tests has.
fn name(role: &str) -> String {
    format!("pogu-test-{role}-{}", std::process::id())
}

#[test]
fn a_datagram_crosses_from_one_namespace_to_another_in_both_families() {
    if skip::without_root() {
        return;
    }
    let (near, far) = (Netns::unshared().unwrap(), Netns::unshared().unwrap());
    near.run(|| {
        let mut links = Links::open().unwrap();
        links.create_veth("near", "far", Some(&far)).unwrap();
        links.set_up("near").unwrap();
        links.add_address("near", "10.9.0.1/24".parse().unwrap()).unwrap();
        links.add_address("near", "fd00:9::1/64".parse().unwrap()).unwrap();
    })
    .unwrap();
    let receivers = far.run(|| {
        let mut links = Links::open().unwrap();
        links.set_up("far").unwrap();
        links.add_address("far", "10.9.0.2/24".parse().unwrap()).unwrap();
        links.add_address("far", "fd00:9::2/64".parse().unwrap()).unwrap();
        ["10.9.0.2:7000", "[fd00:9::2]:7000"].map(|address| UdpSocket::bind(address).unwrap())
    });
    let received = receivers.unwrap().map(|receiver| {
        receiver.set_read_timeout(Some(DEADLINE)).unwrap();
        let server = receiver.local_addr().unwrap();
        let any = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        near.run(|| UdpSocket::bind(any).unwrap().send_to(b"ahoy", server).unwrap()).unwrap();
        let mut bytes = [0; 64];
        let (length, sender) = receiver.recv_from(&mut bytes).unwrap();
        (bytes[..length].to_vec(), sender.ip().to_string())
    });
    let expected = ["10.9.0.1", "fd00:9::1"].map(|sender| (b"ahoy".to_vec(), sender.to_owned()));
    assert_eq!(received, expected);
}

#[test]
fn a_named_namespace_is_found_by_ip_and_by_name_until_it_is_deleted() {
    if skip::without_root() {
        return;
    }
    let name = name("named");
    let netns = Netns::create(&name).unwrap();
    let named = Deleted(&name);
    netns.run(|| Links::open().unwrap().create_bridge("here").unwrap()).unwrap();
    let links = ["netns", "exec", &name, "ip", "-br", "link", "show", "dev", "here"];
    let shown = process::stdout_of("ip", &links, "", DEADLINE);
    let again = Netns::create(&name).map(drop);
    let opened = Netns::open(&name).unwrap().run(|| address::links().unwrap()).unwrap();
    drop(named);
    assert_eq!(shown.unwrap().split_whitespace().next(), Some("here"));
    assert_eq!(opened.into_values().collect::<Vec<_>>(), ["lo", "here"]);
    assert_eq!(
        again.unwrap_err().to_string(),
        format!("cannot create network namespace: {name}: File exists (os error 17)")
    );
    assert_eq!(
        Netns::open(&name).unwrap_err().to_string(),
        format!("cannot open network namespace: {name}: No such file or directory (os error 2)")
    );
}

#[test]
fn a_name_cannot_leave_the_directory() {
    let texts = ["../x", "", ".."].map(|name| Netns::open(name).unwrap_err().to_string());
    assert_eq!(
        texts,
        [
            "not a name for a network namespace: \"../x\"",
            "not a name for a network namespace: \"\"",
            "not a name for a network namespace: \"..\"",
        ]
    );
}

#[test]
fn the_calling_thread_stays_where_it_is() {
    if skip::without_root() {
        return;
    }
    let here = || std::fs::read_link("/proc/thread-self/ns/net").unwrap();
    let before = here();
    let there = Netns::unshared().unwrap().run(here).unwrap();
    assert_eq!((here() == before, there == before), (true, false));
}

#[test]
fn links_are_made_as_ip_shows_them() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let mut links = Links::open().unwrap();
            links.create_bridge("bridge").unwrap();
            links.create_veth("left", "right", None).unwrap();
            links.join_bridge("left", "bridge").unwrap();
            for name in ["bridge", "left", "right"] {
                links.set_up(name).unwrap();
            }
            links.add_address("right", "10.9.0.2/24".parse().unwrap()).unwrap();
            links.add_route("0.0.0.0/0".parse().unwrap(), "10.9.0.1".parse().unwrap()).unwrap();
            links.add_link_route("10.8.0.0/16".parse().unwrap(), "right").unwrap();
            let ip = |args: &[&str]| process::stdout_of("ip", args, "", DEADLINE).unwrap();
            assert_eq!(
                ip(&["route"]),
                "default via 10.9.0.1 dev right proto static \n\
                 10.8.0.0/16 dev right proto static scope link \n\
                 10.9.0.0/24 dev right proto kernel scope link src 10.9.0.2 \n"
            );
            let ports = ip(&["-br", "link", "show", "master", "bridge"]);
            assert_eq!(ports.split_whitespace().next(), Some("left@right"));
            links.delete("left").unwrap();
            let left: Vec<_> = address::links().unwrap().into_values().collect();
            assert_eq!(left, ["lo", "bridge"]);
        })
        .unwrap();
}

#[test]
fn what_cannot_be_done_to_a_link_is_said() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let mut links = Links::open().unwrap();
            let errors = [
                links.set_up("absent"),
                links.create_bridge("lo"),
                links.add_route("10.0.0.0/8".parse().unwrap(), "10.9.0.1".parse().unwrap()),
            ]
            .map(|result| result.unwrap_err().to_string());
            assert_eq!(errors, [
                "cannot set link up: absent: no such link: No such device (os error 19)",
                "cannot create bridge: lo: rtnetlink request refused: message 1: File exists (os error 17)",
                "cannot add route: 10.0.0.0/8 via 10.9.0.1: rtnetlink request refused: message 2: \
                 Network is unreachable (os error 101): Nexthop has invalid gateway",
            ]);
        })
        .unwrap();
}
