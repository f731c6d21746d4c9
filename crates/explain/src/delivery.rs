//! Where can the packet end, and how does the answer go?

use std::collections::{BTreeMap, BTreeSet};

use model::{Affinity, Delivery, NodeName};

use crate::choice::chosen;
use crate::decision::Held;
use crate::scene::{Scene, all_endpoints};
use crate::source::{is_untranslated, rewritten, source};
use crate::trace::{Hop, Object, Origin, Stage};
use crate::verdict::{Answer, AnswerWay, Endpoint, State};

/// Every endpoint that can be chosen, sorted by address.
pub(crate) fn endpoints(
    scene: &Scene<'_>,
    held: Held<'_>,
    deliveries: &BTreeSet<Delivery>,
) -> Vec<Endpoint> {
    let n = u32::try_from(deliveries.len()).unwrap_or(u32::MAX);
    let known = all_endpoints(held.service, held.port);
    let shown = deliveries.iter().map(|delivery| {
        let at = known.binary_search_by_key(&delivery.endpoint, |it| it.address);
        let endpoint = at.ok().and_then(|at| known.get(at));
        let node = endpoint.and_then(|endpoint| scene.place_of(endpoint));
        let pod = scene.pod_at(delivery.endpoint.ip());
        Endpoint {
            address: delivery.endpoint,
            probability: 1.0 / f64::from(n),
            pod: pod.map(|pod| pod.name.to_string()),
            state: if endpoint.is_none_or(|endpoint| endpoint.ready) {
                State::Ready
            } else {
                State::Draining
            },
            source: source(scene, held, delivery),
            answer: answer(scene, node.as_ref(), delivery),
            node: node.map(|node| node.to_string()),
        }
    });
    shown.collect()
}

/// What is rewritten comes back to the node. What is not must pass it all the same, since only that
/// node can put the frontend's address back into the answer.
fn answer(scene: &Scene<'_>, endpoint: Option<&NodeName>, delivery: &Delivery) -> Answer {
    let node = scene.node();
    let is_here = |place: Option<&NodeName>| place == Some(node);
    let way = if delivery.masquerade {
        AnswerWay::ToNode
    } else if is_untranslated(scene, delivery.endpoint) {
        AnswerWay::Straight
    } else if is_here(endpoint) || is_here(scene.client_node) {
        AnswerWay::ThroughNode
    } else if endpoint.is_none() {
        AnswerWay::Unclear
    } else {
        AnswerWay::PastNode
    };
    Answer { way, node: Some(node.to_string()) }
}

/// Choice, source address, place and answer.
pub(crate) fn hops(
    scene: &Scene<'_>,
    held: Held<'_>,
    endpoints: &[Endpoint],
    affinity: Option<Affinity>,
) -> Vec<Hop> {
    vec![
        chosen(scene, held, endpoints, affinity),
        rewritten(scene, held, endpoints),
        delivered(endpoints),
        answered(scene, endpoints),
    ]
}

/// Endpoints that are named one by one; of more only their number on each node is told.
const NAMED_MAX: usize = 3;

pub(crate) fn delivered(endpoints: &[Endpoint]) -> Hop {
    let place = |node: Option<&String>| match node {
        Some(node) => format!("on node {node}"),
        None => "on no node that the objects name".to_owned(),
    };
    let says: Vec<String> = if endpoints.len() <= NAMED_MAX {
        let named = endpoints.iter().map(|endpoint| {
            let who = match &endpoint.pod {
                Some(pod) => format!("{} is pod/{pod} ", endpoint.address),
                None => format!("{} is ", endpoint.address),
            };
            format!("{who}{}", place(endpoint.node.as_ref()))
        });
        named.collect()
    } else {
        let mut by_node: BTreeMap<Option<&String>, usize> = BTreeMap::new();
        for endpoint in endpoints {
            *by_node.entry(endpoint.node.as_ref()).or_default() += 1;
        }
        by_node.into_iter().map(|(node, n)| format!("{n} {}", place(node))).collect()
    };
    let node = match endpoints {
        [first, rest @ ..] if rest.iter().all(|it| it.node == first.node) => first.node.clone(),
        _ => None,
    };
    let mut origins: Vec<Origin> = Vec::new();
    for node in endpoints.iter().filter_map(|endpoint| endpoint.node.as_ref()) {
        let origin = Origin::new(Object::endpoint_slice(), "endpoints[].nodeName", node);
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    Hop { node, ..Hop::new(Stage::Deliver, None, says.join("; "), origins) }
}

fn answered(scene: &Scene<'_>, endpoints: &[Endpoint]) -> Hop {
    let node = scene.node();
    let client = scene.packet.source;
    let ways: BTreeSet<AnswerWay> = endpoints.iter().map(|it| it.answer.way).collect();
    let texts: Vec<String> = ways
        .into_iter()
        .map(|way| match way {
            AnswerWay::ToNode => format!(
                "the endpoint answers to node {node}, which puts both addresses back and answers \
                 {client}"
            ),
            AnswerWay::ThroughNode => format!(
                "the endpoint answers to {client} through node {node}, which puts the address \
                 back that the client asked for"
            ),
            AnswerWay::Unclear => format!(
                "the endpoint answers to {client}; it is not known whether that passes node \
                 {node}, as it must"
            ),
            AnswerWay::PastNode => format!(
                "an endpoint on another node answers to {client} past node {node}: the client \
                 gets an answer from an address that it did not ask, and the connection fails"
            ),
            AnswerWay::Straight => format!("the endpoint answers to {client}"),
        })
        .collect();
    scene.hop(Stage::Answer, texts.join("; "), Vec::new())
}
