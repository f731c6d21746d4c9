//! What should a person know who takes the trace at its word?

use std::collections::BTreeSet;

use model::{DropReason, NodeName, Service, Verdict as Decided};

use crate::choice;
use crate::decision::Held;
use crate::policy::{self, is_short_circuit};
use crate::readiness;
use crate::scene::{Scene, all_endpoints, field_of};
use crate::trace::{Object, Origin};
use crate::verdict::{AnswerWay, Endpoint, SourceWhy};
use crate::view::View;
use crate::warning::{Warning, WarningKind};

/// About a Service that was named, whatever becomes of the packet.
pub(crate) fn of_service(view: &View<'_>, service: &Service) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if let Some(proxy) = &service.other_proxy {
        let says = format!("Service {} is left to another proxy, {proxy}", service.name);
        let label = "metadata.labels[service.kubernetes.io/service-proxy-name]";
        let origin = Origin::new(Object::service(&service.name), label, proxy);
        warnings
            .push(Warning { origins: vec![origin], ..Warning::new(WarningKind::OtherProxy, says) });
    }
    let object = model::Object::Service(service.name.clone());
    for rejection in view.rejections.iter().filter(|rejection| rejection.object == object) {
        let says = format!("{} was not accepted: {}", rejection.field, rejection.reason);
        let origin = Origin::new((&rejection.object).into(), &rejection.field, "");
        warnings
            .push(Warning { origins: vec![origin], ..Warning::new(WarningKind::Rejected, says) });
    }
    warnings.extend(pending(service));
    warnings
}

/// By what whoever allocates says in its status.
fn pending(service: &Service) -> Option<Warning> {
    let lacks = service.load_balancer()?.lacks.as_ref()?;
    let has = service.external.iter().any(|external| external.load_balancer);
    let what = if has { "not all the load balancer addresses" } else { "no load balancer address" };
    let says = format!("Service {} has {what} that it asks for: {lacks}", service.name);
    let origin = Origin::new(Object::service(&service.name), "status.conditions", "Allocated");
    Some(Warning { origins: vec![origin], ..Warning::new(WarningKind::Pending, says) })
}

/// About the frontend and the agent that serves it.
pub(crate) fn of_frontend(scene: &Scene<'_>, held: Held<'_>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let name = held.service.name();
    if scene.is_assumed {
        let says = format!(
            "this is not node {}'s own agent: its flags and addresses are taken to be as this \
             one's, and as its Node object says",
            scene.node()
        );
        let nodes = vec![scene.node().to_string()];
        warnings.push(Warning { nodes, ..Warning::new(WarningKind::AssumedFlags, says) });
    } else {
        warnings.extend(behind(scene, held));
    }
    let at = held.frontend.frontend;
    let others: Vec<String> = scene
        .table
        .claims(&at)
        .filter(|(other, _)| *other != name)
        .map(|(other, kind)| format!("{other} ({kind})"))
        .collect();
    if !others.is_empty() {
        let says =
            format!("{at} is also asked for by Service {}; {name} holds it", others.join(", "));
        let is_named = scene.named.is_some_and(|named| named.name != *name);
        let says = if is_named { format!("{says}, not the Service that was named") } else { says };
        warnings.push(Warning::new(WarningKind::HeldByAnother, says));
    }
    if scene.named.is_none_or(|named| named.name != *name) {
        warnings.extend(of_service(scene.view, &held.service.service));
    }
    warnings
}

fn behind(scene: &Scene<'_>, held: Held<'_>) -> Option<Warning> {
    let agent = scene.view.agent?;
    let says = if !agent.is_synced {
        "the agent has not read all objects yet".to_owned()
    } else if let Some(reason) = agent.waiting.get(held.service.name()) {
        format!("the kernel refused the newest state of Service {}: {reason}", held.service.name())
    } else if !agent.is_applied {
        "the agent has programmed nothing yet".to_owned()
    } else {
        return None;
    };
    Some(Warning::new(WarningKind::AgentBehind, says))
}

/// About which endpoints are left, or why none.
pub(crate) fn of_choice(scene: &Scene<'_>, held: Held<'_>, decided: &Decided) -> Vec<Warning> {
    let all = all_endpoints(held.service, held.port);
    let serves = |endpoint: &model::Endpoint| match decided {
        Decided::Forward { deliveries, .. } => {
            deliveries.iter().any(|delivery| delivery.endpoint == endpoint.address)
        }
        Decided::Reject(_) | Decided::Drop(_) | Decided::NotService => false,
    };
    let mut warnings: Vec<Warning> =
        readiness::of_port(scene.view, all, &serves).into_iter().collect();
    if matches!(
        decided,
        Decided::Drop(DropReason::NoLocalEndpointInternal | DropReason::NoLocalEndpointExternal)
    ) {
        let usable = |ready: bool| -> BTreeSet<NodeName> {
            let used = all.iter().filter(|it| if ready { it.ready } else { it.is_draining() });
            used.filter_map(|endpoint| scene.place_of(endpoint)).collect()
        };
        let nodes = if usable(true).is_empty() { usable(false) } else { usable(true) };
        let names: Vec<String> = nodes.iter().map(ToString::to_string).collect();
        if !names.is_empty() {
            let (field, policy) = policy::field(held);
            let says = format!(
                "it is dropped on node {} only: it would be served on {}",
                scene.node(),
                names.join(", ")
            );
            let origin = field_of(held.service, field, policy.as_str());
            warnings.push(Warning {
                origins: vec![origin],
                nodes: names,
                ..Warning::new(WarningKind::LocalElsewhere, says)
            });
        }
    }
    warnings
}

