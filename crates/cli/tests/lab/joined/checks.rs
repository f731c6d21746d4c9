//! Do clients on both nodes find what the objects say, and how soon?

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use testkit::control_plane::ControlPlane;

use super::text;
use crate::control_plane::get;
use crate::rig::{Answer, Lab, MANY, PATIENCE, ask_tcp_within, ask_udp_within};

/// Pods of that name, one on each node.
const CLIENTS: [&str; 2] = ["client-1", "client-2"];

/// What nobody serves does not answer for so long. A packet that was dropped is sent again only after a
/// second, so whoever answers was led there by the first one.
const NO_ANSWER: Duration = Duration::from_millis(200);

/// What must be so for a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    client: &'static str,
    pub(super) service: String,
    holds: Holds,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Holds {
    /// These pods answer there, all of them and no other.
    Tcp(SocketAddr, BTreeSet<String>),
    Udp(SocketAddr, BTreeSet<String>),
    /// The resolver finds these addresses of the Service's name.
    Name(BTreeSet<IpAddr>),
}

/// What the objects say of these Services.
pub(super) fn checks(control_plane: &ControlPlane, services: &[&str]) -> Vec<Check> {
    let all = services.iter().flat_map(|service| {
        let holds = of_service(control_plane, service);
        CLIENTS.into_iter().flat_map(move |client| {
            let service = (*service).to_owned();
            holds.clone().into_iter().map(move |holds| Check {
                client,
                service: service.clone(),
                holds,
            })
        })
    });
    all.collect()
}

fn of_service(control_plane: &ControlPlane, service: &str) -> Vec<Holds> {
    let slices = format!("endpointslices -l kubernetes.io/service-name={service}");
    let slices = get(control_plane, &slices)["items"].as_array().unwrap().clone();
    let endpoints = slices.iter().flat_map(|it| it["endpoints"].as_array().unwrap().clone());
    let ready: Vec<Value> = endpoints.filter(|it| it["conditions"]["ready"] == true).collect();
    let pods: BTreeSet<String> = ready.iter().map(|it| text(&it["targetRef"]["name"])).collect();
    let object = get(control_plane, &format!("service {service}"));
    let ips = object["spec"]["clusterIPs"].as_array().unwrap().iter();
    let ips: BTreeSet<IpAddr> = ips.filter_map(|ip| ip.as_str()?.parse().ok()).collect();
    if ips.is_empty() {
        let addresses = ready.iter().map(|it| text(&it["addresses"][0]).parse().unwrap());
        return vec![Holds::Name(addresses.collect())];
    }
    let mut all = vec![Holds::Name(ips.clone())];
    for target in ips.into_iter().map(|ip| SocketAddr::new(ip, 80)) {
        all.extend([Holds::Tcp(target, pods.clone()), Holds::Udp(target, pods.clone())]);
    }
    all
}

/// The same places, where nothing of a Service is to be found any longer.
pub(super) fn none_of(all: &[Check], service: &str) -> Vec<Check> {
    let all = all.iter().filter(|it| it.service == service).cloned();
    let none = |check: Check| Check {
        holds: match check.holds {
            Holds::Tcp(target, _) => Holds::Tcp(target, BTreeSet::new()),
            Holds::Udp(target, _) => Holds::Udp(target, BTreeSet::new()),
            Holds::Name(_) => Holds::Name(BTreeSet::new()),
        },
        ..check
    };
    all.map(none).collect()
}

/// Looks until everything is so: how long from now on each was not.
pub(super) fn times(lab: &Lab, checks: &[Check]) -> Vec<Duration> {
    let began = host::clock::monotonic();
    let look = |check: &Check| loop {
        let at = host::clock::monotonic().duration_since(began);
        if check.is_so(lab) {
            return at;
        }
        assert!(at < PATIENCE, "not so: {check:?}");
    };
    thread::scope(|scope| {
        let all: Vec<_> = checks.iter().map(|check| scope.spawn(|| look(check))).collect();
        all.into_iter().map(|it| it.join().unwrap()).collect()
    })
}

impl Check {
    pub(super) fn is_so(&self, lab: &Lab) -> bool {
        let netns = lab.netns(&format!("pod.default.{}", self.client));
        match &self.holds {
            Holds::Tcp(target, pods) => just(pods, || ask_tcp_within(NO_ANSWER, &netns, *target)),
            Holds::Udp(target, pods) => just(pods, || ask_udp_within(NO_ANSWER, &netns, *target)),
            Holds::Name(addresses) => self.resolved(lab) == *addresses,
        }
    }

    /// What the C library finds by the pod's own configuration.
    fn resolved(&self, lab: &Lab) -> BTreeSet<IpAddr> {
        let who = format!("pod/default/{}", self.client);
        let output = lab.pogu(&["lab", "exec", &who, "--", "getent", "ahosts", &self.service]);
        let lines = String::from_utf8(output.stdout).unwrap();
        let first = |line: &str| line.split_whitespace().next().unwrap().parse().unwrap();
        lines.lines().map(first).collect()
    }
}

/// Whether all of these answer and nobody else does; nobody at all if there are none.
fn just(pods: &BTreeSet<String>, ask: impl Fn() -> Result<Answer, String>) -> bool {
    if pods.is_empty() {
        return ask().is_err();
    }
    let answers = (0..MANY).map(|_| ask().ok().map(|it| it.pod).filter(|it| pods.contains(it)));
    answers.collect::<Option<BTreeSet<String>>>().as_ref() == Some(pods)
}
