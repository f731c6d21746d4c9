//! What does a node of a real cluster cost, beside kube-proxy?
//!
//! Both follow the same API server, one after the other in turn, each on a node of its own. The
//! endpoints are all on both nodes, so that a connection tells which endpoint it was led to.

mod change;
mod control_plane;
mod objects;
mod probe;
mod proxy;
mod report;
mod round;
mod site;
mod writer;

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use host::program::{Running, in_background};

use crate::Output;
use change::{Series, Turn};
use control_plane::ControlPlane;
use proxy::Software;
use report::Measured;
use round::{Round, Stage};
use site::Site;
use writer::Writer;

pub(crate) use report::text;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Numbers of Services, one cluster for each
    #[arg(long, value_delimiter = ',', default_values_t = [1000, 5000])]
    services: Vec<usize>,
    /// Endpoints of each Service
    #[arg(long, default_value_t = 10)]
    endpoints: usize,
    /// Starts of each program, taken in turn
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Changes in each round that come one every two seconds
    #[arg(long, default_value_t = 20)]
    calm: usize,
    /// Changes in each round that come five a second
    #[arg(long, default_value_t = 100)]
    steady: usize,
    /// Which programs
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Software::ALL)]
    software: Vec<Software>,
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// Slower than anybody's limit of a rate, and faster than some.
const CALM: Duration = Duration::from_secs(2);
const STEADY: Duration = Duration::from_millis(200);

/// For each size what was measured of each program.
pub(crate) fn run(options: &Options) -> Result<Vec<Vec<Measured>>> {
    ensure!(options.rounds > 0 && options.endpoints > 0, "nothing to be measured");
    ensure!(options.services.iter().all(|it| *it > 0), "a cluster without Services");
    options.services.iter().map(|services| size(options, *services)).collect()
}

fn size(options: &Options, services: usize) -> Result<Vec<Measured>> {
    let folder = std::env::temp_dir().join(format!("pogu-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let measured = measure(options, services, &folder);
    fs::remove_dir_all(&folder)?;
    measured
}

fn measure(options: &Options, services: usize, folder: &Path) -> Result<Vec<Measured>> {
    tell(format_args!("{services} Services: starting a control plane, and making the objects"));
    let site = Site::build()?;
    let control_plane = ControlPlane::start(&site.control_plane, folder)?;
    let size = (services, options.endpoints);
    let series = [(options.calm, CALM), (options.steady, STEADY)]
        .map(|(changes, pace)| Series { changes, pace });
    let rounds = std::thread::scope(|scope| {
        let objects = objects::all(&site, services, options.endpoints);
        let kubeconfig = control_plane.user("bench")?;
        let mut writer = Writer::start(scope, &site.control_plane, kubeconfig, objects);
        let measured = rounds(options, &site, &control_plane, &mut writer, size, &series, folder);
        // What broke the writer is why there is nothing more to measure.
        writer.end()?;
        measured
    })?;
    let measured =
        |(software, rounds): &(Software, Vec<Round>)| Measured::new(*software, size, rounds);
    Ok(rounds.iter().map(measured).collect())
}

fn rounds(
    options: &Options,
    site: &Site,
    control_plane: &ControlPlane,
    writer: &mut Writer<'_>,
    (services, endpoints): (usize, usize),
    series: &[Series],
    folder: &Path,
) -> Result<Vec<(Software, Vec<Round>)>> {
    writer.await_done()?;
    let mut all: Vec<(Software, Vec<Round>)> =
        options.software.iter().map(|software| (*software, Vec::new())).collect();
    let mut turn = Turn { services, endpoints, number: 0 };
    for round in 1..=options.rounds {
        for (software, rounds) in &mut all {
            tell(format_args!("{services} Services: {}, round {round}", software.title()));
            let kubeconfig = control_plane.user(software.title())?;
            let stage = Stage {
                control_plane,
                node: software.node(&site.nodes),
                writer,
                kubeconfig: &kubeconfig,
                folder,
                services,
            };
            rounds.push(stage.round(*software, series, &mut turn)?);
        }
    }
    Ok(all)
}

/// How far it is, to whoever waits for it.
fn tell(progress: fmt::Arguments<'_>) {
    // Nobody need listen.
    let _or_not = writeln!(io::stderr(), "{progress}");
}

/// Starts a program that is killed when this one is gone, however it went.
fn lifeline(command: &[String], log: &Path) -> Result<Running> {
    let args = ["--pdeathsig", "KILL", "--"].map(str::to_owned);
    let args: Vec<String> = args.into_iter().chain(command.iter().cloned()).collect();
    Ok(in_background(Path::new("setpriv"), &args, log)?)
}
