//! How is a lab begun, used and ended?

use std::path::Path;

use lab::{LabName, Reply, Request, Status, Who};

use crate::failure::{Failure, write_out};

mod arguments;
mod change;
mod images;
mod show;
mod up;

pub(crate) use arguments::LabArguments;
use arguments::{DownArguments, LabAction};

pub(crate) fn run(arguments: LabArguments) -> Result<(), Failure> {
    match arguments.action {
        LabAction::Up(arguments) => up::run(&arguments),
        LabAction::Down(arguments) => down(&arguments),
        LabAction::Status(arguments) => show::status(&arguments),
        LabAction::Exec(arguments) => {
            let name = named(&arguments.lab.name)?;
            let (status, who) = (status(&name)?, who(&arguments.who)?);
            lab::exec(&name, &status, &who, &arguments.command).map_err(|error| not_there(&error))
        }
        LabAction::Logs(arguments) => show::logs(&arguments),
        LabAction::Apply(arguments) => change::apply(&arguments),
        LabAction::Delete(arguments) => change::delete(&arguments),
        LabAction::Scale(arguments) => change::scale(&arguments),
        LabAction::Crash(arguments) => change::crash(&arguments),
        LabAction::Boot(arguments) => change::boot(&arguments),
    }
}

/// The server that pods run; it reads its words itself.
pub(crate) fn echo(words: Vec<String>) -> Result<(), Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    let options = echo::Options::parse(words, variable)
        .map_err(|error| Failure::usage(error.to_string(), "it stands in a pod's args"))?;
    echo::run(options)
        .map_err(|error| Failure::new(error.to_string(), "does another program have the port?"))
}

fn down(arguments: &DownArguments) -> Result<(), Failure> {
    if !arguments.all {
        return take_down(&named(&arguments.lab.name)?);
    }
    let labs = lab::labs();
    if labs.is_empty() {
        return write_out("there is no lab\n");
    }
    labs.iter().try_for_each(take_down)
}

/// Asks a running lab to end; what is left of one that does not run is taken away here.
fn take_down(name: &LabName) -> Result<(), Failure> {
    match lab::down(name) {
        Ok(Reply::Done { lines, .. }) => write_out(&format!("lab {name}: {}\n", lines.join(", "))),
        Ok(Reply::Refused { what, hint }) => Err(Failure::new(what, hint)),
        Ok(Reply::Status(_)) => Err(unexpected()),
        Err(error) if error.is_down() => {
            let removed = lab::clean(name).map_err(|error| failure(&error))?;
            let text = if removed == lab::Removed::default() {
                format!("lab {name} is not up\n")
            } else {
                format!(
                    "lab {name}: removed {} namespaces and {} programs that were left\n",
                    removed.namespaces, removed.programs
                )
            };
            write_out(&text)
        }
        Err(error) => Err(not_asked(&error)),
    }
}

pub(crate) fn named(name: &str) -> Result<LabName, Failure> {
    LabName::new(name).map_err(|error| Failure::usage(error.to_string(), error.hint))
}

pub(crate) fn who(text: &str) -> Result<Who, Failure> {
    text.parse()
        .map_err(|error: lab::UnknownWho| Failure::usage(error.to_string(), lab::UnknownWho::HINT))
}

pub(crate) fn status(name: &LabName) -> Result<Box<Status>, Failure> {
    match lab::ask(name, &Request::Status) {
        Ok(Reply::Status(status)) => Ok(status),
        Ok(Reply::Refused { what, hint }) => Err(Failure::new(what, hint)),
        Ok(Reply::Done { .. }) => Err(unexpected()),
        Err(error) => Err(not_asked(&error)),
    }
}

fn unexpected() -> Failure {
    Failure::new(
        "the lab's answer is of another kind",
        "are the lab and this command of one version?",
    )
}

fn not_asked(error: &lab::AskError) -> Failure {
    if !error.is_down() {
        return Failure::new(
            error.to_string(),
            "run this as the user that the lab runs as, mostly root",
        );
    }
    let others: Vec<String> = lab::labs().iter().map(ToString::to_string).collect();
    let hint = if others.is_empty() {
        "`pogu lab up` starts one".to_owned()
    } else {
        format!("--name names one of {}", others.join(", "))
    };
    Failure::new(format!("lab {} is not up", error.lab), hint)
}

pub(crate) fn not_there(error: &lab::ExecError) -> Failure {
    Failure::new(error.to_string(), error.hint())
}

fn failure(error: &lab::UpError) -> Failure {
    let is_usage = matches!(error, lab::UpError::Setting(_));
    Failure { is_usage, ..Failure::new(error.to_string(), error.hint()) }
}

/// Of a file that a person names; `-` is the input.
fn read(path: &Path) -> Result<(String, String), Failure> {
    let origin = path.display().to_string();
    let text = if origin == "-" {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    let hint = "-f takes a file of manifests, in YAML or JSON; - is the input";
    let text =
        text.map_err(|error| Failure::new(format!("cannot read {origin}: {error}"), hint))?;
    Ok((origin, text))
}
