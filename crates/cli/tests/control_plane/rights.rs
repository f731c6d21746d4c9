//! Is each right that is missing told, so that what is told is enough to give it?

use std::collections::BTreeSet;
use std::path::Path;

use host::netns::Netns;
use testkit::control_plane::ControlPlane;

use super::process::{CONTROLLER, DNS, Process, wait_for};
use super::roles::NODE;

/// Two of one address: the controller has something to write.
const SERVICES: &str = super::controllers::SERVICES;

/// Gives each rule that the warnings of a program name, beginning it anew each time, until it warns of
/// no other; gives the rules.
fn given(
    server: &ControlPlane,
    user: &str,
    words: &[&str],
    is_done: impl Fn() -> bool,
) -> BTreeSet<String> {
    let kubeconfig = server.user(user, "1h");
    let mut given = BTreeSet::new();
    loop {
        let process = Process::start(words, &kubeconfig);
        let missing = wait_for("another rule, or the end", || {
            let missing: BTreeSet<String> = rules(&process).difference(&given).cloned().collect();
            (is_done() || !missing.is_empty()).then_some(missing)
        });
        if missing.is_empty() {
            return given;
        }
        given.extend(missing);
        give(server, user, &given);
    }
}

fn rules(process: &Process) -> BTreeSet<String> {
    let warnings = process.warnings();
    let rule = |it: &String| Some(it.split_once("needs the rule ")?.1.to_owned());
    warnings.iter().filter_map(rule).collect()
}

/// They stand there as they are written.
fn give(server: &ControlPlane, user: &str, rules: &BTreeSet<String>) {
    let rules: String = rules.iter().map(|rule| format!("- {{{rule}}}\n")).collect();
    let binding = format!("create clusterrolebinding {user} --clusterrole={user} --user={user}");
    server.apply(&format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: {user}}}\n\
         rules:\n{rules}"
    ));
    // It may be there already.
    let _is_new = server.kubectl_succeeds(&binding);
}

fn rule(group: &str, resource: &str, verbs: &str) -> String {
    format!("apiGroups: [\"{group}\"], resources: [\"{resource}\"], verbs: [{verbs}]")
}

fn read(group: &str, resource: &str) -> String {
    rule(group, resource, "\"list\", \"watch\"")
}

/// Whether the program has asked for this and got it.
fn has_got(server: &ControlPlane, user: &str, wanted: &str) -> bool {
    super::audit::requests(server, user).contains(wanted)
}

#[test]
fn each_right_that_a_role_lacks_is_told_until_it_has_all() {
    if host::skip::without_root() {
        return;
    }
    let netns = Netns::unshared().unwrap();
    netns.run(each_right_is_told).unwrap();
}

fn each_right_is_told() {
    let Some(server) = ControlPlane::up() else { return };
    server.apply(NODE);
    server.apply(SERVICES);
    let names = [
        read("", "services"),
        read("discovery.k8s.io", "endpointslices"),
        read("", "namespaces"),
        read("", "configmaps"),
        read("multicluster.x-k8s.io", "serviceimports"),
        read("", "pods"),
    ];
    let names = BTreeSet::from(names);
    let all_read = |user: &'static str, metrics: &'static str| {
        let server = &server;
        move || has_got(server, user, "watch services 200") && is_ready(metrics)
    };
    let socket = server.state().join("sock");
    let socket = ["--socket", socket.to_str().unwrap()];
    let dns = [&DNS[..3], &["--http-bind-address", "127.0.0.1:9001"], &socket].concat();
    assert_eq!(given(&server, "dns", &dns, all_read("dns", "127.0.0.1:9001")), names);
    let agent = ["agent", "--node-name", "a", "--healthz-bind-address", "127.0.0.1:9002"];
    let agent = [&agent[..], &socket].concat();
    let mut expected = names;
    expected.insert(read("", "nodes"));
    expected.insert(read("networking.k8s.io", "servicecidrs"));
    assert_eq!(given(&server, "agent", &agent, all_read("agent", "127.0.0.1:9002")), expected);
    let is_done = || {
        ["create events 201", "patch services/status 200", "watch leases 200", "update leases 200"]
            .iter()
            .all(|wanted| has_got(&server, "controller", wanted))
    };
    expected.remove(&read("", "nodes"));
    expected.remove(&read("", "pods"));
    for (group, resource, verb) in [
        ("coordination.k8s.io", "leases", "get"),
        ("coordination.k8s.io", "leases", "create"),
        ("coordination.k8s.io", "leases", "update"),
        ("coordination.k8s.io", "leases", "watch"),
        ("", "services/status", "patch"),
        ("events.k8s.io", "events", "create"),
    ] {
        expected.insert(rule(group, resource, &format!("\"{verb}\"")));
    }
    let mut told = given(&server, "controller", &CONTROLLER, is_done);
    // It asks for an Event that it cannot create since it is there: one that it wrote itself before it
    // was begun anew, if it came to that.
    told.remove(&rule("events.k8s.io", "events", "\"get\""));
    assert_eq!(told, expected);
}

fn is_ready(address: &str) -> bool {
    let url = format!("http://{address}/readyz");
    let curl = host::process::run("curl", &["-s", &url], "", super::process::PATIENCE);
    curl.is_ok_and(|output| output.stdout == "ok\n")
}

#[test]
fn a_node_that_is_not_there_is_told_by_the_agent() {
    if host::skip::without_root() {
        return;
    }
    Netns::unshared().unwrap().run(node_is_told).unwrap();
}

fn node_is_told() {
    let Some(server) = ControlPlane::up() else { return };
    let socket = server.state().join("agent.sock");
    let words = ["agent", "--node-name", "nosuch", "--socket", socket.to_str().unwrap()];
    let agent = Process::start(&words, Path::new(&server.admin()));
    let warnings = wait_for("a warning", || Some(agent.warnings()).filter(|it| !it.is_empty()));
    assert_eq!(
        warnings,
        ["there is no Node of this name: nosuch\n\
          hint: --node-name must be the name of a Node object; kubectl get nodes lists them"]
    );
}
