//! Is a lab alone with itself: is the host as before, are other labs, and does nothing stay?

use std::fs;
use std::path::Path;

use host::netns::Netns;
use rustix::process::{Pid, Signal, kill_process};

use crate::rig::{Lab, fresh_name};

const POD: &str = r"
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, image: pogu.dev/echo}]}
";

/// What a lab could leave behind or change on the host.
fn host_state() -> Vec<(String, String)> {
    let read = |path: &str| (path.to_owned(), fs::read_to_string(path).unwrap_or_default());
    let links: Vec<String> = host::address::links().unwrap().into_values().collect();
    let addresses = host::address::local_addresses().unwrap();
    let addresses: Vec<String> = addresses.iter().map(|it| format!("{it:?}")).collect();
    let rules = host::process::stdout_of("nft", &["list", "ruleset"], "", crate::rig::PATIENCE);
    vec![
        ("links".to_owned(), links.join(" ")),
        ("addresses".to_owned(), addresses.join(" ")),
        ("rules".to_owned(), rules.unwrap()),
        read("/proc/net/route"),
        read("/proc/net/ipv6_route"),
        read("/proc/sys/net/ipv4/ip_forward"),
        read("/proc/sys/net/ipv6/conf/all/forwarding"),
        read("/proc/sys/net/ipv4/conf/all/rp_filter"),
        read("/proc/sys/kernel/hostname"),
        read("/etc/resolv.conf"),
        read("/etc/hosts"),
    ]
}

fn namespaces(lab: &Lab) -> Vec<String> {
    Netns::names(&format!("pogu.{}.", lab.name)).unwrap()
}

#[test]
fn the_host_is_as_before_while_the_lab_is_up_and_after() {
    if host::skip::without_root() {
        return;
    }
    // Other tests make namespaces of their own meanwhile, and nothing else.
    let before = host_state();
    let lab = Lab::up(POD, &["--nodes", "2"]);
    assert_eq!(host_state(), before);
    assert_eq!(namespaces(&lab).len(), 5);
    assert_eq!(lab.says(&["lab", "down"]), format!("lab {}: removed 5 namespaces\n", lab.name));
    assert_eq!(host_state(), before);
    assert_eq!(namespaces(&lab), Vec::<String>::new());
    for left in ["", ".lock", ".log"] {
        assert!(!Path::new(&format!("/run/pogu/lab/{}{left}", lab.name)).exists(), "{left}");
    }
}

#[test]
fn the_next_up_removes_what_a_killed_lab_left() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::up(POD, &["--nodes", "1"]);
    let pid = i32::try_from(lab.status()["pid"].as_u64().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    lab.await_lost();
    assert_eq!(namespaces(&lab).len(), 4);
    let folder = lab.path("app.yaml").display().to_string();
    let output = lab.pogu(&["lab", "up", "--detach", "--nodes", "1", "-f", &folder]);
    let told = String::from_utf8(output.stderr).unwrap();
    // The agent, the site and the name server outside, and the pod's server.
    let expected = "removed what an earlier lab of the name left: 4 namespaces, 4 programs\n";
    assert_eq!(told, expected);
    assert_eq!(namespaces(&lab).len(), 4);
}

#[test]
fn down_removes_what_a_killed_lab_left() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::up(POD, &["--nodes", "1"]);
    let pid = i32::try_from(lab.status()["pid"].as_u64().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    lab.await_lost();
    let name = &lab.name;
    let expected = format!("lab {name}: removed 4 namespaces and 4 programs that were left\n");
    assert_eq!(lab.says(&["lab", "down"]), expected);
    assert_eq!(lab.says(&["lab", "down"]), format!("lab {name} is not up\n"));
    assert_eq!(namespaces(&lab), Vec::<String>::new());
}

#[test]
fn an_interrupt_removes_everything() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::named(fresh_name());
    lab.write("app.yaml", POD);
    let path = lab.path("app.yaml").display().to_string();
    let mut up = lab.command(&["lab", "up", "-f", &path]);
    let out = fs::File::create(lab.path("out")).unwrap();
    let errors = fs::File::create(lab.path("err")).unwrap();
    let mut child = up.stdout(out).stderr(errors).spawn().unwrap();
    lab.await_that("the lab is not ready", |lab| {
        fs::read_to_string(lab.path("out")).unwrap().contains("are ready")
    });
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(namespaces(&lab), Vec::<String>::new());
}

#[test]
fn two_labs_stand_side_by_side_with_the_same_addresses() {
    if host::skip::without_root() {
        return;
    }
    let (one, other) = (Lab::up(POD, &["--nodes", "1"]), Lab::up(POD, &["--nodes", "1"]));
    let addresses = |lab: &Lab| lab.pods()[0]["addresses"].clone();
    assert_eq!(addresses(&one), addresses(&other));
    let name = other.name.clone();
    drop(other);
    assert_eq!(Netns::names(&format!("pogu.{name}.")).unwrap(), Vec::<String>::new());
    assert_eq!(one.pods()[0]["ready"], true);
}
