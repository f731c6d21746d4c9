//! Which frames of a link are heard, who is told of groups, and what is found to be on which link?

use std::net::IpAddr;
use std::time::Duration;

use model::Mac;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::address::await_local;
use crate::adjacency::{Adjacency, adjacencies};
use crate::groups::Groups;
use crate::link::Links;
use crate::monitor::ChangeMonitor;
use crate::netns::Netns;
use crate::priority::{self, Priority};
use crate::segment::{FRAME_MAX, Segment};
use crate::{process, skip};

const DEADLINE: Duration = Duration::from_secs(20);
const NEAR: Mac = Mac([2, 0, 0, 0, 0, 1]);
const FAR: Mac = Mac([2, 0, 0, 0, 0, 2]);

fn ip(args: &str) -> String {
    let args: Vec<&str> = args.split_whitespace().collect();
    process::stdout_of("ip", &args, "", DEADLINE).unwrap()
}

/// Two namespaces that are joined by a cable, each with addresses of both families.
fn joined() -> (Netns, Netns) {
    let (near, far) = (Netns::unshared().unwrap(), Netns::unshared().unwrap());
    near.run(|| Links::open().unwrap().create_veth("near", "far", Some(&far)).unwrap()).unwrap();
    for (netns, name, mac, addresses) in [
        (&near, "near", NEAR, ["10.9.0.1/24", "fd00:9::1/64"]),
        (&far, "far", FAR, ["10.9.0.2/24", "fd00:9::2/64"]),
    ] {
        netns
            .run(|| {
                ip(&format!("link set {name} address {mac}"));
                let mut links = Links::open().unwrap();
                links.set_up(name).unwrap();
                for address in addresses {
                    links.add_address(name, address.parse().unwrap()).unwrap();
                }
            })
            .unwrap();
    }
    near.run(|| await_local(["fd00:9::1".parse().unwrap()]).unwrap()).unwrap();
    far.run(|| await_local(["fd00:9::2".parse().unwrap()]).unwrap()).unwrap();
    (near, far)
}

fn of(netns: &Netns) -> Adjacency {
    netns.run(|| adjacencies().unwrap()).unwrap().remove(0)
}

fn await_frame(segment: &Segment) -> Vec<u8> {
    let deadline = Timespec::try_from(DEADLINE).unwrap();
    let mut frame = [0; FRAME_MAX];
    loop {
        if let Some(length) = segment.receive(&mut frame).unwrap() {
            return frame[..length].to_vec();
        }
        let ready = poll(&mut [PollFd::new(segment, PollFlags::IN)], Some(&deadline)).unwrap();
        assert_eq!(ready, 1, "nothing came");
    }
}

/// An ARP frame that says that `mac` has 10.9.0.77, to somebody.
fn arp(to: Mac, mac: Mac) -> Vec<u8> {
    let own = [10, 9, 0, 77];
    [&to.0[..], &mac.0, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 2], &mac.0, &own, &mac.0, &own].concat()
}

#[test]
fn only_frames_about_neighbours_that_are_for_this_host_are_heard() {
    if skip::without_root() {
        return;
    }
    let (near, far) = joined();
    let (near_link, far_link) = (of(&near).index, of(&far).index);
    let heard = near.run(|| Segment::open(near_link).unwrap()).unwrap();
    let said = far.run(|| Segment::open(far_link).unwrap()).unwrap();
    // A promiscuous link sees what is for others, too.
    near.run(|| ip("link set near promisc on")).unwrap();
    let other = Mac([2, 0, 0, 0, 0, 9]);
    let mut ipv4 = arp(NEAR, FAR);
    ipv4[12..14].copy_from_slice(&[8, 0]);
    let mut tagged = arp(NEAR, FAR);
    tagged.splice(12..12, [0x81, 0, 0, 5]);
    let mut echo = [&NEAR.0[..], &FAR.0, &[0x86, 0xdd]].concat();
    echo.extend([0x60, 0, 0, 0, 0, 8, 58, 64]);
    echo.extend([0; 32]);
    echo.extend([128, 0, 0, 0, 0, 0, 0, 0]);
    for frame in [&ipv4, &tagged, &echo, &arp(other, FAR), &arp(NEAR, FAR)] {
        said.send(frame).unwrap();
    }
    // What this host sends itself is not heard.
    heard.send(&arp(Mac::BROADCAST, NEAR)).unwrap();
    said.send(&arp(Mac::BROADCAST, FAR)).unwrap();
    let frames = [await_frame(&heard), await_frame(&heard)];
    assert_eq!(frames, [arp(NEAR, FAR), arp(Mac::BROADCAST, FAR)]);
    assert_eq!(heard.receive(&mut [0; FRAME_MAX]).unwrap(), None);
}

