//! Does the host get its own addresses on a link of its own, and keep all other links as they are?

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use ipnet::IpNet;

use crate::dummy::Dummy;
use crate::link::Links;
use crate::netns::Netns;
use crate::{address, process, skip};

const DEADLINE: Duration = Duration::from_secs(20);

fn in_netns(work: impl FnOnce() + Send) {
    if skip::without_root() {
        return;
    }
    Netns::unshared().unwrap().run(work).unwrap();
}

fn addresses(texts: &[&str]) -> BTreeSet<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Link and address of each line of `ip`, but for the kernel's own.
fn shown() -> Vec<String> {
    let listing = process::stdout_of("ip", &["-o", "address", "show"], "", DEADLINE).unwrap();
    let words = listing.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let kept = words.filter(|words| words[1] != "lo" && !words[3].starts_with("fe80"));
    kept.map(|words| format!("{} {}", words[1], words[3])).collect()
}

#[test]
fn its_addresses_are_those_that_are_wanted() {
    in_netns(|| {
        let mut dummy = Dummy::ensure("pogu-dns").unwrap();
        assert_eq!(dummy.addresses().unwrap(), BTreeSet::new());
        for texts in [
            &["10.96.0.10", "fd00:96::a"][..],
            &["10.96.0.10", "fd00:96::a"],
            &["169.254.20.10", "fd00:96::b", "10.96.0.10"],
            &[],
        ] {
            let wanted = addresses(texts);
            dummy.set_addresses(&wanted).unwrap();
            assert_eq!(dummy.addresses().unwrap(), wanted);
            // At once: nobody is asked whether an address is taken.
            for address in &wanted {
                UdpSocket::bind(SocketAddr::new(*address, 53)).unwrap();
            }
        }
    });
}

#[test]
fn it_is_found_again_with_what_it_has() {
    in_netns(|| {
        let mut first = Dummy::ensure("pogu-dns").unwrap();
        for _ in 0..2 {
            first.add("10.96.0.10".parse().unwrap()).unwrap();
            first.add("fd00:96::a".parse().unwrap()).unwrap();
        }
        drop(first);
        let mut again = Dummy::ensure("pogu-dns").unwrap();
        assert_eq!(again.addresses().unwrap(), addresses(&["10.96.0.10", "fd00:96::a"]));
        assert_eq!(shown(), ["pogu-dns 10.96.0.10/32", "pogu-dns fd00:96::a/128"]);
        for _ in 0..2 {
            again.remove("10.96.0.10".parse().unwrap()).unwrap();
        }
        assert_eq!(shown(), ["pogu-dns fd00:96::a/128"]);
        let removed = [Dummy::delete("pogu-dns").unwrap(), Dummy::delete("pogu-dns").unwrap()];
        assert_eq!((removed, shown()), ([true, false], Vec::new()));
    });
}

#[test]
fn what_the_host_sends_never_comes_from_its_addresses() {
    in_netns(|| {
        // Later and more alike than the host's own: what a choice would go by.
        let mut links = Links::open().unwrap();
        links.create_bridge("away").unwrap();
        links.set_up("away").unwrap();
        let mut dummy = Dummy::ensure("pogu-dns").unwrap();
        dummy.set_addresses(&addresses(&["10.96.0.10", "fd00:96::a"])).unwrap();
        links.create_bridge("own").unwrap();
        links.set_up("own").unwrap();
        for (own, there) in [("172.30.0.11/24", "10.96.1.2"), ("fd00:30::11/64", "fd00:96::1:2")] {
            links.add_address("own", own.parse().unwrap()).unwrap();
            let there: IpAddr = there.parse().unwrap();
            links.add_link_route(there.into(), "away").unwrap();
            let own: IpNet = own.parse().unwrap();
            let any = if there.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let socket = UdpSocket::bind(any).unwrap();
            socket.connect(SocketAddr::new(there, 9)).unwrap();
            assert_eq!(socket.local_addr().unwrap().ip(), own.addr());
        }
    });
}

#[test]
fn other_links_and_their_addresses_are_left_alone() {
    in_netns(|| {
        let mut links = Links::open().unwrap();
        links.create_bridge("pogu-dns").unwrap();
        for address in ["10.96.0.10/32", "10.9.0.1/24"] {
            links.add_address("pogu-dns", address.parse().unwrap()).unwrap();
        }
        let refused = "a link of this name is not ours, and left as it is: pogu-dns\n\
            hint: delete or rename that link";
        let errors = [
            Dummy::ensure("pogu-dns").map(drop).unwrap_err().to_string(),
            Dummy::delete("pogu-dns").map(drop).unwrap_err().to_string(),
        ];
        assert_eq!(errors, [refused, refused]);
        let mut dummy = Dummy::ensure("other").unwrap();
        dummy.set_addresses(&BTreeSet::new()).unwrap();
        assert_eq!(shown(), ["pogu-dns 10.96.0.10/32", "pogu-dns 10.9.0.1/24"]);
        Dummy::delete("other").unwrap();
        let left: Vec<_> = address::links().unwrap().into_values().collect();
        assert_eq!(left, ["lo", "pogu-dns"]);
    });
}

#[test]
fn an_address_that_cannot_be_had_is_named() {
    in_netns(|| {
        crate::sysctl::write("net.ipv6.conf.default.disable_ipv6", "1").unwrap();
        drop(Dummy::ensure("pogu-dns").unwrap());
        let mut dummy = Dummy::ensure("pogu-dns").unwrap();
        let error = dummy.set_addresses(&addresses(&["fd00:96::a"])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot add address: fd00:96::a/128 to pogu-dns: rtnetlink request refused: message 2: \
             Permission denied (os error 13): ipv6: IPv6 is disabled on this device"
        );
        let error = Dummy::ensure("a-name-that-is-too-long").map(drop).unwrap_err().to_string();
        assert_eq!(
            error,
            "cannot look at link a-name-that-is-too-long: rtnetlink request refused: message 1: \
             Numerical result out of range (os error 34): Attribute failed policy validation: \
             attribute at byte 32"
        );
    });
}
