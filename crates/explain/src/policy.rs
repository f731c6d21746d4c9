//! Which endpoints does the traffic policy leave?

use model::{DropReason, Origin as Decisive, RejectReason, TrafficPolicy, Verdict};

use crate::decision::Held;
use crate::scene::{Scene, field_of};
use crate::trace::{Hop, Origin, Stage};

pub(crate) fn field(held: Held<'_>) -> (&'static str, TrafficPolicy) {
    let service = &held.service.service;
    if held.frontend.kind.is_internal() {
        ("spec.internalTrafficPolicy", service.internal_policy)
    } else {
        ("spec.externalTrafficPolicy", service.external_policy)
    }
}

/// The packet takes the short way that policy Local leaves to what comes from inside the node.
pub(crate) fn is_short_circuit(scene: &Scene<'_>, held: Held<'_>) -> bool {
    !held.frontend.kind.is_internal() && scene.table.node.is_inside(scene.packet)
}

pub(crate) fn hop(
    scene: &Scene<'_>,
    held: Held<'_>,
    decided: &Verdict,
    origins: &[Decisive],
) -> Hop {
    let node = scene.node();
    let (field, policy) = field(held);
    let name = held.service.name();
    let mut change = None;
    let says = match (decided, policy) {
        (Verdict::Reject(RejectReason::NoEndpoint), _) => {
            change = Some("an endpoint that is ready, or at least still serving".to_owned());
            format!("Service {name} has no endpoint that could serve, on any node")
        }
        (
            Verdict::Drop(
                DropReason::NoLocalEndpointInternal | DropReason::NoLocalEndpointExternal,
            ),
            _,
        ) => {
            change = Some(format!("{field}=Cluster, or an endpoint on node {node}"));
            format!("only endpoints of node {node} may serve it, and there is none")
        }
        (_, TrafficPolicy::Local) if is_short_circuit(scene, held) => format!(
            "the client counts as inside node {node}, so endpoints of all nodes may serve it although \
             the policy is Local"
        ),
        (_, TrafficPolicy::Local) => format!("only endpoints of node {node} may serve it"),
        (_, TrafficPolicy::Cluster) => "endpoints of all nodes may serve it".to_owned(),
    };
    let told = origins.iter().find(|origin| origin.field == field).map(Origin::from);
    let origin = told.unwrap_or_else(|| field_of(held.service, field, policy.as_str()));
    let mut hop = scene.hop(Stage::Policy, says, vec![origin]);
    hop.change = change;
    hop
}
