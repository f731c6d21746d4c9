//! Which checks are there, in which order, and how did they go?

use std::env;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use crate::call::Call;
use crate::workspace::FUZZ_MANIFEST;
use crate::{control_plane, demo, docs, setup, tidy};

#[derive(Args)]
pub(crate) struct Options {
    /// Give tests that generate their input many more cases.
    #[arg(long)]
    long: bool,
    /// Run one step alone.
    #[arg(long, value_name = "STEP")]
    only: Option<Step>,
    /// Run the steps after a failed one too.
    #[arg(long)]
    keep_going: bool,
}

/// The steps, cheapest first.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Step {
    /// What testing needs is installed and built
    Setup,
    /// The code is formatted
    Fmt,
    /// What compilers do not look at is in order
    Tidy,
    /// The generated pages are current
    Docs,
    /// Clippy has nothing to say
    Clippy,
    /// `cargo test` of all crates
    Tests,
    /// The demo shows what it must
    Demo,
}

impl Step {
    const ALL: [Self; 7] =
        [Self::Setup, Self::Fmt, Self::Tidy, Self::Docs, Self::Clippy, Self::Tests, Self::Demo];

    const fn name(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Fmt => "fmt",
            Self::Tidy => "tidy",
            Self::Docs => "docs",
            Self::Clippy => "clippy",
            Self::Tests => "tests",
            Self::Demo => "demo",
        }
    }

    fn run(self, options: &Options) -> Result<()> {
        match self {
            Self::Setup => {
                setup::prepare()?;
                println!("control plane of tests: {}", control_plane::build()?.display());
                Ok(())
            }
            Self::Fmt => {
                cargo(&["fmt", "--all", "--check"]).run()?;
                cargo(&["fmt", "--check", "--manifest-path", FUZZ_MANIFEST]).run()?;
                control_plane::check_format()
            }
            Self::Tidy => tidy::run(),
            Self::Docs => docs::run(&docs::Options { check: true }),
            Self::Clippy => {
                clippy(&["--workspace", "--all-targets"]).run()?;
                // Without its one feature a fuzz target needs neither libFuzzer nor nightly.
                clippy(&["--no-default-features", "--manifest-path", FUZZ_MANIFEST]).run()
            }
            Self::Tests => tests(options.long, &control_plane::build()?).run(),
            Self::Demo => demo(),
        }
    }
}

fn clippy(scope: &[&str]) -> Call {
    cargo(&["clippy"]).args(scope.iter().copied()).args(["--", "-D", "warnings"])
}

/// A demo that cannot run says so; where it must not be skipped it fails.
fn demo() -> Result<()> {
    let is_ci = env::var("CI").is_ok_and(|value| value == "true");
    if !setup::is_root()? && !is_ci {
        println!("skipped: the demo makes network namespaces, and this is not root");
        return Ok(());
    }
    demo::run(&demo::Options::unattended())
}

/// Cases of a property in a long run; proptest's own default is 256.
const LONG_CASES: &str = "10000";

fn tests(long: bool, control_plane: &Path) -> Call {
    let call = cargo(&["test", "--workspace", "--no-fail-fast"])
        .env(control_plane::PATH_VARIABLE, control_plane.display().to_string());
    if long { call.env("POGU_TEST_LONG", "1").env("PROPTEST_CASES", LONG_CASES) } else { call }
}

/// With what tests are built with, so that nothing is built twice.
pub(crate) fn cargo(arguments: &[&str]) -> Call {
    let call = Call::cargo(arguments.iter().copied());
    // Incremental artifacts are larger and slower to make, and no CI run has a next one to profit.
    let is_ci = env::var("CI").is_ok_and(|value| value == "true");
    if is_ci { call.env("CARGO_INCREMENTAL", "0") } else { call }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    Passed(Duration),
    Failed(Duration),
    NotRun,
}

