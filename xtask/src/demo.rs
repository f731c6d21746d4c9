//! How does someone see all of it at once? A lab with the example shop, and a request to each kind of
//! Service, foretold and tried.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::Value;

use crate::call::Call;
use crate::setup::{is_installed, is_root};
use crate::workspace::Metadata;

mod judge;
mod rows;

use judge::{Judged, judge};
use rows::{ROWS, Row};

/// The lab's name: others of this machine are left alone.
const NAME: &str = "demo";

#[derive(Args)]
pub(crate) struct Options {
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Only the table at the end.
    #[arg(long)]
    brief: bool,
}

impl Options {
    /// Nobody is there to answer or to read.
    pub(crate) const fn unattended() -> Self {
        Self { yes: true, brief: true }
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let pogu = prepare(options)?;
    // Of an earlier demo, if there was one.
    pogu.call(&["lab", "down"]).works()?;
    pogu.call(&["lab", "up", "--detach", "-f", "examples/shop"]).run()?;
    let outcome = walk(&pogu, options);
    let is_watched = io::stdin().is_terminal() && io::stdout().is_terminal() && !options.yes;
    if outcome.is_ok() && is_watched {
        return Err(pogu.stay_up());
    }
    pogu.call(&["lab", "down"]).run()?;
    outcome
}

/// The program, and how it is run as root.
struct Pogu {
    path: String,
    needs_sudo: bool,
}

impl Pogu {
    fn call(&self, arguments: &[&str]) -> Call {
        let call = if self.needs_sudo {
            Call::new("sudo", ["env"]).arg(format!("POGU_LAB={NAME}")).arg(&self.path)
        } else {
            Call::new(&self.path, []).env("POGU_LAB", NAME)
        };
        call.args(arguments.iter().copied())
    }

    /// Becomes a shell that waits for ^C and then ends the lab. Returns only when it cannot.
    #[expect(clippy::disallowed_methods, reason = "running programs is what a build system does")]
    fn stay_up(&self) -> anyhow::Error {
        use std::os::unix::process::CommandExt as _;
        println!("\nThe lab goes on. Try, in another terminal:\n");
        let pogu = if self.needs_sudo { format!("sudo {}", self.path) } else { self.path.clone() };
        for line in [
            format!("{pogu} lab status --name {NAME}"),
            format!("{pogu} lab exec --name {NAME} pod/shop/client -- cat /etc/resolv.conf"),
            format!("{pogu} explain --lab {NAME} --from pod/shop/client http://web --probe"),
        ] {
            println!("  {line}");
        }
        println!("\n^C ends it.");
        let down = self.call(&["lab", "down"]);
        let script = format!("trap 'echo; {down}; exit 0' INT TERM; while :; do sleep 1; done");
        Command::new("sh").args(["-c", &script]).exec().into()
    }
}

/// Says what is needed, asks where somebody can answer, and builds.
fn prepare(options: &Options) -> Result<Pogu> {
    let needs_sudo = !is_root()?;
    if needs_sudo && !is_installed("sudo") {
        bail!("a lab needs the privileges of root, and there is no sudo: run this as root");
    }
    println!(
        "The demo builds pogu, makes a cluster of network namespaces, and asks it for each kind of\n\
         Service. Nothing needs to be installed, and nothing of this machine's own network changes."
    );
    if needs_sudo {
        println!("Making namespaces needs root: sudo is used for that.");
    }
    if !options.yes && io::stdin().is_terminal() && !is_agreed()? {
        bail!("nothing was done");
    }
    println!("building pogu …");
    crate::test::cargo(&["build", "--workspace", "--bin", "pogu"]).run()?;
    let folder = Metadata::read("Cargo.toml")?.target_directory;
    let path: PathBuf = folder.join("debug").join("pogu");
    let path = path.to_str().context("the target folder's path is no text")?.to_owned();
    Ok(Pogu { path, needs_sudo })
}

fn is_agreed() -> Result<bool> {
    print!("Go on? [Y/n] ");
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "" | "y" | "Y" | "yes"))
}

fn walk(pogu: &Pogu, options: &Options) -> Result<()> {
    let mut judged = Vec::new();
    for (number, row) in ROWS.iter().enumerate() {
        if !options.brief {
            println!("\n── {} of {} · {} {}", number + 1, ROWS.len(), row.kind, "─".repeat(40));
            println!("{}\n", row.shows);
            println!("$ pogu explain --from {} --probe {}", row.from, row.target);
        }
        judged.push((row, ask(pogu, row, options)?));
    }
    println!("\n{}", table(&judged));
    let wrong = judged.iter().filter(|(_, judged)| !judged.is_ok()).count();
    if wrong > 0 {
        bail!("{wrong} of {} were not as foretold", judged.len());
    }
    Ok(())
}

/// Once for people, once for the judge.
fn ask(pogu: &Pogu, row: &Row, options: &Options) -> Result<Judged> {
    let call = |output: &str| {
        let mut arguments = vec!["explain", "--lab", NAME, "--from", row.from, "--probe"];
        arguments.extend(row.flags);
        arguments.extend(["--output", output, row.target]);
        pogu.call(&arguments)
    };
    if !options.brief {
        // What is wrong is judged below, with everything else.
        print!("{}", call("text").read_however_it_ends()?);
    }
    let json = call("json").read_however_it_ends()?;
    let trace: Value = serde_json::from_str(&json).context("explain gave no trace")?;
    Ok(judge(row, &trace))
}

fn table(judged: &[(&Row, Judged)]) -> String {
    let head = ["", "KIND", "FROM", "TARGET", "WHAT HAPPENED", "THE SERVER SAW"];
    let mut rows = vec![head.map(str::to_owned)];
    for (row, judged) in judged {
        rows.push([
            if judged.is_ok() { "ok" } else { "WRONG" }.to_owned(),
            row.kind.to_owned(),
            row.from.to_owned(),
            row.target.to_owned(),
            judged.happened.clone(),
            judged.saw.clone(),
        ]);
    }
    let width = |column: usize| {
        rows.iter().filter_map(|row| Some(row.get(column)?.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..6).map(width).collect();
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("   ").trim_end().to_owned()
    };
    let problems = judged.iter().flat_map(|(row, judged)| {
        judged.problems.iter().map(|problem| format!("{}: {problem}", row.kind))
    });
    rows.iter().map(line).chain(problems).collect::<Vec<_>>().join("\n")
}
