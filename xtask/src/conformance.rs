//! How do Kubernetes' own end-to-end tests run against a lab?
//!
//! They are built from the modules that Kubernetes publishes, not changed in any way, and so are the
//! programs that stand for the images of their containers. They run on the nodes of a lab at a real
//! control plane, in a network namespace of their own.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use crate::control_plane;
use crate::setup;
use crate::workspace::{self, Metadata, text};
use cluster::Cluster;

mod cluster;
mod programs;

/// Conformance of what this project is about.
const FOCUS: &str = r"\[sig-network\].*\[Conformance\]";

#[derive(Args)]
pub(crate) struct Options {
    /// Which tests, by a regular expression of their names.
    #[arg(long, default_value = FOCUS)]
    focus: String,
    /// Which of those not.
    #[arg(long)]
    skip: Option<String>,
    /// More arguments for e2e.test, such as `--ginkgo.v`.
    #[arg(last = true, value_name = "ARGUMENT")]
    arguments: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    ensure!(setup::is_root()?, "a lab needs the privileges of root: run this as root");
    setup::prepare()?;
    setup::prepare_netcat()?;
    let control_plane = control_plane::build()?;
    let programs = programs::build()?;
    println!("building pogu …");
    crate::test::cargo(&["build", "--workspace", "--bin", "pogu"]).run()?;
    let target = Metadata::read("Cargo.toml")?.target_directory;
    let report = target.join("conformance");
    fs::create_dir_all(&report).with_context(|| format!("cannot make {}", report.display()))?;
    let cluster = Cluster::up(&control_plane, &target.join("debug").join("pogu"), &programs)?;
    let kubectl = control_plane.with_file_name("kubectl");
    let test = cluster
        .call(&programs.join("e2e.test"))?
        .arg(format!("--kubeconfig={}", cluster.kubeconfig().display()))
        .arg(format!("--kubectl-path={}", text(&kubectl)?))
        .arg(format!("--report-dir={}", text(&report)?))
        .arg(format!("--ginkgo.focus={}", options.focus))
        .args(["--provider=skeleton", "--ginkgo.timeout=6h", "--ginkgo.silence-skips"]);
    let test = options.skip.iter().fold(test, |it, skip| it.arg(format!("--ginkgo.skip={skip}")));
    let outcome = test.args(options.arguments.iter().map(String::as_str)).run();
    println!("\nwhat was run, and how it ended: {}", workspace::relative(&report)?);
    let taken_away = cluster.down();
    outcome.and(taken_away)
}
