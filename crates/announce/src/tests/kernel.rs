//! Do a real kernel's neighbours find an address where it is, and follow it when it moves?

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use host::address::await_local;
use host::adjacency::{Adjacency, adjacencies};
use host::clock;
use host::groups::Groups;
use host::link::Links;
use host::netns::Netns;
use host::segment::{FRAME_MAX, Segment};
use host::{process, skip};
use model::{Mac, NodeName};

use super::world::neighbour_moves;
use crate::wire::{Claim, Said};
use crate::{Action, Announcer, Link, Role, Settings, View, Vip, wire};

const DEADLINE: Duration = Duration::from_secs(20);
const NEAR: Mac = Mac([2, 0, 0, 0, 0, 1]);
const FAR: Mac = Mac([2, 0, 0, 0, 0, 2]);
const ELSEWHERE: Mac = Mac([2, 0, 0, 0, 0, 3]);
const VIPS: [&str; 2] = ["10.9.0.77", "fd00:9::77"];

fn run(program: &str, args: &str) -> String {
    let args: Vec<&str> = args.split_whitespace().collect();
    let output = process::run(program, &args, "", DEADLINE).unwrap();
    format!("{}{}", output.stdout, output.stderr)
}

/// A node and a host, joined by a cable: `near` and `far`.
fn joined() -> (Netns, Netns) {
    let (near, far) = (Netns::unshared().unwrap(), Netns::unshared().unwrap());
    near.run(|| Links::open().unwrap().create_veth("near", "far", Some(&far)).unwrap()).unwrap();
    for (netns, name, mac, last) in [(&near, "near", NEAR, 1), (&far, "far", FAR, 2)] {
        netns
            .run(|| {
                assert_eq!(run("ip", &format!("link set {name} address {mac}")), "");
                let mut links = Links::open().unwrap();
                links.set_up(name).unwrap();
                for address in [format!("10.9.0.{last}/24"), format!("fd00:9::{last}/64")] {
                    links.add_address(name, address.parse().unwrap()).unwrap();
                }
                await_local([format!("fd00:9::{last}").parse().unwrap()]).unwrap();
            })
            .unwrap();
    }
    (near, far)
}

fn link(adjacency: &Adjacency) -> Link {
    Link {
        index: adjacency.index,
        name: adjacency.name.as_str().into(),
        mac: adjacency.mac,
        is_up: adjacency.is_up,
        is_router: adjacency.is_router,
        addresses: adjacency.addresses.clone(),
        networks: adjacency.networks.clone(),
        gateways: adjacency.gateways.clone(),
    }
}

/// One node that is the only candidate, on its real link. Gives what it holds in the end.
fn announce_until(stop: &AtomicBool, is_quiet: &AtomicBool) -> Vec<(IpAddr, Role)> {
    let began = clock::monotonic();
    let links: Vec<Link> = adjacencies().unwrap().iter().map(link).collect();
    let segment = Segment::open(links[0].index).unwrap();
    let mut groups = Groups::default();
    let me = NodeName::new("near");
    let vip = Vip { candidates: [me.clone()].into(), is_served: true, interfaces: None };
    let vips = VIPS.iter().map(|text| (text.parse().unwrap(), vip.clone())).collect();
    let mut announcer = Announcer::new(me, 1, Settings::default(), Duration::ZERO);
    announcer.set_view(View { vips, ..View::default() }, Duration::ZERO);
    announcer.set_links(links, Duration::ZERO);
    let mut frame = [0; FRAME_MAX];
    while !stop.load(Ordering::Relaxed) {
        while let Some(length) = segment.receive(&mut frame).unwrap() {
            announcer.hear_frame(segment.link(), &frame[..length], began.elapsed());
        }
        announcer.tick(began.elapsed());
        for action in announcer.take_actions() {
            match action {
                Action::Frame { bytes, .. } => segment.send(&bytes).unwrap(),
                Action::Join { link, group } => groups.join(link, group).unwrap(),
                Action::Leave { link, group } => groups.leave(link, group).unwrap(),
                Action::Hello { .. } | Action::Tell(_) => {}
            }
        }
        // Nothing more is said unasked.
        is_quiet.store(announcer.next_due().is_none(), Ordering::Relaxed);
        thread::yield_now();
    }
    announcer.holdings().iter().map(|(address, holding)| (*address, holding.role)).collect()
}

