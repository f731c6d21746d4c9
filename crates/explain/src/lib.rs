#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod absence;
mod alias;
mod announced;
mod answers;
mod choice;
mod cluster_dns;
mod confirm;
mod decision;
mod delivery;
mod direct;
mod dns_answer;
mod dns_failure;
mod dns_question;
mod name;
mod observation;
mod own_name;
mod place;
mod policy;
mod question;
mod readiness;
mod records;
mod reply;
mod resolvers;
mod reverse;
mod scene;
mod search;
mod served;
mod source;
mod start;
mod target;
mod text;
mod trace;
mod unclaimed;
mod verdict;
mod view;
mod walk;
mod warning;
mod warnings;

#[cfg(test)]
mod tests;

pub use announced::Addresses;
pub use cluster_dns::{Beside, ClusterDns, UpstreamRule, Upstreams};
pub use confirm::KernelHolds;
pub use dns_failure::{DnsFailure, FailedQuestion, dns_failure};
pub use dns_question::{DnsQuestion, NoAnswer, SearchStep};
pub use observation::{Difference, Observation, Reaction, Server, Trial};
pub use question::{Question, Refusal};
pub use text::Style;
pub use trace::{API_VERSION, Certainty, Hop, KIND, Object, Origin, Stage, Trace};
pub use verdict::{
    Answer, AnswerWay, Endpoint, Frontend, Outcome, Source, SourceWhy, State, Verdict,
};
pub use view::{Agent, View};
pub use walk::explain;
pub use warning::{Warning, WarningKind};
