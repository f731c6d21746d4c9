//! What does a node decide on a packet, in words? The verdict itself is the oracle's.

use std::net::SocketAddr;

use model::{
    DropReason, Explained, FrontendKind, NodeFrontend, NodePort, NodeService, RejectReason,
    Verdict as Decided,
};

use crate::delivery;
use crate::name::count;
use crate::policy;
use crate::scene::{Scene, field_of};
use crate::trace::{Hop, Object, Origin, Stage};
use crate::unclaimed;
use crate::verdict::{Frontend, Outcome, Verdict};
use crate::walk::Way;
use crate::warnings;

/// The frontend that a packet is for, with what holds it.
#[derive(Clone, Copy)]
pub(crate) struct Held<'a> {
    pub(crate) service: &'a NodeService,
    pub(crate) port: &'a NodePort,
    pub(crate) frontend: &'a NodeFrontend,
}

pub(crate) fn at(scene: &Scene<'_>) -> Way {
    let decided = scene.table.lookup(scene.packet);
    match scene.table.frontend(&scene.packet.frontend()) {
        Some((service, port, frontend)) => {
            let found = Held { service, port, frontend };
            answered_here(scene, found, &decided).unwrap_or_else(|| held(scene, found, decided))
        }
        None => unclaimed::at(scene, decided),
    }
}

fn held(scene: &Scene<'_>, held: Held<'_>, decided: Explained<Decided>) -> Way {
    let Explained { value, origins } = decided;
    let mut way = Way {
        hops: vec![matched(scene, held, &origins)],
        verdict: Verdict::at(scene.node(), Outcome::Unknown, String::new()),
        warnings: warnings::of_frontend(scene, held),
    };
    let is_admitted = value != Decided::Drop(DropReason::SourceNotAllowed);
    way.hops.extend(admitted(scene, held, is_admitted));
    if is_admitted {
        way.hops.push(policy::hop(scene, held, &value, &origins));
        way.warnings.extend(warnings::of_choice(scene, held, &value));
    }
    let name = held.service.name();
    match value {
        Decided::Forward { deliveries, affinity } => {
            let endpoints = delivery::endpoints(scene, held, &deliveries);
            way.hops.extend(delivery::hops(scene, held, &endpoints, affinity));
            way.warnings.extend(warnings::of_delivery(scene, held, &endpoints));
            way.verdict.outcome = Outcome::Forward;
            way.verdict.says = match endpoints.as_slice() {
                [only] => format!(
                    "goes to {}, the only endpoint of Service {name} that may be used",
                    only.address
                ),
                all => format!("goes to one of {} of Service {name}", count(all.len(), "endpoint")),
            };
            way.verdict.affinity_seconds = affinity.map(|affinity| affinity.timeout_s);
            way.verdict.endpoints = endpoints;
        }
        Decided::Drop(reason) => way.verdict.set_drop(reason),
        Decided::Reject(reason) => way.verdict.set_reject(reason),
        // A frontend that is held leads somewhere; should it not, that is said as it is.
        Decided::NotService => way.verdict.outcome = Outcome::NotService,
    }
    way.verdict.frontend = Some(shown(held));
    way
}

/// What the agent answers itself never meets the Service: it goes on untracked.
fn answered_here(scene: &Scene<'_>, held: Held<'_>, decided: &Explained<Decided>) -> Option<Way> {
    let at = SocketAddr::new(held.frontend.frontend.address, held.frontend.frontend.port.get());
    if !scene.view.is_here(scene.node()) || !scene.view.dns.answered_here.contains(&at) {
        return None;
    }
    let name = held.service.name();
    let mut deliver = scene.hop(
        Stage::Deliver,
        "this node's own agent answers there: the packets pass the dataplane by, untracked",
        Vec::new(),
    );
    deliver.change = Some(format!("an agent that does not answer: Service {name} leads them then"));
    let says = "is answered by this node's own agent".to_owned();
    let mut verdict = Verdict::at(scene.node(), Outcome::AnsweredHere, says);
    verdict.frontend = Some(shown(held));
    let hops = vec![matched(scene, held, &decided.origins), deliver];
    Some(Way { hops, verdict, warnings: Vec::new() })
}

fn shown(held: Held<'_>) -> Frontend {
    let at = held.frontend.frontend;
    Frontend {
        address: SocketAddr::new(at.address, at.port.get()),
        protocol: at.protocol.to_string(),
        kind: held.frontend.kind.to_string(),
        service: Object::service(held.service.name()),
        port_name: held.port.name.as_ref().to_owned(),
    }
}

fn matched(scene: &Scene<'_>, held: Held<'_>, origins: &[model::Origin]) -> Hop {
    let Held { service, port, frontend } = held;
    let kind = match frontend.kind {
        FrontendKind::ClusterIp => "ClusterIP",
        FrontendKind::LoadBalancer => "load balancer address",
        FrontendKind::ExternalIp => "external IP",
        FrontendKind::NodePort => "node port",
    };
    let port = if port.name.is_empty() { String::new() } else { format!(", port {}", port.name) };
    let says = format!("{} is a {kind} of Service {}{port}", frontend.frontend, service.name());
    let says = says.replace(" is a external", " is an external");
    let field = frontend.kind.field();
    let found = origins.iter().filter(|origin| origin.field == field).map(Origin::from);
    scene.hop(Stage::Frontend, says, found.collect())
}

/// Only load balancer addresses can be closed to some clients.
fn admitted(scene: &Scene<'_>, held: Held<'_>, is_admitted: bool) -> Option<Hop> {
    let allowed = held.frontend.allowed.as_ref()?;
    let source = scene.packet.source;
    let ranges: Vec<String> = allowed.iter().map(ToString::to_string).collect();
    let found = allowed.iter().find(|net| net.contains(&source));
    let (says, change) = match found.filter(|_| is_admitted) {
        Some(net) => (format!("{source} may use it: it is in {net}"), None),
        None if ranges.is_empty() => {
            let family = held.port.family;
            let says = format!("{source} may not use it: the ranges admit no {family} client");
            (says, Some(format!("a range of {family} among them")))
        }
        None => {
            let says =
                format!("{source} may not use it: only clients in {} may", ranges.join(", "));
            (says, Some(format!("a range among them with {source} in it")))
        }
    };
    let origin = field_of(held.service, "spec.loadBalancerSourceRanges", ranges.join(","));
    let mut hop = scene.hop(Stage::Admit, says, vec![origin]);
    hop.change = change;
    Some(hop)
}

impl Verdict {
    pub(crate) fn set_drop(&mut self, reason: DropReason) {
        self.outcome = Outcome::Drop;
        self.reason = Some(reason.to_string());
        self.says =
            format!("is dropped, and the client waits in vain ({reason}): {}", reason.text());
    }

    pub(crate) fn set_reject(&mut self, reason: RejectReason) {
        self.outcome = Outcome::Reject;
        self.reason = Some(reason.to_string());
        self.says = format!("is refused at once ({reason}): {}", reason.text());
    }
}
