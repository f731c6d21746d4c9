//! Which endpoints did readiness take out, and who says why?

use model::{Endpoint, Family, Service};

use crate::name::count;
use crate::scene::Scene;
use crate::trace::{Object, Origin};
use crate::verdict::State;
use crate::view::View;
use crate::warning::{Warning, WarningKind};

/// Endpoints that a warning describes one by one.
const DESCRIBED_MAX: usize = 5;

/// Endpoints of a port that get no new connection since they are not ready; those that serve
/// although they are not are another matter.
pub(crate) fn of_port(
    view: &View<'_>,
    all: &[Endpoint],
    serves: &dyn Fn(&Endpoint) -> bool,
) -> Option<Warning> {
    let is_out = |endpoint: &&Endpoint| !endpoint.ready && !serves(endpoint);
    let out: Vec<&Endpoint> = all.iter().filter(is_out).collect();
    if out.is_empty() {
        return None;
    }
    let mut origins =
        vec![Origin::new(Object::endpoint_slice(), "endpoints[].conditions.ready", false)];
    let mut described: Vec<String> = Vec::new();
    for endpoint in out.iter().take(DESCRIBED_MAX) {
        let (text, origin) = describe(view, endpoint);
        described.push(text);
        origins.extend(origin);
    }
    if out.len() > DESCRIBED_MAX {
        described.push(format!("{} more", out.len() - DESCRIBED_MAX));
    }
    let says = format!(
        "{} of {} not ready: {}",
        out.len(),
        count(all.len(), "endpoint") + if out.len() == 1 { " is" } else { " are" },
        described.join("; ")
    );
    Some(Warning {
        origins,
        endpoints: out.iter().map(|endpoint| endpoint.address).collect(),
        ..Warning::new(WarningKind::NotReady, says)
    })
}

/// In the words of its Pod, where somebody tells of Pods.
fn describe(view: &View<'_>, endpoint: &Endpoint) -> (String, Option<Origin>) {
    let address = endpoint.address;
    let state = match (endpoint.terminating, endpoint.serving) {
        (true, true) => " (terminating, still serving)",
        (true, false) => " (terminating)",
        (false, _) => "",
    };
    let Some(pod) = view.pod_at(address.ip()) else { return (format!("{address}{state}"), None) };
    let told = pod.ready.as_ref().filter(|ready| !ready.is_ready);
    let why =
        told.map_or(
            "",
            |ready| {
                if ready.message.is_empty() { &*ready.reason } else { &*ready.message }
            },
        );
    let colon = if why.is_empty() { "" } else { ": " };
    let origin = told.map(|ready| {
        let object = Object::pod(&pod.name.namespace, &pod.name.name);
        let reason = if ready.reason.is_empty() { "False" } else { &*ready.reason };
        Origin::new(object, "status.conditions[Ready]", reason)
    });
    (format!("{address}{state}, pod/{}{colon}{why}", pod.name), origin)
}

/// Of a headless Service: the DNS leaves such endpoints out.
pub(crate) fn of_headless(view: &View<'_>, service: &Service, family: Family) -> Option<Warning> {
    of_port(view, service.ports.first()?.endpoints.get(family), &|_| false)
}

/// Endpoints that serve while they end, as nothing is ready.
pub(crate) fn draining(
    scene: &Scene<'_>,
    endpoints: &[crate::verdict::Endpoint],
) -> Option<Warning> {
    let draining: Vec<_> = endpoints
        .iter()
        .filter(|endpoint| endpoint.state == State::Draining)
        .map(|endpoint| endpoint.address)
        .collect();
    if draining.is_empty() {
        return None;
    }
    let says = format!(
        "nothing is ready for node {}, so {} that {} terminating gets the traffic, for as long \
         as it still serves",
        scene.node(),
        count(draining.len(), "endpoint"),
        if draining.len() == 1 { "is" } else { "are" },
    );
    let origin = Origin::new(Object::endpoint_slice(), "endpoints[].conditions.terminating", true);
    Some(Warning {
        origins: vec![origin],
        endpoints: draining,
        ..Warning::new(WarningKind::Draining, says)
    })
}