/// Runs something in the far namespace while the near one announces.
fn while_announced(
    near: &Netns,
    far: &Netns,
    work: impl FnOnce(&AtomicBool) + Send,
) -> Vec<(IpAddr, Role)> {
    let (stop, is_quiet) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        let announcing = scope.spawn(|| near.run(|| announce_until(&stop, &is_quiet)).unwrap());
        let worked =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| far.run(|| work(&is_quiet))));
        stop.store(true, Ordering::Relaxed);
        let held = announcing.join().unwrap();
        worked.unwrap().unwrap();
        held
    })
}

/// Asks until the program says this, as it does once the address is announced.
fn await_said(program: &str, args: &str, expected: &str) {
    let start = clock::monotonic();
    loop {
        let said = run(program, args);
        if said.contains(expected) {
            return;
        }
        assert!(start.elapsed() < DEADLINE, "{program} {args}: {said}");
    }
}

#[test]
fn arping_and_ndisc6_find_an_address_where_it_is_announced() {
    if skip::without_root() {
        return;
    }
    let (near, far) = joined();
    let held = while_announced(&near, &far, |_| {
        await_said("arping", "-c 1 -w 1 -r -i far 10.9.0.77", &NEAR.to_string());
        // Asked for without an address of one's own, as whoever looks for duplicates does.
        await_said("arping", "-0 -c 1 -w 1 -r -i far 10.9.0.77", &NEAR.to_string());
        await_said("ndisc6", "-1 -q -r 1 fd00:9::77 far", &NEAR.to_string().to_uppercase());
        assert_eq!(run("arping", "-c 1 -w 0.2 -r -i far 10.9.0.78"), "");
    });
    let expected = VIPS.map(|text| (text.parse().unwrap(), Role::Owner));
    assert_eq!(held, expected);
}

/// The kernel's entry for an address: what it sends to, and how sure it is.
fn neighbour(address: &str) -> (String, String) {
    let line = run("ip", &format!("neigh show {address} dev far"));
    let words: Vec<&str> = line.split_whitespace().collect();
    let mac = words.iter().position(|word| *word == "lladdr").map_or("", |at| words[at + 1]);
    (mac.to_owned(), words.last().copied().unwrap_or_default().to_owned())
}

/// Goes on sending to the address until the kernel's entry is this.
fn await_neighbour(address: &str, expected: (&str, &str)) {
    let start = clock::monotonic();
    let expected = (expected.0.to_owned(), expected.1.to_owned());
    while neighbour(address) != expected {
        send_to(address);
        assert!(start.elapsed() < DEADLINE, "{address}: {:?}", neighbour(address));
        thread::yield_now();
    }
}

#[test]
fn a_kernel_that_asks_whether_its_neighbour_is_still_there_is_answered_and_put_right() {
    if skip::without_root() {
        return;
    }
    let (near, far) = joined();
    while_announced(&near, &far, |is_quiet| {
        let start = clock::monotonic();
        while !is_quiet.load(Ordering::Relaxed) {
            assert!(start.elapsed() < DEADLINE);
            thread::yield_now();
        }
        for family in ["ipv4", "ipv6"] {
            for (name, value) in [("delay_first_probe_time", "0"), ("retrans_time_ms", "100")] {
                host::sysctl::write(&format!("net.{family}.neigh.far.{name}"), value).unwrap();
            }
        }
        // A host whose entry has grown old asks only the neighbour itself; one that missed that the
        // address moved asks the wrong one, and then everybody.
        for believed in [NEAR, ELSEWHERE] {
            for vip in VIPS {
                run("ip", &format!("neigh replace {vip} lladdr {believed} dev far nud stale"));
                await_neighbour(vip, (&NEAR.to_string(), "REACHABLE"));
            }
        }
    });
}

fn send_to(vip: &str) {
    let address: IpAddr = vip.parse().unwrap();
    let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = std::net::UdpSocket::bind(any).unwrap();
    // It is refused while nobody has the address.
    if let Err(error) = socket.send_to(b"x", (address, 9)) {
        assert_eq!(error.kind(), std::io::ErrorKind::HostUnreachable);
    }
}

