//! Does the rig see what a kernel does, by rules that the nft program loads?

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use crate::rig::Rig;
use host::process::stdout_of;
use host::skip::without_root;
use model::{Affinity, Delivery, DropReason, Packet, Protocol, RejectReason, Verdict};

/// Address 10.96.0.N and fd96::N, port 80 of every protocol, does what its comment says.
const RULES: &str = "
table inet judge {
  chain prerouting { type nat hook prerouting priority -100; jump services; }
  chain output { type nat hook output priority -100; jump services; }
  chain services {
    # 1: one endpoint elsewhere
    ip daddr 10.96.0.1 meta l4proto { tcp, udp, sctp } th dport 80 dnat ip to 10.1.0.5:8080
    ip6 daddr fd96::1 meta l4proto { tcp, udp, sctp } th dport 80 dnat ip6 to [fd01::5]:8080
    # 2: one of three
    ip daddr 10.96.0.2 meta l4proto { tcp, udp, sctp } th dport 80 dnat ip to numgen random mod 3 map { 0 : 10.1.0.5, 1 : 10.1.0.6, 2 : 10.1.0.7 }
    ip6 daddr fd96::2 meta l4proto { tcp, udp, sctp } th dport 80 dnat ip6 to numgen random mod 3 map { 0 : fd01::5, 1 : fd01::6, 2 : fd01::7 }
    # 3: masqueraded
    ip daddr 10.96.0.3 meta l4proto { tcp, udp, sctp } th dport 80 dnat ip to 10.1.0.5:8080
    ip6 daddr fd96::3 meta l4proto { tcp, udp, sctp } th dport 80 dnat ip6 to [fd01::5]:8080
    # 6: the node's own endpoint
    ip daddr 10.96.0.6 meta l4proto { tcp, udp, sctp } th dport 80 dnat ip to 192.168.0.1:8080
    ip6 daddr fd96::6 meta l4proto { tcp, udp, sctp } th dport 80 dnat ip6 to [fd00::1]:8080
    # 7: by the interface
    iifname \"cni0\" ip daddr 10.96.0.7 meta l4proto { tcp, udp, sctp } th dport 80 dnat ip to 10.1.0.5:8080
    iifname \"cni0\" ip6 daddr fd96::7 meta l4proto { tcp, udp, sctp } th dport 80 dnat ip6 to [fd01::5]:8080
  }
  chain postrouting {
    type nat hook postrouting priority 100
    ct original ip daddr 10.96.0.3 masquerade fully-random
    ct original ip6 daddr fd96::3 masquerade fully-random
  }
  chain input { type filter hook input priority 0; jump refuse; }
  chain forward { type filter hook forward priority 0; jump refuse; }
  chain own { type filter hook output priority 0; jump refuse; }
  chain refuse {
    # 4 rejects, 5 drops
    ip daddr 10.96.0.4 reject with icmp port-unreachable
    ip6 daddr fd96::4 reject with icmpv6 port-unreachable
    ip daddr 10.96.0.5 drop
    ip6 daddr fd96::5 drop
    ip daddr 192.168.0.1 th dport 81 reject with icmp port-unreachable
    ip6 daddr fd00::1 th dport 81 reject with icmpv6 port-unreachable
  }
}";

/// Both families of everything.
struct Pair(&'static str, &'static str);

const OUTSIDE: Pair = Pair("198.51.100.9", "2001:db8:1::9");
const POD: Pair = Pair("10.1.0.200", "fd01::200");
const NODE: Pair = Pair("192.168.0.1", "fd00::1");

fn rig() -> Rig {
    let rig = Rig::new(&[NODE.0.parse().unwrap(), NODE.1.parse().unwrap()]).unwrap();
    let load = || stdout_of("nft", &["-f", "-"], RULES, Duration::from_secs(10)).unwrap();
    assert_eq!(rig.netns().run(load).unwrap(), "");
    rig
}

fn packet(
    source: &str,
    destination: &str,
    port: u16,
    protocol: Protocol,
    via: Option<&str>,
) -> Packet {
    Packet {
        source: source.parse().unwrap(),
        destination: destination.parse::<IpAddr>().unwrap(),
        protocol,
        destination_port: NonZeroU16::new(port).unwrap(),
        interface: via.map(Into::into),
    }
}

fn deliveries(endpoints: &[&str], masquerade: bool) -> BTreeSet<Delivery> {
    let delivery = |text: &&str| Delivery { endpoint: text.parse().unwrap(), masquerade };
    endpoints.iter().map(delivery).collect()
}

fn forward(endpoints: &[&str], masquerade: bool) -> Verdict {
    Verdict::Forward { deliveries: deliveries(endpoints, masquerade), affinity: None }
}

/// Checks all protocols and families, from outside, from a pod and from the node itself.
#[track_caller]
fn check(n: u16, v4: &Verdict, v6: &Verdict) {
    if without_root() {
        return;
    }
    let mut rig = rig();
    for protocol in Protocol::ALL {
        for (source, via) in [(OUTSIDE, Some("eth0")), (POD, Some("cni0")), (NODE, None)] {
            let to_v4 = packet(source.0, &format!("10.96.0.{n}"), 80, protocol, via);
            assert_eq!(rig.check(&to_v4, v4), Ok(()), "{to_v4:?}");
            let to_v6 = packet(source.1, &format!("fd96::{n}"), 80, protocol, via);
            assert_eq!(rig.check(&to_v6, v6), Ok(()), "{to_v6:?}");
        }
    }
}

