//! From which address does the packet come to the endpoint, and why?

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use model::{Delivery, Family, MasqueradeRule, NodeName};

use crate::decision::Held;
use crate::policy;
use crate::scene::{Scene, field_of};
use crate::trace::{Hop, Object, Origin, Stage};
use crate::verdict::{Endpoint, Source, SourceWhy};

pub(crate) fn source(scene: &Scene<'_>, held: Held<'_>, delivery: &Delivery) -> Source {
    Source {
        is_rewritten: delivery.masquerade,
        why: why(scene, held, delivery),
        seen: (!delivery.masquerade).then_some(scene.packet.source),
    }
}

/// The rule that led to what the oracle says; never another answer than the oracle's.
fn why(scene: &Scene<'_>, held: Held<'_>, delivery: &Delivery) -> SourceWhy {
    let node = &scene.table.node;
    let by_rule = match held.frontend.decision.masquerade {
        MasqueradeRule::Never => SourceWhy::NoDetection,
        MasqueradeRule::Always if held.frontend.kind.is_internal() => SourceWhy::MasqueradeAll,
        MasqueradeRule::Always => SourceWhy::PolicyCluster,
        MasqueradeRule::NotLocalPod if node.detect_local.is_local_pod(scene.packet) => {
            SourceWhy::LocalPod
        }
        MasqueradeRule::NotLocalPod => SourceWhy::NotLocalPod,
        MasqueradeRule::OwnOnly if node.is_own(scene.packet) => SourceWhy::OwnToLocal,
        MasqueradeRule::OwnOnly => SourceWhy::PolicyLocal,
    };
    match (delivery.masquerade, by_rule.is_rewritten()) {
        (true, false) => SourceWhy::Hairpin,
        (false, _) if is_untranslated(scene, delivery.endpoint) => SourceWhy::Untranslated,
        (false, true) => SourceWhy::TakenIn,
        (true, true) | (false, false) => by_rule,
    }
}

/// A Service whose external address is its endpoint's own, at the same port.
pub(crate) fn is_untranslated(scene: &Scene<'_>, endpoint: SocketAddr) -> bool {
    let packet = scene.packet;
    endpoint == SocketAddr::new(packet.destination, packet.destination_port.get())
}

/// One sentence for each reason; mostly there is one only.
pub(crate) fn rewritten(scene: &Scene<'_>, held: Held<'_>, endpoints: &[Endpoint]) -> Hop {
    let mut by_why: BTreeMap<SourceWhy, Vec<&Endpoint>> = BTreeMap::new();
    for endpoint in endpoints {
        by_why.entry(endpoint.source.why).or_default().push(endpoint);
    }
    let is_all = by_why.len() == 1;
    let mut says = Vec::new();
    let mut origins = Vec::new();
    for (why, whose) in &by_why {
        let text = source_text(*why, scene.packet.source, scene.node());
        let at: Vec<String> = whose.iter().map(|it| it.address.to_string()).collect();
        says.push(if is_all { text } else { format!("at {}: {text}", at.join(", ")) });
        origins.extend(source_origin(*why, scene, held));
    }
    scene.hop(Stage::Source, says.join("; "), origins)
}

fn source_text(why: SourceWhy, source: IpAddr, node: &NodeName) -> String {
    let kept = |why: &str| format!("the endpoint sees the client's own address, {source}: {why}");
    let lost = |why: &str| {
        format!("the endpoint sees an address of node {node} in place of {source}: {why}")
    };
    match why {
        SourceWhy::NoService => kept("no Service is in the way"),
        SourceWhy::LocalPod => kept("a pod asks for a ClusterIP, and its answer comes back here"),
        SourceWhy::NoDetection => kept("the agent cannot tell pods from others"),
        SourceWhy::PolicyLocal => kept("the external policy is Local"),
        SourceWhy::TakenIn => kept("the endpoint is on the node's own network"),
        SourceWhy::Untranslated => kept("it is the endpoint's own address that was asked for"),
        SourceWhy::MasqueradeAll => lost("the agent masquerades all ClusterIP traffic"),
        SourceWhy::NotLocalPod => lost("it is no pod of this node that asks for a ClusterIP"),
        SourceWhy::PolicyCluster => {
            lost("the external policy is Cluster, so the answer must come back to this node")
        }
        SourceWhy::OwnToLocal => lost("the node itself asks"),
        SourceWhy::Hairpin => {
            lost("the endpoint asks for itself, and would refuse its own address")
        }
    }
}

fn source_origin(why: SourceWhy, scene: &Scene<'_>, held: Held<'_>) -> Option<Origin> {
    let agent = |flag: &str, value: &str| Some(Origin::new(Object::agent(), flag, value));
    match why {
        SourceWhy::NoDetection => agent("--detect-local-mode", "None"),
        SourceWhy::MasqueradeAll => agent("--masquerade-all", "true"),
        SourceWhy::LocalPod | SourceWhy::NotLocalPod => match &scene.table.node.detect_local {
            model::DetectLocal::Never => None,
            model::DetectLocal::Cidrs(cidrs) => {
                let source = scene.packet.source;
                let of_family =
                    cidrs.iter().filter(|net| Family::of(net.addr()) == Family::of(source));
                let decisive: Vec<String> = of_family
                    .filter(|net| why == SourceWhy::NotLocalPod || net.contains(&source))
                    .map(ToString::to_string)
                    .collect();
                agent("--cluster-cidr", &decisive.join(","))
            }
            model::DetectLocal::Bridge(name) => agent("--pod-bridge-interface", name),
            model::DetectLocal::InterfacePrefix(prefix) => {
                agent("--pod-interface-name-prefix", prefix)
            }
        },
        SourceWhy::PolicyLocal | SourceWhy::PolicyCluster | SourceWhy::OwnToLocal => {
            let (field, policy) = policy::field(held);
            Some(field_of(held.service, field, policy.as_str()))
        }
        SourceWhy::NoService
        | SourceWhy::TakenIn
        | SourceWhy::Untranslated
        | SourceWhy::Hairpin => None,
    }
}
