#![doc = include_str!("../README.md")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for the terminal")]

mod bench;
mod cache;
mod call;
mod conformance;
mod control_plane;
mod demo;
mod docs;
mod fuzz;
mod go;
mod setup;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own tooling.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// See it work: a lab with the example shop, and a request to each kind of Service.
    Demo(demo::Options),
    /// Install what testing needs, then run every check.
    Test(test::Options),
    /// Check what compilers do not look at: names, sizes, words, edges between crates.
    Tidy,
    /// Generate the reference pages.
    Docs(docs::Options),
    /// Run the benchmarks, built for release.
    Bench(bench::Options),
    /// Run the Kubernetes control plane of tests: real, of its own, without containers.
    ControlPlane(control_plane::Options),
    /// Run Kubernetes' own end-to-end tests, unmodified, against a lab.
    Conformance(conformance::Options),
    /// Run a fuzz target.
    Fuzz(fuzz::Options),
}

fn main() -> ExitCode {
    let Arguments { task } = Arguments::parse();
    let outcome = match task {
        Task::Demo(options) => demo::run(&options),
        Task::Test(options) => test::run(&options),
        Task::Tidy => tidy::run(),
        Task::Docs(options) => docs::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::ControlPlane(options) => control_plane::run(&options),
        Task::Conformance(options) => conformance::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