#[test]
fn one_endpoint_is_reached() {
    check(1, &forward(&["10.1.0.5:8080"], false), &forward(&["[fd01::5]:8080"], false));
}

#[test]
fn every_endpoint_of_a_choice_is_reached() {
    check(
        2,
        &forward(&["10.1.0.5:80", "10.1.0.6:80", "10.1.0.7:80"], false),
        &forward(&["[fd01::5]:80", "[fd01::6]:80", "[fd01::7]:80"], false),
    );
}

#[test]
fn a_rewritten_source_is_seen() {
    check(3, &forward(&["10.1.0.5:8080"], true), &forward(&["[fd01::5]:8080"], true));
}

#[test]
fn a_rejected_sender_is_told() {
    let reject = Verdict::Reject(RejectReason::NoEndpoint);
    check(4, &reject, &reject);
}

#[test]
fn of_a_dropped_packet_nothing_comes() {
    let drop = Verdict::Drop(DropReason::UnallocatedClusterIp);
    check(5, &drop, &drop);
}

#[test]
fn an_endpoint_of_the_node_is_reached() {
    check(6, &forward(&["192.168.0.1:8080"], false), &forward(&["[fd00::1]:8080"], false));
}

#[test]
fn what_no_rule_speaks_of_goes_on_as_it_is() {
    check(8, &Verdict::NotService, &Verdict::NotService);
}

#[test]
fn what_is_for_the_node_is_taken_in() {
    if without_root() {
        return;
    }
    let mut rig = rig();
    let refused = Verdict::Reject(RejectReason::NoEndpoint);
    for protocol in Protocol::ALL {
        for (source, via) in [(OUTSIDE, Some("eth0")), (NODE, None)] {
            for (source, node) in [(source.0, NODE.0), (source.1, NODE.1)] {
                let plain = packet(source, node, 22, protocol, via);
                assert_eq!(rig.check(&plain, &Verdict::NotService), Ok(()), "{plain:?}");
                let closed = packet(source, node, 81, protocol, via);
                assert_eq!(rig.check(&closed, &refused), Ok(()), "{closed:?}");
            }
        }
    }
    let loopback = packet("127.0.0.1", "127.0.0.1", 22, Protocol::Tcp, None);
    assert_eq!(rig.check(&loopback, &Verdict::NotService), Ok(()));
}

#[test]
fn the_interface_counts() {
    if without_root() {
        return;
    }
    let mut rig = rig();
    let there = packet(POD.0, "10.96.0.7", 80, Protocol::Tcp, Some("cni0"));
    assert_eq!(rig.check(&there, &forward(&["10.1.0.5:8080"], false)), Ok(()));
    let elsewhere = packet(POD.0, "10.96.0.7", 80, Protocol::Tcp, Some("eth0"));
    assert_eq!(rig.check(&elsewhere, &Verdict::NotService), Ok(()));
}

#[test]
fn a_wrong_verdict_is_told_apart() {
    if without_root() {
        return;
    }
    let mut rig = rig();
    let to = |n: u16| packet(OUTSIDE.0, &format!("10.96.0.{n}"), 80, Protocol::Tcp, Some("eth0"));
    let drop = Verdict::Drop(DropReason::UnallocatedClusterIp);
    let said = [
        rig.check(&to(1), &forward(&["10.1.0.5:8080"], true)),
        rig.check(&to(1), &forward(&["10.1.0.5:8080", "10.1.0.6:8080"], false)),
        rig.check(&to(3), &forward(&["10.1.0.5:8080"], false)),
        rig.check(&to(4), &drop),
        rig.check(&to(5), &Verdict::Reject(RejectReason::NoEndpoint)),
        rig.check(&to(5), &Verdict::NotService),
    ];
    let said = said.map(|result| result.unwrap_err().to_string());
    assert_eq!(
        said,
        [
            "forward 10.1.0.5:8080",
            "never forwards to forward 10.1.0.6:8080",
            "forward 10.1.0.5:8080+masquerade",
            "reject",
            "drop",
            "drop",
        ]
    );
}

#[test]
fn affinity_is_seen_to_hold_or_not() {
    if without_root() {
        return;
    }
    let mut rig = rig();
    let affinity = Some(Affinity { timeout_s: 10 });
    let sticky = |endpoints: &[&str]| Verdict::Forward {
        deliveries: deliveries(endpoints, false),
        affinity,
    };
    let one = packet(OUTSIDE.0, "10.96.0.1", 80, Protocol::Tcp, Some("eth0"));
    assert_eq!(rig.check(&one, &sticky(&["10.1.0.5:8080"])), Ok(()));
    let three = packet(OUTSIDE.0, "10.96.0.2", 80, Protocol::Tcp, Some("eth0"));
    let expected = sticky(&["10.1.0.5:80", "10.1.0.6:80", "10.1.0.7:80"]);
    let n_held = (0..64).filter(|_| rig.check(&three, &expected) == Ok(())).count();
    assert!(n_held < 64, "a random choice cannot hold 64 times");
}
