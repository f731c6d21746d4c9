//! Are names answered as in a cluster? Other people's tools judge.

mod answers;
mod changes;
pub(crate) mod client;
mod crash;
mod resolvers;
mod searches;
mod takeover;
mod tracking;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Output;

use crate::rig::{Lab, http};

/// Clients on two nodes, and every kind of name.
const NAMES: &str = include_str!("dns/names.yaml");

/// The cluster DNS, as the lab's pods are told of it.
const SERVERS: [&str; 2] = ["10.96.0.10", "fd00:10:96::a"];

/// A pod on each of two nodes.
const CLIENTS: [&str; 2] = ["pod/shop/one", "pod/shop/two"];

/// Of the names that are on two nodes.
const NODES: [&str; 2] = ["node-1", "node-2"];

fn names_lab() -> Lab {
    let lab = Lab::up(NAMES, &["--nodes", "2"]);
    // A moment before, questions go the ordinary way, and the change would reset their streams.
    lab.await_that("questions do not go past the dataplane", |lab| {
        NODES.iter().all(|node| is_asked_directly(lab, node))
    });
    lab
}

/// Whether a node's clients ask its agent past the dataplane, in both families.
fn is_asked_directly(lab: &Lab, node: &str) -> bool {
    // An agent that has just begun is not asked yet.
    metrics(lab, node).is_ok_and(|page| page.contains("\npogu_dns_local_addresses 2\n"))
}

/// The metrics of a node's agent.
fn page(lab: &Lab, node: &str) -> String {
    metrics(lab, node).unwrap()
}

fn metrics(lab: &Lab, node: &str) -> Result<String, String> {
    let netns = lab.netns(&format!("node.{node}"));
    match http(&netns, "GET", SocketAddr::from(([127, 0, 0, 1], 10249)), "/metrics")? {
        (200, page) => Ok(page),
        (status, page) => Err(format!("{status}: {page}")),
    }
}

fn server(family: usize) -> SocketAddr {
    SocketAddr::new(SERVERS[family].parse().unwrap(), 53)
}

/// Runs a program of this machine as somebody of the lab.
fn run(lab: &Lab, who: &str, command: &[&str]) -> Output {
    let mut args = vec!["lab", "exec", who, "--"];
    args.extend(command);
    lab.pogu(&args)
}

/// What a program that must succeed says.
fn says(lab: &Lab, who: &str, command: &[&str]) -> String {
    let output = run(lab, who, command);
    let (said, told) = (output.stdout, output.stderr);
    let [said, told] = [said, told].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{command:?}: {said}{told}");
    said
}

/// Questions that a node's agent has taken so far, by type.
fn questions(lab: &Lab, node: &str) -> BTreeMap<String, u64> {
    let page = page(lab, node);
    let mut counts = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("coredns_dns_requests_total{")) {
        let (_, labels) = line.split_once("type=\"").unwrap();
        let (kind, _) = labels.split_once('"').unwrap();
        let (_, count) = line.rsplit_once(' ').unwrap();
        *counts.entry(kind.to_owned()).or_default() += count.parse::<u64>().unwrap();
    }
    counts
}

/// Questions that were taken while something was done; types without any are left out.
fn asked(lab: &Lab, node: &str, act: impl FnOnce()) -> BTreeMap<String, u64> {
    let before = questions(lab, node);
    act();
    let after = questions(lab, node).into_iter();
    let news = after.map(|(kind, count)| {
        let known = before.get(&kind).copied().unwrap_or_default();
        (kind, count - known)
    });
    news.filter(|(_, count)| *count > 0).collect()
}

fn counted(all: &[(&str, u64)]) -> BTreeMap<String, u64> {
    all.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect()
}