#[test]
fn a_kernel_that_looks_for_duplicates_finds_one() {
    if skip::without_root() {
        return;
    }
    let (near, far) = joined();
    while_announced(&near, &far, |_| {
        await_said("ndisc6", "-1 -q -r 1 fd00:9::77 far", &NEAR.to_string().to_uppercase());
        run("ip", "addr add fd00:9::77/64 dev far");
        await_said("ip", "-6 addr show dev far", "fd00:9::77/64 scope global dadfailed");
    });
}

/// As an owner asks the hosts of its link whether they hear it.
#[test]
fn a_kernel_that_is_asked_by_its_link_layer_address_is_understood() {
    if skip::without_root() {
        return;
    }
    let (near, far) = joined();
    let index = near.run(|| adjacencies().unwrap().remove(0).index).unwrap();
    let segment = near.run(|| Segment::open(index).unwrap()).unwrap();
    for [own, asked] in [["10.9.0.1", "10.9.0.2"], ["fd00:9::1", "fd00:9::2"]] {
        let [own, address]: [IpAddr; 2] = [own, asked].map(|text| text.parse().unwrap());
        let expected = Some(Said::Claimed(Claim { address, mac: FAR }));
        let question = wire::question(address, Some(own), NEAR, Some(FAR)).unwrap();
        let start = clock::monotonic();
        segment.send(&question).unwrap();
        let mut frame = [0; FRAME_MAX];
        loop {
            let said =
                segment.receive(&mut frame).unwrap().map(|length| wire::read(&frame[..length]));
            if said == Some(expected) {
                break;
            }
            assert!(start.elapsed() < DEADLINE, "{asked}");
            thread::yield_now();
        }
    }
    drop(far);
}

/// What a kernel's table does with frames, young entries and old ones, is what the simulation takes it
/// to do: those that we send move it always, and some of others' do not.
#[test]
fn a_kernels_table_moves_as_that_of_the_simulation() {
    if skip::without_root() {
        return;
    }
    let (near, far) = joined();
    let index = near.run(|| adjacencies().unwrap().remove(0).index).unwrap();
    let segment = near.run(|| Segment::open(index).unwrap()).unwrap();
    let [v4, v6]: [IpAddr; 2] = VIPS.map(|text| text.parse().unwrap());
    let ours = [v4, v6].into_iter().flat_map(|vip| wire::announcement(vip, NEAR, false));
    let mut frames: Vec<Vec<u8>> = ours.collect();
    let [_, reply, advertisement] = [frames[0].clone(), frames[1].clone(), frames[2].clone()];
    // Replies whose target is everybody or nobody.
    for target in [Mac::BROADCAST, Mac::UNKNOWN] {
        let mut other = reply.clone();
        other[32..38].copy_from_slice(&target.0);
        frames.push(other);
    }
    // Advertisements that do not override.
    frames.push(without_override(&advertisement));
    let is_moved = |frame: &[u8], lock_time: &str| {
        host::sysctl::write("net.ipv4.neigh.far.locktime", lock_time).unwrap();
        let vip = if frame[12] == 8 { VIPS[0] } else { VIPS[1] };
        let marker = "10.9.0.78";
        for address in [vip, marker] {
            run("ip", &format!("neigh replace {address} lladdr {ELSEWHERE} dev far nud reachable"));
        }
        segment.send(frame).unwrap();
        // Frames come one after another: once this one has moved its entry, the other has been seen.
        segment.send(&wire::announcement(marker.parse().unwrap(), NEAR, false)[0]).unwrap();
        let start = clock::monotonic();
        while neighbour(marker).0 != NEAR.to_string() {
            assert!(start.elapsed() < DEADLINE);
        }
        neighbour(vip).0 == NEAR.to_string()
    };
    let found: Vec<(bool, bool)> = far
        .run(|| frames.iter().map(|frame| (is_moved(frame, "100"), is_moved(frame, "0"))).collect())
        .unwrap();
    assert_eq!(found, frames.iter().map(|frame| neighbour_moves(frame)).collect::<Vec<_>>());
    assert_eq!(found[..3], [(true, true); 3]);
}

fn without_override(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[58] &= !0x20;
    // Its weight in the sum of 16-bit words.
    let sum = u32::from(u16::from_be_bytes([frame[56], frame[57]])) + 0x2000;
    let sum = u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
    frame[56..58].copy_from_slice(&sum.to_be_bytes());
    frame
}
