//! How is a question asked, and a trace shown?

use std::io::{self, IsTerminal as _};
use std::path::Path;

use agent::query::{self, AskError};
use explain::{Question, Refusal, Style, Trace};
use model::Family;

use crate::arguments::{ExplainArguments, TraceOutput};
use crate::failure::{Failure, write_out};
use crate::socket::not_reached;

mod in_lab;
mod offline;
mod probe;

use in_lab::InLab;

/// A refused packet is an answer as any other: only a question without an answer is a failure.
pub(crate) fn run(arguments: &ExplainArguments) -> Result<(), Failure> {
    let question = question(arguments);
    let trace = match (&arguments.offline.manifests, lab(arguments)?) {
        (Some(folder), _) => offline::explain(folder, &arguments.offline, &question)?,
        (None, Some(lab)) => {
            let mut trace = lab.ask(&question, |socket, question| ask(socket, question))?;
            if arguments.probe {
                probe::probe(&mut trace, &arguments.target, &lab)?;
            }
            trace
        }
        (None, None) => ask(&arguments.agent.socket, &question)?,
    };
    write_out(&shown(&trace, arguments.output)?)?;
    if trace.differences.is_empty() { Ok(()) } else { Err(Failure::difference()) }
}

/// The lab that is meant: the one that is named, or the only one where there is no agent to ask.
fn lab(arguments: &ExplainArguments) -> Result<Option<InLab>, Failure> {
    let from = arguments.from.as_deref();
    if let Some(name) = &arguments.lab {
        return InLab::new(name, from).map(Some);
    }
    let is_elsewhere = arguments.offline.manifests.is_some() || arguments.agent.is_meant();
    if let ([only], false) = (lab::labs().as_slice(), is_elsewhere) {
        return InLab::new(only.as_str(), from).map(Some);
    }
    if arguments.probe {
        let hint = "--lab names a lab; `pogu lab up` starts one";
        return Err(Failure::usage("--probe tries it in a lab, and none is named", hint));
    }
    Ok(None)
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

fn ask(socket: &Path, question: &Question) -> Result<Trace, Failure> {
    query::explain(socket, question).map_err(|error| match error {
        AskError::NotReached(error) => {
            let failure = not_reached(socket, &error);
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
    Failure { is_usage, ..Failure::new(what, hint) }
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
