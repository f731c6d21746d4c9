//! Is what is held what the objects say, though requests fail all the time?

use std::collections::BTreeSet;
use std::fmt::Write as _;

use host::clock::monotonic;
use host::netns::Netns;
use testkit::control_plane::ControlPlane;

use super::process::{CONTROLLER, Process, pogu, wait_for};
use super::roles::{
    AGENT_USER, Agent, CONTROLLER_USER, accused, endpoints, install, kubeconfig, requests,
};

const SERVICES: u32 = 10;
const ROUNDS: u32 = 12;

/// Of a hundred requests, and of as many pieces of answers.
const SHARE: &str = "5";

/// What is read: a list for each kind, and again where the API lacks the kind.
const READS_MAX: u64 = 20;

/// All Services, each with one endpoint, which is another in each round. In every other round each
/// third Service wants an address that the first one has.
pub(crate) fn shop(round: u32) -> String {
    let mut text = "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}\n".to_owned();
    for number in 0..SERVICES {
        let claims_first = number % 3 == 0 && round % 2 == 1;
        let external = if claims_first { 1 } else { number + 1 };
        write!(
            text,
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: s{number}, namespace: shop}}\n\
             spec: {{externalIPs: [192.0.2.{external}], ports: [{{port: 80}}]}}\n\
             ---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
             metadata: {{name: s{number}, namespace: shop, \
             labels: {{kubernetes.io/service-name: s{number}}}}}\naddressType: IPv4\n\
             endpoints: [{{addresses: [10.244.{round}.{number}]}}]\n\
             ports: [{{name: '', port: 8080, protocol: TCP}}]\n"
        )
        .unwrap();
    }
    text
}

#[test]
fn the_end_is_right_though_a_share_of_requests_fails() {
    if host::skip::without_root() {
        return;
    }
    let netns = Netns::unshared().unwrap();
    netns.run(end_is_right).unwrap();
}

fn end_is_right() {
    let Some(server) = ControlPlane::up() else { return };
    install(&server);
    let faulty = server.between("faulty", &["--share", SHARE]);
    let config = |account: &str| kubeconfig(&server, faulty.url(), account);
    let began = monotonic();
    let agent = Agent::start(pogu(), &config("pogu-agent"));
    let _controller = Process::start(&CONTROLLER, &config("pogu-controller"));
    server.apply(&shop(0));
    wait_for("the first state", || (agent.endpoints() == endpoints(&server)).then_some(()));
    for round in 1..ROUNDS {
        server.apply(&shop(round));
    }
    wait_for("the last endpoints", || (agent.endpoints() == endpoints(&server)).then_some(()));
    let expected = BTreeSet::from(["s3", "s6", "s9"].map(str::to_owned));
    wait_for("the last conditions", || (accused(&server) == expected).then_some(()));
    let seconds = monotonic().saturating_duration_since(began).as_secs();
    let faults = server.faults();
    let ways: BTreeSet<&str> = faults.lines().filter_map(|it| it.split(": ").next()).collect();
    let failed = u64::try_from(faults.lines().count()).unwrap();
    let [of_agent, of_controller] = [AGENT_USER, CONTROLLER_USER].map(|it| requests(&server, it));
    println!("{failed} faults in {seconds} s: {ways:?}; requests: {of_agent} and {of_controller}");
    assert!(failed >= 10 && ways.contains("cut") && ways.len() >= 3, "too few faults: {ways:?}");
    // Whatever fails is asked for once more, after the server was looked for once.
    let may = READS_MAX + 3 * failed;
    assert!(of_agent <= may, "{of_agent} requests of the agent, {may} expected");
    // It renews its Lease each second, and writes a condition and an Event for each Service accused.
    let may = may + 2 * seconds + 4 * 3 * u64::from(ROUNDS);
    assert!(of_controller <= may, "{of_controller} requests of the controller, {may} expected");
}
