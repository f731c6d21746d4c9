//! How is a fuzz target run?

use std::fs;

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use crate::call::Call;
use crate::workspace;

#[derive(Args)]
pub(crate) struct Options {
    /// The target: a file of `fuzz/fuzz_targets`, without its ending.
    name: String,
    /// How long; until the first finding when absent.
    #[arg(long, value_name = "N")]
    seconds: Option<u32>,
}

const TARGETS: &str = "fuzz/fuzz_targets";

pub(crate) fn run(options: &Options) -> Result<()> {
    let root = workspace::root()?;
    let target = format!("{TARGETS}/{}.rs", options.name);
    ensure!(root.join(&target).is_file(), "no such fuzz target: {target}");
    prepare()?;
    let corpus = root.join(corpus(&options.name));
    fs::create_dir_all(&corpus).with_context(|| format!("cannot make {}", corpus.display()))?;
    call(options, root.join(seeds(&options.name)).is_dir()).run()
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

/// Where a run keeps what it finds interesting: many files, not in git.
fn corpus(name: &str) -> String {
    format!("fuzz/corpus/{name}")
}

/// Where it begins: few files, in git.
fn seeds(name: &str) -> String {
    format!("fuzz/seeds/{name}")
}

fn call(options: &Options, has_seeds: bool) -> Call {
    // libFuzzer writes to the first folder and only reads from the others.
    let mut call = Call::new("rustup", ["run", "nightly", "cargo", "fuzz", "run"])
        .arg(&options.name)
        .arg(corpus(&options.name));
    if has_seeds {
        call = call.arg(seeds(&options.name));
    }
    match options.seconds {
        Some(seconds) => call.arg("--").arg(format!("-max_total_time={seconds}")),
        None => call,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_may_have_a_limit_and_seeds() {
        let name = "manifest".to_owned();
        let limited = Options { name: name.clone(), seconds: Some(600) };
        assert_eq!(
            call(&limited, true).to_string(),
            "rustup run nightly cargo fuzz run manifest fuzz/corpus/manifest fuzz/seeds/manifest \
             -- -max_total_time=600"
        );
        let endless = Options { name, seconds: None };
        assert_eq!(
            call(&endless, false).to_string(),
            "rustup run nightly cargo fuzz run manifest fuzz/corpus/manifest"
        );
    }

    #[test]
    fn an_unknown_target_is_named() {
        let unknown = Options { name: "no-such-target".to_owned(), seconds: None };
        let error = run(&unknown).unwrap_err().to_string();
        assert_eq!(error, "no such fuzz target: fuzz/fuzz_targets/no-such-target.rs");
    }
}
