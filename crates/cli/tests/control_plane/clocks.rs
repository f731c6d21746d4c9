//! Does a clock that is wrong change what is held, and who acts?

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use host::netns::Netns;
use rustix::process::Signal;
use serde_json::Value;
use testkit::control_plane::ControlPlane;

use super::faults::shop;
use super::process::{PATIENCE, Process, pogu, wait_for};
use super::roles::{Agent, accused, endpoints, install, kubeconfig};

/// pogu with a clock that differs by this. What counts time that has passed is right, as on a machine
/// whose date is wrong.
///
/// The program `faketime` would stand between us and pogu; its library does not.
fn with_clock(offset: &str) -> Command {
    let mut pogu = pogu();
    pogu.env("LD_PRELOAD", library()).env("FAKETIME", offset);
    pogu.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    pogu
}

/// It is in a folder that is named after the architecture.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().map(|it| it.unwrap().path());
    let mut found = folders.map(|it| it.join("faketime/libfaketimeMT.so.1"));
    found.find(|it| it.is_file()).expect("the package faketime is installed")
}

fn controller(name: &str, offset: &str, kubeconfig: &Path) -> Process {
    let words = ["controller", "--http-bind-address", "none", "--identity", name];
    Process::spawn(with_clock(offset).args(words).arg("--kubeconfig").arg(kubeconfig))
}

/// Who holds the Lease, how often it changed hands, and when it was renewed last.
fn lease(server: &ControlPlane) -> Option<(String, u64, String)> {
    let get = "-n kube-system get leases pogu-controller --ignore-not-found -o json";
    let lease: Value = serde_json::from_str(&server.kubectl(get)).ok()?;
    let spec = &lease["spec"];
    let holder = spec["holderIdentity"].as_str()?.split('_').next()?.to_owned();
    Some((holder, spec["leaseTransitions"].as_u64()?, spec["renewTime"].as_str()?.to_owned()))
}

fn holder(server: &ControlPlane) -> Option<(String, u64)> {
    lease(server).map(|(holder, transitions, _)| (holder, transitions))
}

/// The Lease as it is after so many renewals.
fn after_renewals(server: &ControlPlane, count: usize) -> (String, u64) {
    let mut seen = BTreeSet::new();
    wait_for("renewals", || {
        seen.extend(lease(server).map(|(.., renewed)| renewed));
        (seen.len() > count).then_some(())
    });
    holder(server).unwrap()
}

#[test]
fn a_clock_that_is_wrong_changes_neither_what_is_held_nor_who_acts() {
    if host::skip::without_root() {
        return;
    }
    Netns::unshared().unwrap().run(clocks_differ).unwrap();
}

fn clocks_differ() {
    let Some(server) = ControlPlane::up() else { return };
    install(&server);
    let url = server.url();
    let config = kubeconfig(&server, &url, "pogu-controller");
    let agents = ["+1h", "-10m"].map(|offset| {
        let config = kubeconfig(&server, &url, "pogu-agent");
        (offset, config)
    });
    let mut ahead = controller("ahead", "+1h", &config);
    wait_for("the first one", || holder(&server).filter(|it| it.0 == "ahead"));
    let mut behind = controller("behind", "-10m", &config);
    let mut right = controller("right", "+0s", &config);
    for other in [&behind, &right] {
        wait_for("another one waits", || other.log().contains("another one acts").then_some(()));
    }
    assert_eq!(after_renewals(&server, 7), ("ahead".to_owned(), 0));
    for (offset, config) in agents {
        let agent = Agent::start(with_clock(offset), &config);
        for round in 0..3 {
            server.apply(&shop(round));
        }
        wait_for("the endpoints", || (agent.endpoints() == endpoints(&server)).then_some(()));
        assert_eq!(absurd(), Vec::<String>::new(), "{offset}");
    }
    wait_for("no condition", || accused(&server).is_empty().then_some(()));
    ahead.end(Signal::KILL);
    let (second, transitions) =
        wait_for("the second one", || holder(&server).filter(|it| it.0 != "ahead"));
    assert_eq!(transitions, 1);
    assert_eq!(after_renewals(&server, 3), (second.clone(), 1));
    let (one, other) =
        if second == "behind" { (&mut behind, "right") } else { (&mut right, "behind") };
    assert_eq!(one.end(Signal::TERM), Some(0));
    wait_for("the last one", || holder(&server).filter(|it| it.0 == other));
    server.apply(&shop(1));
    let expected = BTreeSet::from(["s3", "s6", "s9"].map(str::to_owned));
    wait_for("the conditions", || (accused(&server) == expected).then_some(()));
}

/// Times of the agent that are longer than this test.
fn absurd() -> Vec<String> {
    let page = host::process::run("curl", &["-s", "http://127.0.0.1:10249/metrics"], "", PATIENCE);
    let page = page.unwrap().stdout;
    let times = page.lines().filter_map(|line| line.rsplit_once(' '));
    let times = times.filter(|(name, _)| name.split('{').next().unwrap().ends_with("_seconds_sum"));
    let times: Vec<(&str, f64)> =
        times.map(|(name, value)| (name, value.parse().unwrap())).collect();
    assert!(!times.is_empty(), "{page}");
    let longest = PATIENCE.as_secs_f64();
    let absurd = times.into_iter().filter(|(_, value)| !(0.0..longest).contains(value));
    absurd.map(|(name, value)| format!("{name} {value}")).collect()
}
