//! How is a question asked, and a trace shown?

use std::io::{self, IsTerminal as _};

use agent::query::{self, AskError};
use explain::{Question, Refusal, Style, Trace};
use model::Family;

use crate::arguments::{ExplainArguments, TraceOutput};
use crate::failure::{Failure, write_out};
use crate::socket::not_reached;

mod offline;

/// A refused packet is an answer as any other: only a question without an answer is a failure.
pub(crate) fn run(arguments: &ExplainArguments) -> Result<(), Failure> {
    let question = question(arguments);
    let trace = match &arguments.offline.manifests {
        Some(folder) => offline::explain(folder, &arguments.offline, &question)?,
        None => ask(arguments, &question)?,
    };
    write_out(&shown(&trace, arguments.output)?)
}

fn question(arguments: &ExplainArguments) -> Question {
    let family = match (arguments.ipv4, arguments.ipv6) {
        (true, _) => Some(Family::V4),
        (false, true) => Some(Family::V6),
        (false, false) => None,
    };
    Question {
        target: arguments.target.clone(),
        from: arguments.from.clone(),
        via: arguments.via.clone(),
        namespace: arguments.namespace.clone(),
        family,
    }
}

fn ask(arguments: &ExplainArguments, question: &Question) -> Result<Trace, Failure> {
    query::explain(&arguments.socket, question).map_err(|error| match error {
        AskError::NotReached(error) => {
            let failure = not_reached(&arguments.socket, &error);
            let hint = failure.hint.map(|hint| format!("{hint}; --manifests needs none"));
            Failure { hint, ..failure }
        }
        AskError::Refused(refusal) => refused(refusal),
        error @ (AskError::Status { .. } | AskError::Unreadable { .. }) => {
            Failure::new(error.to_string(), "are the agent and this command of one version?")
        }
    })
}

fn refused(refusal: Refusal) -> Failure {
    let Refusal { what, hint, is_usage } = refusal;
    Failure { what, hint: Some(hint), is_usage }
}

fn shown(trace: &Trace, output: TraceOutput) -> Result<String, Failure> {
    match output {
        TraceOutput::Text => {
            let is_wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            let is_coloured = is_wanted && io::stdout().is_terminal();
            Ok(trace.to_text(if is_coloured { Style::Coloured } else { Style::Plain }))
        }
        TraceOutput::Json => {
            let json = serde_json::to_string_pretty(trace).map_err(|error| {
                Failure::new(format!("cannot write the trace: {error}"), "this is a defect of pogu")
            })?;
            Ok(format!("{json}\n"))
        }
    }
}
