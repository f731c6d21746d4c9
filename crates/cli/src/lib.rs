#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod age;
mod agent_flags;
mod arguments;
mod controller;
mod explain;
mod failure;
mod get;
mod lab;
mod logging;
mod names;
mod node;
mod pages;
mod socket;
mod table;
mod usage;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use arguments::{Action, Arguments};
use failure::Failure;

/// All commands and flags, for documents that are made of them.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Does what the arguments say; what goes wrong is written to stderr.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let parsed = command()
        .try_get_matches_from(arguments)
        .and_then(|matches| Arguments::from_arg_matches(&matches));
    let outcome = match parsed {
        Ok(arguments) => act(arguments.action),
        Err(error) => usage::answer(&error),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn act(action: Action) -> Result<(), Failure> {
    match action {
        Action::Agent(arguments) => node::run(*arguments),
        Action::Controller(arguments) => controller::run(*arguments),
        Action::Dns(arguments) => names::run(*arguments),
        Action::Get(arguments) => get::run(&arguments),
        Action::Explain(arguments) => explain::run(&arguments),
        Action::Lab(arguments) => lab::run(*arguments),
        Action::Echo(arguments) => lab::echo(arguments.words),
        Action::Completion(arguments) => pages::completion(arguments.shell),
        Action::Man(arguments) => pages::man(&arguments.command),
    }
}
