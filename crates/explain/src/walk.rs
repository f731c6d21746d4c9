//! In which order is a request walked through?

use model::{Frontend, NodeName};

use crate::announced;
use crate::decision;
use crate::direct;
use crate::name::{End, Names, Resolved};
use crate::place::{Asker, asker};
use crate::question::{Question, Refusal};
use crate::scene::Scene;
use crate::start::{Start, outside_interface, unknown_node};
use crate::target;
use crate::trace::{API_VERSION, Hop, KIND, Stage, Trace};
use crate::verdict::{Outcome, Verdict};
use crate::view::View;
use crate::warning::Warning;
use crate::warnings;

/// What becomes of the packet once it is known where it goes.
pub(crate) struct Way {
    pub(crate) hops: Vec<Hop>,
    pub(crate) verdict: Verdict,
    pub(crate) warnings: Vec<Warning>,
}

/// What will happen to the request, at which hop, and why.
///
/// # Errors
/// The question cannot be read, or speaks of something that is not there.
pub fn explain(view: &View<'_>, question: &Question) -> Result<Trace, Refusal> {
    let target = target::parse(&question.target)?;
    let asker = asker(view, question)?;
    let mut resolved = Names::new(*view, &asker, question.family).resolve(&target)?;
    let names = std::mem::take(&mut resolved.hops);
    let dns_questions = std::mem::take(&mut resolved.dns_questions);
    let (from, way) = match &resolved.end {
        End::Nothing { outcome, says } => {
            let verdict = Verdict::without_packet(*outcome, says.clone());
            let way = Way { hops: Vec::new(), verdict, warnings: Vec::new() };
            (asker.without_packet(), way)
        }
        End::Frontend(frontend) => to_frontend(view, &asker, &resolved, frontend)?,
        End::Endpoints { addresses, protocol, port } => {
            direct::to_endpoints(view, &asker, &resolved, addresses, (*protocol, *port))?
        }
    };
    let mut warnings = resolved.warnings;
    warnings.extend(way.warnings);
    if let Some(service) = &resolved.service {
        warnings.extend(warnings::of_service(view, service));
    }
    warnings.sort_by_key(|warning| warning.kind);
    warnings.dedup();
    let hops = std::iter::once(from).chain(names).chain(way.hops).collect();
    Ok(Trace {
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
        target: question.target.clone(),
        from: asker.name,
        hops,
        verdict: way.verdict,
        warnings,
        dns_questions,
        observations: Vec::new(),
        differences: Vec::new(),
    })
}

/// A node leads a packet on that is no Service's business there and for another node: that one
/// decides then.
fn to_frontend(
    view: &View<'_>,
    asker: &Asker,
    resolved: &Resolved,
    frontend: &Frontend,
) -> Result<(Hop, Way), Refusal> {
    let start = asker.start(view, frontend)?;
    let Start { mut node, mut packet, client_node, from, arrive, unanswered } = start;
    let mut hops: Vec<Hop> = announced::allocated(view, frontend.address).into_iter().collect();
    hops.extend(arrive);
    if let Some(says) = unanswered {
        let verdict = Verdict::without_packet(Outcome::Unanswered, says);
        return Ok((from, Way { hops, verdict, warnings: Vec::new() }));
    }
    let mut seen = view.seen(&node, frontend).ok_or_else(|| unknown_node(&node))?;
    let is_free = seen.table.lookup(&packet).value == model::Verdict::NotService;
    // A node takes no packet from outside that bears its own address as the source.
    let takes_it = |bearer: &NodeName| view.node_of(packet.source).as_ref() != Some(bearer);
    let bearer = view.node_of(frontend.address).filter(|it| is_free && *it != node && takes_it(it));
    if let Some(bearer) = bearer {
        hops.push(Hop::new(
            Stage::Frontend,
            Some(&node),
            format!("node {node} has no Service for {frontend} and routes it on"),
            Vec::new(),
        ));
        let address = view.says_of(&bearer, packet.destination).into_iter().collect();
        let says = format!("it arrives at node {bearer}, which has that address");
        hops.push(Hop::new(Stage::Arrive, Some(&bearer), says, address));
        seen = view.seen(&bearer, frontend).ok_or_else(|| unknown_node(&bearer))?;
        packet.interface = Some(outside_interface(&seen.table.node.detect_local));
        node = bearer;
    }
    let scene = Scene {
        view,
        table: &seen.table,
        is_assumed: seen.is_assumed,
        packet: &packet,
        client_node: client_node.as_ref(),
        named: resolved.service.as_deref(),
    };
    let mut way = decision::at(&scene);
    if hops.iter().any(|hop| hop.stage == Stage::Announce) {
        way.warnings.extend(announced::owner_change(&scene, &way.verdict));
    }
    debug_assert_eq!(way.verdict.node.as_deref(), Some(&*node.0), "the last node decides");
    hops.extend(way.hops);
    Ok((from, Way { hops, ..way }))
}