/// About a packet that is delivered.
pub(crate) fn of_delivery(
    scene: &Scene<'_>,
    held: Held<'_>,
    endpoints: &[Endpoint],
) -> Vec<Warning> {
    let found = [
        readiness::draining(scene, endpoints),
        ranges(held),
        hidden(scene, held, endpoints),
        short(scene, held),
        affinity(held),
        topology(scene, held),
        past(scene, endpoints),
    ];
    found.into_iter().flatten().collect()
}

fn ranges(held: Held<'_>) -> Option<Warning> {
    let allowed = held.frontend.allowed.as_ref()?;
    let ranges: Vec<String> = allowed.iter().map(ToString::to_string).collect();
    let says = format!("only clients in {} may use it", ranges.join(", "));
    let origin = field_of(held.service, "spec.loadBalancerSourceRanges", ranges.join(","));
    Some(Warning { origins: vec![origin], ..Warning::new(WarningKind::SourceRanges, says) })
}

fn hidden(scene: &Scene<'_>, held: Held<'_>, endpoints: &[Endpoint]) -> Option<Warning> {
    let is_hiding = |why: SourceWhy| {
        matches!(why, SourceWhy::PolicyCluster | SourceWhy::NotLocalPod | SourceWhy::MasqueradeAll)
    };
    let found = endpoints.iter().map(|it| it.source.why).find(|why| is_hiding(*why))?;
    if scene.table.node.is_own(scene.packet) {
        return None;
    }
    let source = scene.packet.source;
    let lead = format!(
        "endpoints see node {} and not {source}, so their logs and limits by client are about nodes",
        scene.node()
    );
    let (says, origins) = if found == SourceWhy::PolicyCluster {
        let (field, policy) = policy::field(held);
        let says = format!("{lead}; externalTrafficPolicy=Local keeps the client's address");
        (says, vec![field_of(held.service, field, policy.as_str())])
    } else {
        (lead, Vec::new())
    };
    Some(Warning { origins, ..Warning::new(WarningKind::ClientHidden, says) })
}

fn short(scene: &Scene<'_>, held: Held<'_>) -> Option<Warning> {
    if !is_short_circuit(scene, held) {
        return None;
    }
    let decision = &held.frontend.decision;
    let (node, address) = (scene.node(), held.frontend.frontend.address);
    let mut says = if scene.client_node == Some(node) {
        format!(
            "the packet never left node {node}: that it is served proves nothing about clients \
             outside, nor about who announces {address}"
        )
    } else {
        format!(
            "{} counts as inside node {node}: that it is served proves nothing about clients \
             outside",
            scene.packet.source
        )
    };
    if decision.inside != decision.outside {
        let outside = match decision.outside {
            model::Route::Pool(_) => "only endpoints of this node may serve those".to_owned(),
            model::Route::Drop(reason) => format!("those are dropped here ({reason})"),
            model::Route::Reject(reason) => format!("those are refused here ({reason})"),
        };
        says.push_str("; ");
        says.push_str(&outside);
    }
    Some(Warning::new(WarningKind::ShortCircuit, says))
}

fn affinity(held: Held<'_>) -> Option<Warning> {
    let affinity = held.port.affinity?;
    let says = format!(
        "a client stays with its endpoint until it has not come for {} s: one client's requests \
         show one endpoint only",
        affinity.timeout_s
    );
    let origin = field_of(held.service, "spec.sessionAffinity", "ClientIP");
    Some(Warning { origins: vec![origin], ..Warning::new(WarningKind::Affinity, says) })
}

fn topology(scene: &Scene<'_>, held: Held<'_>) -> Option<Warning> {
    let hints = choice::hints(scene, held)?;
    let says = format!(
        "topology hints keep traffic of node {} in its own {}; from elsewhere other endpoints \
         serve",
        scene.node(),
        hints.what
    );
    let origins = vec![hints.origin];
    Some(Warning { origins, ..Warning::new(WarningKind::Topology, says) })
}

fn past(scene: &Scene<'_>, endpoints: &[Endpoint]) -> Option<Warning> {
    let past: Vec<_> = endpoints
        .iter()
        .filter(|endpoint| endpoint.answer.way == AnswerWay::PastNode)
        .map(|endpoint| endpoint.address)
        .collect();
    if past.is_empty() {
        return None;
    }
    let says = format!(
        "answers go past node {}, which cannot put the address back: connections to those \
         endpoints fail",
        scene.node()
    );
    Some(Warning { endpoints: past, ..Warning::new(WarningKind::AnswerPast, says) })
}
