//! How are the benchmarks run?

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use clap::Args;

use crate::call::Call;
use crate::workspace::Metadata;
use crate::{control_plane, setup};

#[derive(Args)]
pub(crate) struct Options {
    /// Which benchmark, and its own options: `l4 --services 100,5000`; all of them when absent.
    #[arg(value_name = "NAME", trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

const PACKAGE: &str = "bench";
/// The benchmarks that run somebody else's program beside ours.
const WITH_NAME_SERVERS: &str = "dns";
const WITH_CONTROL_PLANE: &str = "addresses";
const WITH_KUBE_PROXY: &str = "kubernetes";
/// Where the last finds kube-proxy.
const KUBE_PROXY_VARIABLE: &str = "KUBE_PROXY";

/// What is tried once as a test is tried often as a measurement.
const FAILOVER: &str = "failover";
const FAILOVER_RUNS: &str = "50";
const FAILOVER_RUNS_VARIABLE: &str = "POGU_FAILOVER_RUNS";

pub(crate) fn run(options: &Options) -> Result<()> {
    if let [name, rest @ ..] = options.arguments.as_slice()
        && name == FAILOVER
    {
        return failover(rest);
    }
    let workspace = Metadata::read("Cargo.toml")?;
    ensure!(workspace.has(PACKAGE), "no such crate in the workspace: {PACKAGE}");
    let mut call = call(&options.arguments);
    match options.arguments.first().map(String::as_str) {
        Some(WITH_NAME_SERVERS) => setup::prepare_peer()?,
        Some(WITH_CONTROL_PLANE) => {
            let path = control_plane::build()?.display().to_string();
            call = call.env(control_plane::PATH_VARIABLE, path);
        }
        Some(WITH_KUBE_PROXY) => {
            let path = |program: PathBuf| program.display().to_string();
            call = call
                .env(control_plane::PATH_VARIABLE, path(control_plane::build()?))
                .env(KUBE_PROXY_VARIABLE, path(control_plane::build_kube_proxy()?));
        }
        _ => {}
    }
    // All but the dataplane alone is measured as the program that people run.
    Call::cargo(["build", "--quiet", "--release", "--package", "cli"]).run()?;
    call.run()
}

/// `[RUNS]`: how often each fault is tried.
fn failover(arguments: &[String]) -> Result<()> {
    let runs = match arguments {
        [] => FAILOVER_RUNS,
        [runs] if runs.parse::<usize>().is_ok() => runs,
        _ => bail!("not a number of runs: {arguments:?}\nhint: cargo xtask bench failover 50"),
    };
    setup::prepare()?;
    let fixed = ["test", "--quiet", "--release", "--package", "cli", "--test", "lab", "failover"];
    Call::cargo(fixed).args(["--", "--nocapture"]).env(FAILOVER_RUNS_VARIABLE, runs).run()
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
