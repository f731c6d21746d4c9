//! Does an engine agree with a scenario, step by step?

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use model::{Family, NodeContext, Packet};
use thiserror::Error;

use crate::cluster::primary;
use crate::engine::{Dissent, Engine};
use crate::scenario::{PacketLine, ParseError, Scenario, Source, Step};
use crate::tables::Tables;

/// How much was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Checked {
    pub steps: usize,
    pub packets: usize,
    pub queries: usize,
}

/// Why a scenario does not hold.
#[derive(Debug, Error)]
pub enum Failure {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Parse(#[from] ParseError),
    #[error("{}", Lines(.0))]
    Disagreements(Vec<Disagreement>),
}

/// One line of a scenario that does not hold, with all that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    pub path: PathBuf,
    pub line: usize,
    pub engine: &'static str,
    /// What was asked.
    pub subject: String,
    pub expected: String,
    pub found: String,
    /// The fields that the oracle names for its own verdict.
    pub because: Vec<String>,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:{}: {}: {}", self.path.display(), self.line, self.engine, self.subject)?;
        let indented = |text: &str| text.replace('\n', "\n      ");
        writeln!(f, "    expected  {}", indented(&self.expected))?;
        write!(f, "    found     {}", indented(&self.found))?;
        self.because.iter().try_for_each(|origin| write!(f, "\n    because   {origin}"))
    }
}

struct Lines<'a>(&'a [Disagreement]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|disagreement| writeln!(f, "{disagreement}"))
    }
}

/// Runs the scenario of a file.
///
/// # Errors
/// The file cannot be read, is not of the format, or the engine disagrees.
pub fn run(path: &Path, engine: &mut dyn Engine) -> Result<Checked, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| Failure::Read { path: path.to_owned(), source })?;
    run_scenario(&Scenario::parse(path, &text)?, engine)
}

/// Runs a scenario.
///
/// # Errors
/// All disagreements of all steps.
pub fn run_scenario(scenario: &Scenario, engine: &mut dyn Engine) -> Result<Checked, Failure> {
    let mut run = Run { scenario, engine, found: Vec::new(), checked: Checked::default() };
    let mut tables = Tables::new(scenario.nodes());
    for step in &scenario.steps {
        run.step(step, &mut tables);
    }
    if run.found.is_empty() { Ok(run.checked) } else { Err(Failure::Disagreements(run.found)) }
}

struct Run<'a> {
    scenario: &'a Scenario,
    engine: &'a mut dyn Engine,
    found: Vec<Disagreement>,
    checked: Checked,
}

impl Run<'_> {
    fn step(&mut self, step: &Step, tables: &mut Tables) {
        let engine = &mut *self.engine;
        let mut failed: Vec<(String, Dissent)> = Vec::new();
        tables.follow(&step.cluster, &mut |table, changes| {
            if let Err(dissent) = engine.advance(table, changes) {
                failed.push((format!("table of node {}", table.node.name), dissent));
            }
        });
        for (subject, dissent) in failed {
            self.disagree(step.line, subject, "the tables of this step", &dissent, Vec::new());
        }
        let place = Place { path: &self.scenario.path, engine: self.engine.name() };
        self.found.extend(incoherences(place, step, tables));
        self.found.extend(rejections(place, step, tables));
        for line in &step.packets {
            self.packet(line, tables);
        }
        self.checked.steps += 1;
    }

    fn packet(&mut self, line: &PacketLine, tables: &Tables) {
        self.checked.packets += 1;
        let Some(table) = tables.node(&line.node) else {
            let none = Dissent("the table has no such node".to_owned());
            self.disagree(line.line, line.node.to_string(), "a node", &none, Vec::new());
            return;
        };
        let packet = line.packet(&table.node, tables.addresses(&line.node));
        if let Err(dissent) = self.engine.check(table, &packet, &line.verdict) {
            let because = table.lookup(&packet).origins;
            let because = because.iter().map(ToString::to_string).collect();
            let subject = format!("{} {}", line.node, Shown(&packet));
            self.disagree(line.line, subject, &line.verdict.to_string(), &dissent, because);
        }
    }

    fn disagree(
        &mut self,
        line: usize,
        subject: String,
        expected: &str,
        found: &Dissent,
        because: Vec<String>,
    ) {
        let place = Place { path: &self.scenario.path, engine: self.engine.name() };
        let disagreement = place.disagreement(line, subject, expected, found);
        self.found.push(Disagreement { because, ..disagreement });
    }
}

/// Where a disagreement comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) path: &'a Path,
    pub(crate) engine: &'static str,
}

impl Place<'_> {
    fn disagreement(
        self,
        line: usize,
        subject: String,
        expected: &str,
        found: &Dissent,
    ) -> Disagreement {
        Disagreement {
            path: self.path.to_owned(),
            line,
            engine: self.engine,
            subject,
            expected: expected.to_owned(),
            found: found.to_string(),
            because: Vec::new(),
        }
    }
}

/// What the tables of a step got wrong by themselves.
pub(crate) fn incoherences(
    place: Place<'_>,
    step: &Step,
    tables: &mut Tables,
) -> Vec<Disagreement> {
    let found = tables.incoherences(&step.cluster).into_iter();
    found
        .map(|(subject, dissent)| {
            place.disagreement(step.line, subject, "the tables of this step", &dissent)
        })
        .collect()
}

/// Each expected rejection must be there, and no other.
pub(crate) fn rejections(place: Place<'_>, step: &Step, tables: &Tables) -> Vec<Disagreement> {
    let mut found = Vec::new();
    let mut actual = tables.rejections();
    let subject = || "rejection".to_owned();
    for expected in &step.rejections {
        match actual.iter().position(|text| text.starts_with(&expected.text)) {
            Some(at) => {
                actual.remove(at);
            }
            None => {
                let none = Dissent(format!("not among {actual:#?}"));
                found.push(place.disagreement(expected.line, subject(), &expected.text, &none));
            }
        }
    }
    for text in actual {
        found.push(place.disagreement(step.line, subject(), "none", &Dissent(text)));
    }
    found
}

struct Shown<'a>(&'a Packet);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.0.source, self.0.frontend())?;
        self.0.interface.iter().try_for_each(|name| write!(f, " via {name}"))
    }
}

/// The interface of packets that come from somewhere, where the line names none.
pub const DEFAULT_INTERFACE: &str = "eth0";

impl PacketLine {
    /// The packet as the node sees it; `addresses` are those of its Node object. What bears an
    /// address of the node is sent by the node.
    #[must_use]
    pub fn packet(&self, node: &NodeContext, addresses: &[IpAddr]) -> Packet {
        let destination = self.destination.ip();
        let source = match self.source {
            Source::Address(address) => address,
            Source::Node => own_source(node, addresses, destination),
        };
        let is_own = node.local_addresses.contains(&source);
        let default = (!is_own).then(|| DEFAULT_INTERFACE.into());
        Packet {
            source,
            destination,
            protocol: self.protocol,
            destination_port: std::num::NonZeroU16::new(self.destination.port())
                .expect("the parser refuses port 0"),
            interface: self.interface.clone().or(default),
        }
    }
}

/// What the kernel chooses: the same address to reach one's own, else the primary one.
fn own_source(node: &NodeContext, addresses: &[IpAddr], destination: IpAddr) -> IpAddr {
    if node.local_addresses.contains(&destination) {
        return destination;
    }
    let family = Family::of(destination);
    let mut primary = primary(addresses).into_iter();
    primary.find(|address| Family::of(*address) == family).unwrap_or(destination)
}
