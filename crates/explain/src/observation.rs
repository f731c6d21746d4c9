//! Did it happen as it was foretold?

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use model::Protocol;
use serde::{Deserialize, Serialize};

use crate::trace::{Certainty, Stage, Trace};
use crate::verdict::{Endpoint, Outcome};

/// One connection, or one datagram, that was really made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// The client's own address; absent when it got none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<SocketAddr>,
    pub to: SocketAddr,
    /// `TCP` or `UDP`.
    pub protocol: String,
    pub reaction: Reaction,
    /// The system's word for a reaction that is none of the others.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// What the deciding node's connection tracking says of it: who got it, from which address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<SocketAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
    /// What the server itself says, if it is one that does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Server>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reaction {
    Answered,
    /// Somebody said no at once.
    Refused,
    /// Nothing came back in time.
    Silent,
    Failed,
}

impl Reaction {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Silent => "silence",
            Self::Failed => "failed",
        }
    }
}

/// Who answered, and whom it saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// `NAMESPACE/NAME`
    pub pod: String,
    pub client: SocketAddr,
}

/// What was foretold otherwise than it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub stage: Stage,
    pub foretold: String,
    pub observed: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: foretold was {}, but observed {}",
            self.stage.as_str(),
            self.foretold,
            self.observed
        )
    }
}

/// What is to be done to see whether a trace is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    pub to: SocketAddr,
    pub protocol: Protocol,
    /// So often, as endpoints are chosen by chance.
    pub times: usize,
}

/// Connections for each endpoint that can be chosen, and in all.
const TRIES_PER_ENDPOINT: usize = 4;
const TRIES_MAX: usize = 32;

impl Trace {
    /// The connections that show whether the trace is right; none where nothing was foretold that a
    /// connection could show.
    #[must_use]
    pub fn trials(&self, protocol: Protocol) -> Vec<Trial> {
        let verdict = &self.verdict;
        let times = (verdict.endpoints.len() * TRIES_PER_ENDPOINT).clamp(1, TRIES_MAX);
        match (verdict.outcome, &verdict.frontend) {
            (Outcome::Forward, Some(frontend)) => {
                vec![Trial { to: frontend.address, protocol, times }]
            }
            (Outcome::Drop | Outcome::Reject | Outcome::AnsweredHere, Some(frontend)) => {
                vec![Trial { to: frontend.address, protocol, times: 1 }]
            }
            (Outcome::Direct, _) => {
                let each = verdict.endpoints.iter().take(TRIES_MAX);
                each.map(|it| Trial { to: it.address, protocol, times: 1 }).collect()
            }
            (Outcome::Forward | Outcome::Drop | Outcome::Reject | Outcome::AnsweredHere, None)
            | (
                Outcome::NoSuchName
                | Outcome::Resolved
                | Outcome::NotService
                | Outcome::Unanswered
                | Outcome::Unknown,
                _,
            ) => Vec::new(),
        }
    }

    /// Takes in what happened: what agrees makes hops observed, what does not is a difference.
    /// `node_addresses` are those of the node that decides; none, where they are not known.
    pub fn observe(&mut self, seen: Vec<Observation>, node_addresses: &[IpAddr]) {
        let mut differences: Vec<Difference> = Vec::new();
        for observation in &seen {
            for difference in self.compare(observation, node_addresses) {
                if !differences.contains(&difference) {
                    differences.push(difference);
                }
            }
        }
        if differences.is_empty() && !seen.is_empty() {
            let shown = self.hops.iter_mut().filter(|hop| is_shown(hop.stage));
            shown.for_each(|hop| hop.certainty = Certainty::Observed);
        }
        self.differences.extend(differences);
        self.observations.extend(seen);
    }

    fn compare(&self, seen: &Observation, node_addresses: &[IpAddr]) -> Vec<Difference> {
        let expected = match self.verdict.outcome {
            Outcome::Forward | Outcome::Direct | Outcome::AnsweredHere => Reaction::Answered,
            Outcome::Drop => Reaction::Silent,
            Outcome::Reject => Reaction::Refused,
            Outcome::NoSuchName
            | Outcome::Resolved
            | Outcome::NotService
            | Outcome::Unanswered
            | Outcome::Unknown => {
                return Vec::new();
            }
        };
        if seen.reaction != expected {
            let observed = match seen.error.as_str() {
                "" => seen.reaction.as_str().to_owned(),
                error => format!("{} ({error})", seen.reaction.as_str()),
            };
            let foretold = expected.as_str().to_owned();
            return vec![Difference { stage: Stage::Policy, foretold, observed }];
        }
        // Who answers here is no endpoint.
        if expected != Reaction::Answered || self.verdict.outcome == Outcome::AnsweredHere {
            return Vec::new();
        }
        let mut differences = Vec::new();
        let endpoint = self.endpoint_of(seen, &mut differences);
        if let Some(endpoint) = endpoint {
            differences.extend(compare_source(endpoint, seen, node_addresses));
        }
        differences
    }

    /// The foretold endpoint that got the connection, by whoever tells of it.
    fn endpoint_of(
        &self,
        seen: &Observation,
        differences: &mut Vec<Difference>,
    ) -> Option<&Endpoint> {
        let endpoints = &self.verdict.endpoints;
        let by_kernel = seen.endpoint.map(|address| {
            (address.to_string(), endpoints.iter().find(|it| it.address == address))
        });
        let by_server = seen.server.as_ref().map(|server| {
            let is_it = |it: &&Endpoint| it.pod.as_ref() == Some(&server.pod);
            (format!("pod {}", server.pod), endpoints.iter().find(is_it))
        });
        // A server that is no pod of the cluster may call itself as it likes.
        let tells_pods = endpoints.iter().any(|it| it.pod.is_some());
        for (what, found) in by_kernel.iter().chain(by_server.iter().filter(|_| tells_pods)) {
            if found.is_none() {
                let all: Vec<String> = endpoints.iter().map(|it| it.address.to_string()).collect();
                let foretold = format!("one of {}", all.join(", "));
                let observed = what.clone();
                differences.push(Difference { stage: Stage::Choose, foretold, observed });
            }
        }
        by_kernel.and_then(|(_, found)| found).or_else(|| by_server.and_then(|(_, found)| found))
    }
}

/// What a connection that came about proves.
const fn is_shown(stage: Stage) -> bool {
    match stage {
        Stage::From | Stage::Name | Stage::Allocate | Stage::Announce => false,
        Stage::Arrive
        | Stage::Frontend
        | Stage::Admit
        | Stage::Policy
        | Stage::Choose
        | Stage::Source
        | Stage::Deliver
        | Stage::Answer => true,
    }
}

fn compare_source(
    endpoint: &Endpoint,
    seen: &Observation,
    node_addresses: &[IpAddr],
) -> Vec<Difference> {
    let by_server = seen.server.as_ref().map(|server| server.client.ip());
    let told = seen.source.into_iter().chain(by_server);
    let client = seen.from.map(|from| from.ip());
    let is_foretold = |address: &IpAddr| {
        if endpoint.source.is_rewritten {
            node_addresses.is_empty() || node_addresses.contains(address)
        } else {
            client.is_none_or(|client| client == *address)
        }
    };
    let foretold = if endpoint.source.is_rewritten {
        "an address of the node".to_owned()
    } else {
        format!(
            "the client's own address, {}",
            client.map_or_else(String::new, |it| it.to_string())
        )
    };
    told.filter(|address| !is_foretold(address))
        .map(|address| Difference {
            stage: Stage::Source,
            foretold: foretold.clone(),
            observed: address.to_string(),
        })
        .collect()
}
