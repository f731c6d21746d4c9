//! Are exactly the stale connections forgotten, and how much is said to the kernel for it?

use std::net::SocketAddr;
use std::time::Duration;

use model::{Family, Frontend, Protocol};

use crate::conntrack::{Conntrack, Deleted, Entry, Filter, NewEntry, Statistics, Tuple};
use crate::netns::Netns;
use crate::{process, skip};

const DEADLINE: Duration = Duration::from_secs(20);

fn conntrack(args: &[&str]) -> String {
    process::stdout_of("conntrack", args, "", DEADLINE).unwrap()
}

fn tuple(protocol: Protocol, source: SocketAddr, destination: SocketAddr) -> Tuple {
    Tuple { protocol, source, destination }
}

fn new(protocol: Protocol, client: &str, front: &str, endpoint: &str) -> NewEntry {
    let [client, front, endpoint] =
        [client, front, endpoint].map(|text| text.parse::<SocketAddr>().unwrap());
    NewEntry {
        original: tuple(protocol, client, front),
        reply: tuple(protocol, endpoint, client),
        timeout_s: 300,
        mark: 0,
        zone: 0,
    }
}

fn frontend(address: &str) -> Frontend {
    let address: SocketAddr = address.parse().unwrap();
    Frontend {
        address: address.ip(),
        protocol: Protocol::Udp,
        port: address.port().try_into().unwrap(),
    }
}

/// Addresses of one family: `v4("1.2", 3)` is 10.1.2.3 or fd00::1:2:3.
fn address(family: Family, [a, b, c]: [u16; 3], port: u16) -> String {
    match family {
        Family::V4 => format!("10.{a}.{b}.{c}:{port}"),
        Family::V6 => format!("[fd00::{a}:{b}:{c}]:{port}"),
    }
}

/// 5,000 clients of two frontends, each with two endpoints.
fn clients(family: Family) -> Vec<NewEntry> {
    (0..5000)
        .map(|client| {
            let front = address(family, [96, 0, client % 2], 53);
            let endpoint = address(family, [1, client % 2, client / 2 % 2], 5353);
            new(
                Protocol::Udp,
                &address(family, [8, client / 200, client % 200], 4000),
                &front,
                &endpoint,
            )
        })
        .collect()
}

fn list(conntrack: &mut Conntrack, filter: &Filter) -> Vec<Tuple> {
    let mut originals = Vec::new();
    conntrack.list(filter, &mut |entry| originals.push(entry.original)).unwrap();
    originals.sort_unstable();
    originals
}

#[test]
fn the_stale_of_ten_thousand_are_deleted_with_one_list_and_three_sends() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let mut table = Conntrack::open().unwrap();
            let all: Vec<_> = Family::ALL.into_iter().flat_map(clients).collect();
            table.create(&all).unwrap();
            assert_eq!(conntrack(&["-C"]), "10000\n");
            for family in Family::ALL {
                let front = frontend(&address(family, [96, 0, 0], 53));
                let kept: SocketAddr = address(family, [1, 0, 1], 5353).parse().unwrap();
                let deleted = table.delete_stale(&front, &|endpoint| endpoint == kept).unwrap();
                assert_eq!(deleted, Deleted { matched: 2500, deleted: 1250, sends: 4 });
                let front = SocketAddr::new(front.address, front.port.get());
                let mut expected: Vec<_> = all
                    .iter()
                    .filter(|entry| entry.original.family() == family)
                    .filter(|entry| {
                        entry.original.destination != front || entry.reply.source == kept
                    })
                    .map(|entry| entry.original)
                    .collect();
                expected.sort_unstable();
                assert_eq!(list(&mut table, &Filter::family_of(family)), expected);
            }
            assert_eq!(conntrack(&["-C"]), "7500\n");
        })
        .unwrap();
}

#[test]
fn nothing_stale_is_one_send() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let mut table = Conntrack::open().unwrap();
            let front = frontend("10.96.0.1:53");
            assert_eq!(
                table.delete_stale(&front, &|_| false).unwrap(),
                Deleted { matched: 0, deleted: 0, sends: 1 }
            );
        })
        .unwrap();
}

