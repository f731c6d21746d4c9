//! Are only those objects asked for that are needed?

use std::collections::BTreeSet;

use host::netns::Netns;
use testkit::control_plane::ControlPlane;

use super::audit::{of_pogu, text};
use super::process::{pogu, wait_for};
use super::roles::{AGENT_USER, Agent, install, kubeconfig};

/// What was asked for by watches, up to how it was.
fn watched(server: &ControlPlane) -> BTreeSet<String> {
    let all = of_pogu(server, AGENT_USER).into_iter().filter(|it| it["verb"] == "watch");
    let targets = all.map(|it| text(&it["requestURI"]));
    targets.map(|it| it.split("watch=1").next().unwrap().to_owned()).collect()
}

#[test]
fn an_agent_without_the_dns_asks_for_what_it_programs() {
    if host::skip::without_root() {
        return;
    }
    Netns::unshared().unwrap().run(what_is_programmed_is_asked_for).unwrap();
}

/// Services that another proxy serves and headless ones are left out by the server, and so are the
/// slices of the latter, as kube-proxy has it.
fn what_is_programmed_is_asked_for() {
    let Some(server) = ControlPlane::up() else { return };
    install(&server);
    let config = kubeconfig(&server, &server.url(), "pogu-agent");
    let _agent = Agent::start_with(pogu(), &config, &["--dns", "off"]);
    let expected = [
        "/api/v1/nodes?fieldSelector=metadata.name%3Da&",
        "/api/v1/pods?fieldSelector=spec.nodeName%3Da&",
        "/api/v1/services?labelSelector=%21service.kubernetes.io%2Fservice-proxy-name&\
         fieldSelector=spec.clusterIP%21%3DNone&",
        "/apis/discovery.k8s.io/v1/endpointslices?\
         labelSelector=%21service.kubernetes.io%2Fheadless&",
        "/apis/networking.k8s.io/v1/servicecidrs?",
    ];
    let expected = BTreeSet::from(expected.map(str::to_owned));
    let all = wait_for("all watches", || {
        Some(watched(&server)).filter(|all| all.len() >= expected.len())
    });
    assert_eq!(all, expected);
}