/// Runs the steps and shows each with its time; fails when any of them did.
pub(crate) fn run(options: &Options) -> Result<()> {
    let steps = Step::ALL.into_iter().filter(|step| options.only.is_none_or(|only| only == *step));
    let outcomes = run_each(steps, options.keep_going, |step| step.run(options));
    println!("\n{}", summary(&outcomes));
    let failed: Vec<&str> = outcomes
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Failed(_)))
        .map(|(step, _)| step.name())
        .collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn run_each(
    steps: impl Iterator<Item = Step>,
    keep_going: bool,
    run_one: impl Fn(Step) -> Result<()>,
) -> Vec<(Step, Outcome)> {
    let mut outcomes = Vec::new();
    let mut stopped = false;
    for step in steps {
        if stopped {
            outcomes.push((step, Outcome::NotRun));
            continue;
        }
        println!("\n==> {}", step.name());
        let (result, took) = timed(|| run_one(step));
        let outcome = match result {
            Ok(()) => Outcome::Passed(took),
            Err(error) => {
                println!("{}: {error:#}", step.name());
                stopped = !keep_going;
                Outcome::Failed(took)
            }
        };
        println!("{}: {}", step.name(), describe(outcome));
        outcomes.push((step, outcome));
    }
    outcomes
}

#[expect(clippy::disallowed_methods, reason = "shown to a person; nothing is decided by it")]
fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = run();
    (value, start.elapsed())
}

fn describe(outcome: Outcome) -> String {
    match outcome {
        Outcome::Passed(took) => format!("passed  {:>7.1} s", took.as_secs_f64()),
        Outcome::Failed(took) => format!("FAILED  {:>7.1} s", took.as_secs_f64()),
        Outcome::NotRun => "not run".to_owned(),
    }
}

fn summary(outcomes: &[(Step, Outcome)]) -> String {
    let mut text = "step    result     time".to_owned();
    for (step, outcome) in outcomes {
        write!(text, "\n{:<7} {}", step.name(), describe(*outcome))
            .expect("writing to a String does not fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Runs all steps where `failing` fails; gives which ran and how each ended, without times.
    fn outcomes(failing: Step, keep_going: bool) -> (Vec<Step>, Vec<Outcome>) {
        let ran = RefCell::new(Vec::new());
        let outcomes = run_each(Step::ALL.into_iter(), keep_going, |step| {
            ran.borrow_mut().push(step);
            if step == failing { bail!("broken") } else { Ok(()) }
        });
        let timeless = outcomes.into_iter().map(|(_, outcome)| match outcome {
            Outcome::Passed(_) => Outcome::Passed(Duration::ZERO),
            Outcome::Failed(_) => Outcome::Failed(Duration::ZERO),
            Outcome::NotRun => Outcome::NotRun,
        });
        (ran.into_inner(), timeless.collect())
    }

    const PASSED: Outcome = Outcome::Passed(Duration::ZERO);
    const FAILED: Outcome = Outcome::Failed(Duration::ZERO);
    const NOT_RUN: Outcome = Outcome::NotRun;

    #[test]
    fn the_first_failure_stops_the_rest() {
        let (ran, ended) = outcomes(Step::Fmt, false);
        assert_eq!(ran, [Step::Setup, Step::Fmt]);
        assert_eq!(ended, [PASSED, FAILED, NOT_RUN, NOT_RUN, NOT_RUN, NOT_RUN, NOT_RUN]);
    }

    #[test]
    fn keep_going_runs_the_rest_and_remembers_the_failure() {
        let (ran, ended) = outcomes(Step::Fmt, true);
        assert_eq!(ran, Step::ALL);
        assert_eq!(ended, [PASSED, FAILED, PASSED, PASSED, PASSED, PASSED, PASSED]);
    }

    #[test]
    fn the_summary_is_a_table_of_all_steps() {
        let took = Duration::from_millis(12_340);
        let outcomes = [
            (Step::Setup, Outcome::Passed(took)),
            (Step::Clippy, Outcome::Failed(took)),
            (Step::Tests, Outcome::NotRun),
        ];
        assert_eq!(
            summary(&outcomes),
            "step    result     time\n\
             setup   passed     12.3 s\n\
             clippy  FAILED     12.3 s\n\
             tests   not run"
        );
    }

    #[test]
    fn a_long_run_gives_properties_more_cases() {
        let control_plane = Path::new("/cache/control-plane");
        let long = tests(true, control_plane).to_string();
        let usual = tests(false, control_plane).to_string();
        assert_eq!(
            long.replace("POGU_TEST_LONG=1 PROPTEST_CASES=10000 ", ""),
            usual,
            "nothing else differs"
        );
        assert_ne!(long, usual);
    }
}
