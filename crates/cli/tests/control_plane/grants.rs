//! Does each role do what it may?

use std::collections::BTreeSet;

use host::netns::Netns;
use rustix::process::Signal;
use testkit::control_plane::{ControlPlane, SERVICE_IMPORTS};

use super::acts::{AGENT, Act, CONTROLLER, decided, granted};
use super::addresses::{METALLB, POOL, await_shown, controller, has as has_address, service};
use super::audit::{of_pogu, requests};
use super::controllers::SERVICES;
use super::process::{pogu, wait_for};
use super::roles::{AGENT_USER, Agent, CONTROLLER_USER, install_with, kubeconfig};

/// Rights of the roles that a program at work has not used.
fn unused(server: &ControlPlane, user: &str, roles: &[&str]) -> BTreeSet<Act> {
    let asked: BTreeSet<(Act, bool)> = decided(&of_pogu(server, user)).collect();
    let refused: Vec<&Act> = asked.iter().filter(|it| !it.1).map(|it| &it.0).collect();
    assert_eq!(refused, Vec::<&Act>::new(), "{user}");
    let mut all = granted(server, roles);
    all.retain(|right| !asked.iter().any(|(act, _)| right.allows(act)));
    all
}

fn in_netns(test: impl FnOnce() + Send) {
    if host::skip::without_root() {
        return;
    }
    Netns::unshared().unwrap().run(test).unwrap();
}

/// Lets an agent and two controllers, one after the other, do all that they do; gives the rights that
/// neither has used.
fn unused_at_work(words: &[&str]) -> Option<BTreeSet<Act>> {
    let server = ControlPlane::up_with(1, words)?;
    install_with(&server, &["loadBalancer.enabled=true"]);
    server.apply(SERVICE_IMPORTS);
    server.apply(METALLB);
    server.kubectl("wait --for=condition=Established crd --all --timeout=60s");
    server.apply(SERVICES);
    server.apply(&[POOL, &service("balanced", "")].concat());
    let config = |account: &str| kubeconfig(&server, &server.url(), account);
    let agent = Agent::start_with(pogu(), &config("pogu-agent"), &["--load-balancer"]);
    let mut one = controller("one", &config("pogu-controller"));
    await_shown(&server, "balanced", &has_address("192.0.2.1"));
    let has = |request: &str| requests(&server, CONTROLLER_USER).contains(request).then_some(());
    wait_for("a condition", || has("patch services/status 200"));
    wait_for("an Event", || has("create events 201"));
    assert_eq!(one.end(Signal::TERM), Some(0));
    let mut two = controller("two", &config("pogu-controller"));
    wait_for("the Event once more", || has("patch events 200"));
    wait_for("the agent", || agent.is_ready().then_some(()));
    assert_eq!(two.end(Signal::TERM), Some(0));
    let mut all = unused(&server, AGENT_USER, &AGENT);
    all.extend(unused(&server, CONTROLLER_USER, &CONTROLLER));
    Some(all)
}

#[test]
fn each_right_of_a_role_is_used_and_all_that_it_asks_is_allowed() {
    in_netns(|| {
        let pages = ["--with", "kube-apiserver:--feature-gates=WatchList=false"];
        let Some(unused) = unused_at_work(&pages) else { return };
        assert_eq!(unused, BTreeSet::new());
    });
}

#[test]
fn a_server_that_gives_lists_as_watches_is_asked_for_no_other_list() {
    in_netns(|| {
        let Some(unused) = unused_at_work(&[]) else { return };
        let verbs: BTreeSet<&str> = unused.iter().map(|it| it.verb.as_str()).collect();
        assert_eq!(verbs, BTreeSet::from(["list"]));
        let resources: BTreeSet<&str> = unused.iter().map(|it| it.resource.as_str()).collect();
        let all = ["configmaps", "endpointslices", "namespaces", "nodes", "pods", "servicecidrs"];
        let all = all.into_iter().chain(["serviceimports", "services"]);
        let all = all.chain(["addresspools", "ipaddresspools", "l2advertisements"]);
        assert_eq!(resources, all.collect());
    });
}
