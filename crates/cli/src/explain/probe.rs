//! How is it tried what was foretold?

use std::net::{IpAddr, SocketAddr};

use explain::{Outcome, Reaction, Trace, Trial};
use host::netns::Netns;
use lab::Who;
use model::{NodeName, Protocol};

use super::in_lab::{InLab, Target};
use crate::failure::Failure;

/// Makes the connections, and takes what happened into the trace.
pub(super) fn probe(trace: &mut Trace, typed: &str, lab: &InLab) -> Result<(), Failure> {
    let target = Target::of(typed);
    let protocol = protocol(trace, &target);
    let mut trials = trace.trials(protocol);
    if let Some(site) = site(trace, &target, lab) {
        trials.push(Trial { to: site, protocol, times: 1 });
    }
    let from = network(lab, &lab.who)?;
    let decides = trace.verdict.node.clone().map(|node| Who::Node(NodeName::new(node)));
    let decides = decides.map(|node| network(lab, &node)).transpose()?;
    let mut seen = Vec::new();
    for trial in trials {
        let request = probe::Request {
            to: trial.to,
            protocol: trial.protocol,
            host: target.authority.clone(),
            path: target.path.clone(),
        };
        for _ in 0..trial.times {
            let observation = probe::send(&from, decides.as_ref(), &request).map_err(|error| {
                Failure::new(format!("cannot try it: {error}"), "explain works without --probe")
            })?;
            let is_silent = observation.reaction == Reaction::Silent;
            seen.push(observation);
            // Silence costs time, and more of it says nothing new.
            if is_silent {
                break;
            }
        }
    }
    let node_addresses: Vec<IpAddr> = lab
        .status
        .nodes
        .iter()
        .filter(|node| Some(&node.name) == trace.verdict.node.as_ref())
        .flat_map(|node| node.addresses.clone())
        .collect();
    trace.observe(seen, &node_addresses);
    Ok(())
}

fn network(lab: &InLab, who: &Who) -> Result<Netns, Failure> {
    lab::netns(&lab.name, &lab.status, who).map_err(|error| crate::lab::not_there(&error))
}

fn protocol(trace: &Trace, target: &Target) -> Protocol {
    let frontend = trace.verdict.frontend.as_ref().map(|it| it.protocol.as_str());
    match (frontend, target.is_udp) {
        (Some("UDP"), _) | (None, true) => Protocol::Udp,
        (Some("SCTP"), _) => Protocol::Sctp,
        (Some(_) | None, _) => Protocol::Tcp,
    }
}

/// The lab's own world has one web site: where a name leads out of the cluster and to it, it can be
/// reached.
fn site(trace: &Trace, target: &Target, lab: &InLab) -> Option<SocketAddr> {
    if trace.verdict.outcome != Outcome::Unknown {
        return None;
    }
    let aliases = trace.hops.iter().flat_map(|hop| &hop.origins);
    let alias = aliases.rev().find(|origin| origin.field == "spec.externalName");
    let name = alias.map_or(target.host.as_str(), |origin| origin.value.as_str());
    let site = &lab.status.site;
    let is_it = name.trim_end_matches('.').eq_ignore_ascii_case(&site.name);
    let address = site.addresses.first().filter(|_| is_it)?;
    Some(SocketAddr::new(*address, target.port.unwrap_or(80)))
}
