//! How is a fuzz target run?

use anyhow::{Context as _, Result};
use clap::Args;

use crate::call::Call;

#[derive(Args)]
pub(crate) struct Options {
    /// The target: a file of `fuzz/fuzz_targets`, without its ending.
    name: String,
    /// How long; until the first finding when absent.
    #[arg(long, value_name = "N")]
    seconds: Option<u32>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    prepare()?;
    call(options).run()
}

/// Fuzzing instruments the code with flags that only a nightly compiler takes.
fn prepare() -> Result<()> {
    if !Call::new("rustup", ["run", "nightly", "cargo", "--version"]).works()? {
        println!("installing the nightly toolchain: fuzzing needs its instrumentation");
        Call::new("rustup", ["toolchain", "install", "nightly", "--profile", "minimal"])
            .run()
            .context("fuzzing needs rustup and a nightly toolchain")?;
    }
    if !Call::cargo(["fuzz", "--version"]).works()? {
        println!("installing cargo-fuzz: it builds and drives the targets");
        Call::cargo(["install", "cargo-fuzz", "--locked"]).run()?;
    }
    Ok(())
}

fn call(options: &Options) -> Call {
    let call = Call::new("rustup", ["run", "nightly", "cargo", "fuzz", "run"]).arg(&options.name);
    match options.seconds {
        Some(seconds) => call.arg("--").arg(format!("-max_total_time={seconds}")),
        None => call,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_may_have_a_limit() {
        let name = "manifest".to_owned();
        let limited = Options { name: name.clone(), seconds: Some(600) };
        assert_eq!(
            call(&limited).to_string(),
            "rustup run nightly cargo fuzz run manifest -- -max_total_time=600"
        );
        let endless = Options { name, seconds: None };
        assert_eq!(call(&endless).to_string(), "rustup run nightly cargo fuzz run manifest");
    }
}