#[test]
fn solicitations_for_a_group_come_once_it_is_joined() {
    if skip::without_root() {
        return;
    }
    let (near, far) = joined();
    let near_link = of(&near).index;
    let group = "ff02::1:ff00:77".parse().unwrap();
    let groups = || near.run(|| ip("-6 maddress show dev near")).unwrap();
    assert_eq!(groups().matches("ff02::1:ff00:77").count(), 0);
    let mut joined = Groups::default();
    near.run(|| joined.join(near_link, group).unwrap()).unwrap();
    assert_eq!(groups().matches("ff02::1:ff00:77").count(), 1);
    let segment = near.run(|| Segment::open(near_link).unwrap()).unwrap();
    far.run(|| {
        // Nobody answers; what counts is that the question arrives.
        let _refused = std::net::UdpSocket::bind("[::]:0").unwrap().send_to(b"x", "[fd00:9::77]:9");
    })
    .unwrap();
    let frame = await_frame(&segment);
    assert_eq!((&frame[..6], frame[54]), (&[0x33, 0x33, 0xff, 0, 0, 0x77][..], 135));
    joined.leave(near_link, group).unwrap();
    assert_eq!(groups().matches("ff02::1:ff00:77").count(), 0);
}

#[test]
fn more_groups_are_joined_than_one_socket_may() {
    if skip::without_root() {
        return;
    }
    let (near, _far) = joined();
    let link = of(&near).index;
    let mut groups = Groups::default();
    near.run(|| {
        for n in 0..4000_u16 {
            let group = std::net::Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff01, n);
            groups.join(link, group).unwrap();
        }
        assert_eq!(ip("-6 maddress show dev near").matches("ff02::1:ff01:").count(), 4000);
    })
    .unwrap();
    drop(groups);
}

#[test]
fn what_is_on_a_link_is_found_and_its_changes_are_heard_of() {
    if skip::without_root() {
        return;
    }
    let (near, _far) = joined();
    near.run(|| {
        let mut monitor = ChangeMonitor::of_adjacencies().unwrap();
        ip("route add 10.50.0.0/16 via 10.9.0.254");
        ip("route add default nexthop via 10.9.0.253 nexthop via 10.9.0.252");
        ip("route add 10.60.0.0/16 via inet6 fd00:9::fe");
        ip("-6 route add default via fd00:9::fd");
        ip("route add 10.70.0.0/16 dev near");
        ip("route add 10.80.0.0/16 dev near table 7");
        ip("route add blackhole 10.90.0.0/16");
        assert!(monitor.recv(DEADLINE).unwrap());
        crate::sysctl::write("net.ipv6.conf.near.forwarding", "1").unwrap();
        let mut found = adjacencies().unwrap().remove(0);
        found.addresses.retain(|address| !is_link_local(*address));
        let texts = |all: &[IpAddr]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
        let networks: Vec<String> = found.networks.iter().map(ToString::to_string).collect();
        assert_eq!(
            (found.name.as_str(), found.mac, found.is_up, found.is_router),
            ("near", NEAR, true, true)
        );
        assert_eq!(texts(&found.addresses), ["10.9.0.1", "fd00:9::1"]);
        assert_eq!(networks, ["10.9.0.0/24", "10.70.0.0/16", "fd00:9::/64", "fe80::/64"]);
        assert_eq!(
            texts(&found.gateways),
            ["10.9.0.252", "10.9.0.253", "10.9.0.254", "fd00:9::fd", "fd00:9::fe"]
        );
        while monitor.recv(Duration::ZERO).unwrap() {}
        ip("link set near down");
        assert!(monitor.recv(DEADLINE).unwrap());
        assert_eq!(
            adjacencies().unwrap().iter().map(|link| link.is_up).collect::<Vec<_>>(),
            [false]
        );
    })
    .unwrap();
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

#[test]
fn a_segment_of_a_link_that_is_not_there_says_so() {
    if skip::without_root() {
        return;
    }
    let netns = Netns::unshared().unwrap();
    let error = netns.run(|| Segment::open(4711).unwrap_err().to_string()).unwrap();
    assert_eq!(error, "cannot bind a packet socket on link 4711: No such device (os error 19)");
}

/// Policy and nice value of the calling thread, by proc(5): 2 is `SCHED_RR`.
fn scheduling() -> (i32, i32) {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let field = |number: usize| fields.split(' ').nth(number - 3).unwrap().trim().parse().unwrap();
    (field(41), field(19))
}

#[test]
fn the_calling_thread_alone_gets_priority() {
    let before = scheduling();
    let raised = || {
        let priority = priority::raise();
        let inside = scheduling();
        let later = std::thread::spawn(scheduling).join().unwrap();
        (priority, inside, later)
    };
    let (priority, inside, later) = std::thread::spawn(raised).join().unwrap();
    let expected = match priority {
        Priority::RealTime => (2, 0),
        Priority::Share(_) => (0, -15),
        Priority::None(_) => before,
    };
    assert_eq!((inside, scheduling()), (expected, before));
    // A larger share is inherited, which nobody asks for here.
    assert_eq!(later.0, 0);
}
