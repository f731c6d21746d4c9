//! What does the table for the DNS of this host say, in the words of `nft`, and who may change it?

use std::collections::BTreeSet;
use std::net::SocketAddr;

use host::netfilter::{Nfnetlink, NftMonitor, TransactError};
use host::process;
use model::DetectLocal;

use super::kernel::{DEADLINE, held, in_netns, nft, send};
use super::whole::{CLIENTS_MAX, options, picking_chains, whole_table};
use crate::local_dns::{LOCAL_DNS_MAX, Untracked};
use crate::name::LOCAL_DNS_TABLES;
use crate::ruleset::Ruleset;
use crate::wire::{local_dns_table, touches_us};

const TABLE: &str = LOCAL_DNS_TABLES[0];
const NEXT: &str = LOCAL_DNS_TABLES[1];

const BOTH: Untracked = Untracked::QuestionsAndAnswers;

/// The kernel's errno for what only an owner may do.
const EPERM: i32 = 1;

const LISTING: &str = "\
table inet pogu-dns {
	flags owner

	set local_dns4 {
		type ipv4_addr . inet_proto . inet_service
		elements = { 10.96.0.10 . tcp . 53,
			     169.254.20.10 . tcp . 53,
			     10.96.0.10 . udp . 53,
			     169.254.20.10 . udp . 53 }
	}

	set local_dns6 {
		type ipv6_addr . inet_proto . inet_service
		elements = { fd00:96::a . tcp . 53,
			     fd00:96::a . udp . 53 }
	}

	chain prerouting {
		type filter hook prerouting priority raw; policy accept;
		ip daddr . meta l4proto . th dport @local_dns4 notrack
		ip saddr . meta l4proto . th sport @local_dns4 notrack
		ip6 daddr . meta l4proto . th dport @local_dns6 notrack
		ip6 saddr . meta l4proto . th sport @local_dns6 notrack
	}

	chain output {
		type filter hook output priority raw; policy accept;
		ip daddr . meta l4proto . th dport @local_dns4 notrack
		ip saddr . meta l4proto . th sport @local_dns4 notrack
		ip6 daddr . meta l4proto . th dport @local_dns6 notrack
		ip6 saddr . meta l4proto . th sport @local_dns6 notrack
	}
}
";

fn addresses(texts: &[&str]) -> BTreeSet<SocketAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// A listing without the comment that names the program which owns the table.
fn without_owner(listing: &str) -> String {
    let lines = listing.lines().map(|line| line.split(" # progname ").next().unwrap_or(line));
    lines.map(|line| format!("{line}\n")).collect()
}

#[track_caller]
fn make(socket: &mut Nfnetlink, name: &str, texts: &[&str]) {
    socket.transact(&local_dns_table(name, &addresses(texts), BOTH)).unwrap();
}

#[test]
fn the_listing_says_what_is_not_tracked() {
    in_netns(|socket| {
        make(socket, TABLE, &["10.96.0.10:53", "169.254.20.10:53", "[fd00:96::a]:53"]);
        let listing = || without_owner(&nft(&["list", "table", "inet", TABLE], ""));
        assert_eq!(listing(), LISTING);
        // Made anew, it holds nothing of before.
        make(socket, TABLE, &["[fd00:96::a]:53"]);
        let (before, after) = LISTING.split_once("\n\t\telements = { 10").unwrap();
        let (_, after) = after.split_once(" }").unwrap();
        let questions_too = format!("{before}{after}");
        assert_eq!(listing(), questions_too);
        let v6 = addresses(&["[fd00:96::a]:53"]);
        socket.transact(&local_dns_table(TABLE, &v6, Untracked::Answers)).unwrap();
        let lines = questions_too.lines().filter(|line| !line.contains(" th dport "));
        assert_eq!(listing(), lines.map(|line| format!("{line}\n")).collect::<String>());
    });
}

/// The tables that `nft` lists.
fn tables() -> Vec<String> {
    nft(&["list", "tables"], "").lines().map(str::to_owned).collect()
}