#[test]
fn a_filter_lets_exactly_its_own_through() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let entries = [
                new(Protocol::Udp, "10.0.0.1:1", "10.96.0.1:53", "10.1.0.1:5353"),
                new(Protocol::Udp, "10.0.0.1:2", "10.96.0.1:54", "10.1.0.1:5354"),
                new(Protocol::Udp, "10.0.0.1:3", "10.96.0.2:53", "10.1.0.2:5353"),
                new(Protocol::Tcp, "10.0.0.1:4", "10.96.0.1:53", "10.1.0.1:5353"),
                new(Protocol::Sctp, "10.0.0.1:5", "10.96.0.1:53", "10.1.0.1:5353"),
                new(Protocol::Udp, "[fd00::1]:6", "[fd00::96]:53", "[fd00::2]:5353"),
            ];
            let mut table = Conntrack::open().unwrap();
            table.create(&entries).unwrap();
            let endpoint = "10.1.0.1:5353".parse::<SocketAddr>().unwrap();
            let v6 = "[fd00::2]:5353".parse::<SocketAddr>().unwrap();
            let found = [
                Filter::family_of(Family::V4),
                Filter::protocol(Family::V4, Protocol::Udp),
                Filter::protocol(Family::V4, Protocol::Sctp),
                Filter::frontend(&frontend("10.96.0.1:53")),
                Filter::endpoint(Protocol::Udp, endpoint),
                Filter::endpoint_address(Protocol::Udp, endpoint.ip()),
                Filter::endpoint(Protocol::Udp, v6),
                Filter::frontend(&frontend("[fd00::96]:53")),
            ]
            .map(|filter| {
                let found = list(&mut table, &filter);
                let mut clients: Vec<_> = found.iter().map(|tuple| tuple.source.port()).collect();
                clients.sort_unstable();
                clients
            });
            let expected: [&[u16]; 8] =
                [&[1, 2, 3, 4, 5], &[1, 2, 3], &[5], &[1], &[1], &[1, 2], &[6], &[6]];
            assert_eq!(found, expected);
        })
        .unwrap();
}

#[test]
fn an_entry_that_conntrack_made_is_read_whole() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            conntrack(&[
                "-I",
                "-p",
                "udp",
                "-s",
                "10.0.0.1",
                "-d",
                "10.96.0.1",
                "--sport",
                "1000",
                "--dport",
                "53",
                "-r",
                "10.1.0.5",
                "-q",
                "10.0.0.1",
                "--reply-port-src",
                "5353",
                "--reply-port-dst",
                "1000",
                "-t",
                "100",
                "-m",
                "7",
                "-w",
                "3",
            ]);
            let mut table = Conntrack::open().unwrap();
            let mut entries = Vec::new();
            let filter = Filter::frontend(&frontend("10.96.0.1:53"));
            table.list(&filter, &mut |entry| entries.push(entry.clone())).unwrap();
            let [entry] = <[Entry; 1]>::try_from(entries).unwrap();
            let NewEntry { original, reply, .. } =
                new(Protocol::Udp, "10.0.0.1:1000", "10.96.0.1:53", "10.1.0.5:5353");
            let expected = Entry {
                original,
                reply,
                mark: 7,
                zone: 3,
                counters: None,
                // What only the kernel knows.
                ..entry.clone()
            };
            assert_eq!(entry, expected);
            let ends_soon = entry.timeout_s.is_some_and(|left| (90..=100).contains(&left));
            assert!(ends_soon, "{:?}", entry.timeout_s);
            assert_eq!(
                (table.delete(&entry).unwrap(), table.delete(&entry).unwrap()),
                (true, false)
            );
            assert_eq!(conntrack(&["-C"]), "0\n");
        })
        .unwrap();
}

#[test]
fn an_entry_with_another_id_stays() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let mut table = Conntrack::open().unwrap();
            let entry = new(Protocol::Udp, "10.0.0.1:1", "10.96.0.1:53", "10.1.0.1:5353");
            table.create(&[entry]).unwrap();
            let mut former = Vec::new();
            let filter = Filter::family_of(Family::V4);
            let mut take = |entry: &Entry| former.push(Entry { id: !entry.id, ..entry.clone() });
            table.list(&filter, &mut take).unwrap();
            assert!(!table.delete(&former[0]).unwrap());
            assert_eq!(list(&mut table, &filter), [entry.original]);
        })
        .unwrap();
}

#[test]
fn an_entry_that_is_there_already_is_refused_with_its_number() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let mut table = Conntrack::open().unwrap();
            let entry = new(Protocol::Udp, "10.0.0.1:1", "10.96.0.1:53", "10.1.0.1:5353");
            let error = table.create(&[entry, entry]).unwrap_err();
            assert_eq!(
                error.to_string(),
                "cannot create tracked connection: message 2: File exists (os error 17)"
            );
        })
        .unwrap();
}

#[test]
fn as_many_refusals_as_entries_in_a_send_are_all_heard() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let mut table = Conntrack::open().unwrap();
            let entries = clients(Family::V6);
            table.create(&entries[..1000]).unwrap();
            assert_eq!(
                table.create(&entries[..1000]).unwrap_err().to_string(),
                "cannot create tracked connection: message 1001: File exists (os error 17)"
            );
        })
        .unwrap();
}

#[test]
fn the_fill_is_counted() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let mut table = Conntrack::open().unwrap();
            table.create(&clients(Family::V4)).unwrap();
            let fill = table.fill().unwrap();
            assert_eq!(fill.entries, 5000);
            assert_eq!(
                fill.max,
                Some(crate::sysctl::read_number("net.netfilter.nf_conntrack_max").unwrap())
            );
            assert_eq!(
                table.statistics().unwrap(),
                Statistics { insert: 5000, ..Statistics::default() }
            );
        })
        .unwrap();
}
