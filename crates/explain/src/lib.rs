#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod choice;
mod confirm;
mod decision;
mod delivery;
mod direct;
mod dns_answer;
mod name;
mod observation;
mod own_name;
mod place;
mod policy;
mod question;
mod readiness;
mod scene;
mod search;
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

pub use confirm::KernelHolds;
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