/// What `nft` says when it is refused.
fn refusal(command: &str) -> String {
    let output = process::run("nft", &["-f", "-"], command, DEADLINE).unwrap();
    output.stderr.lines().next().unwrap_or("done").to_owned()
}

#[test]
fn nobody_else_changes_it_and_a_flush_of_everything_passes_it_by() {
    in_netns(|socket| {
        make(socket, TABLE, &["10.96.0.10:53"]);
        let before = nft(&["list", "ruleset"], "");
        for command in [
            "flush table inet pogu-dns",
            "delete table inet pogu-dns",
            "add element inet pogu-dns local_dns4 { 10.96.0.11 . udp . 53 }",
        ] {
            let refusal = refusal(command);
            let reason = refusal.rsplit(": ").next();
            assert_eq!(reason, Some("Operation not permitted"), "{command}: {refusal}");
        }
        nft(&["-f", "-"], "add table inet other");
        nft(&["flush", "ruleset"], "");
        assert_eq!(nft(&["list", "ruleset"], ""), before);
    });
}

#[test]
fn it_ends_with_its_owner_and_the_next_one_can_begin_before() {
    in_netns(|socket| {
        let mut owner = Nfnetlink::open().unwrap();
        make(&mut owner, TABLE, &["10.96.0.10:53"]);
        let taken = socket.transact(&local_dns_table(TABLE, &BTreeSet::new(), BOTH)).unwrap_err();
        let TransactError::Refused { errors, .. } = taken else { panic!("{taken}") };
        assert_eq!(errors.first().map(|error| error.errno), Some(EPERM));
        make(socket, NEXT, &["10.96.0.10:53"]);
        assert_eq!(tables(), ["table inet pogu-dns", "table inet pogu-dns-next"]);
        drop(owner);
        assert_eq!(tables(), ["table inet pogu-dns-next"]);
    });
}

#[test]
fn one_that_nobody_owns_is_replaced() {
    in_netns(|socket| {
        nft(&["-f", "-"], "add table inet pogu-dns; add chain inet pogu-dns mine");
        make(socket, TABLE, &[]);
        let chains = nft(&["list", "chains"], "");
        let named = chains.lines().filter_map(|line| line.strip_prefix("\tchain "));
        assert_eq!(named.collect::<Vec<_>>(), ["prerouting {", "output {"]);
    });
}

#[test]
fn there_is_a_bound() {
    in_netns(|socket| {
        let many = (0..).map(|n| SocketAddr::from(([10, 96, 0, 10], n)));
        let many: BTreeSet<SocketAddr> = many.take(LOCAL_DNS_MAX + 1).collect();
        socket.transact(&local_dns_table(TABLE, &many, BOTH)).unwrap();
        let listing = nft(&["-j", "list", "set", "inet", TABLE, "local_dns4"], "");
        assert_eq!(listing.matches("\"concat\"").count(), 2 * LOCAL_DNS_MAX);
    });
}

#[test]
fn it_is_nothing_of_the_main_table() {
    in_netns(|socket| {
        let ops = whole_table(&options(DetectLocal::Never), picking_chains());
        send(socket, &ops);
        let mut expected = Ruleset::default();
        expected.apply(&ops, CLIENTS_MAX).unwrap();
        let mut monitor = NftMonitor::open().unwrap();
        let mut owner = Nfnetlink::open().unwrap();
        make(&mut owner, TABLE, &["10.96.0.10:53", "[fd00:96::a]:53"]);
        assert_eq!(held(socket), expected);
        drop(owner);
        nft(&["-f", "-"], "add chain inet pogu mine");
        let mut touched = Vec::new();
        while !touched.contains(&true) {
            let heard = monitor.recv(DEADLINE).unwrap();
            assert_ne!(heard.len(), 0);
            touched.extend(heard.iter().map(|n| touches_us(n.message_type, &n.payload)));
        }
        // Only the last is about us.
        touched.retain(|is_ours| *is_ours);
        assert_eq!(touched, [true]);
    });
}
