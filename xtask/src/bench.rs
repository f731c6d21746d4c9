//! How are the benchmarks run?

use anyhow::{Result, ensure};
use clap::Args;

use crate::call::Call;
use crate::setup;
use crate::workspace::Metadata;

#[derive(Args)]
pub(crate) struct Options {
    /// Which benchmark, and its own options: `l4 --services 100,5000`; all of them when absent.
    #[arg(value_name = "NAME", trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

const PACKAGE: &str = "bench";
/// The benchmark that runs somebody else's program beside ours.
const WITH_PEER: &str = "dns";

pub(crate) fn run(options: &Options) -> Result<()> {
    let workspace = Metadata::read("Cargo.toml")?;
    ensure!(workspace.has(PACKAGE), "no such crate in the workspace: {PACKAGE}");
    if options.arguments.first().is_some_and(|name| name == WITH_PEER) {
        setup::prepare_peer()?;
    }
    // The lab and the DNS are measured as the program that people run.
    Call::cargo(["build", "--quiet", "--release", "--package", "cli"]).run()?;
    call(&options.arguments).run()
}

fn call(arguments: &[String]) -> Call {
    let fixed = ["run", "--quiet", "--release", "--package", PACKAGE, "--bin", "pogu-bench", "--"];
    let call = Call::cargo(fixed);
    call.args(arguments.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_benchmark_has_its_own_options() {
        let arguments = ["l4", "--services", "100,5000"].map(str::to_owned);
        assert_eq!(
            call(&arguments).to_string(),
            "cargo run --quiet --release --package bench --bin pogu-bench -- l4 --services 100,5000"
        );
    }
}
