//! Does the cluster DNS say what a scenario writes down?
//!
//! Whoever answers is a function from a question to a reply. Messages are written and read by
//! somebody else's codec, so that ours is judged, not trusted.

use std::path::Path;

use model::ServiceTable;

mod answered;
mod codec;
mod judge;
mod name;
mod outside;
mod question;
mod record;

pub use answered::{Answered, Edns, Flag, Rcode, Reply};
pub use codec::{decode, encode};
pub use judge::Difference;
pub use outside::{Outside, outside};
pub use question::{
    Counts, DEFAULT_CLIENT, Expected, QUESTION_ID, QueryLine, Question, QuestionEdns, Serial,
    Transport,
};

pub(crate) use codec::{class, record_type};
pub(crate) use name::name;
pub(crate) use record::record;

use crate::cluster::Dns;
use crate::files::{scenario_files, scenario_root};
use crate::run::{Checked, Disagreement, Failure, Place, incoherences, rejections};
use crate::scenario::Scenario;
use crate::tables::Tables;

/// What a message over UDP may have at most, in bytes; what we say that we can take.
pub const UDP_SIZE: u16 = 1232;

/// One step of a scenario, as one who answers sees it.
#[derive(Debug, Clone, Copy)]
pub struct DnsStep<'a> {
    /// Of the file.
    pub path: &'a Path,
    /// The table of the step before; empty before the first.
    pub old: &'a ServiceTable,
    pub new: &'a ServiceTable,
    pub settings: &'a Dns,
    pub queries: &'a [QueryLine],
}

impl DnsStep<'_> {
    /// Asks every question of the step, and returns what is not as the scenario says. `engine` is what
    /// a disagreement calls the one who answers.
    pub fn check(
        &self,
        engine: &'static str,
        answering: &mut dyn FnMut(&Question) -> Reply,
    ) -> Vec<Disagreement> {
        let mut found = Vec::new();
        for line in self.queries {
            let mut question = line.question.clone();
            if question.serial == Some(Serial::Current) {
                question.serial = current_serial(&question, answering).map(Serial::Number);
            }
            let reply = answering(&question);
            if let Err(difference) = judge::judge(&question, line.expected.as_ref(), reply) {
                found.push(Disagreement {
                    path: self.path.to_owned(),
                    line: line.line,
                    engine,
                    subject: question.to_string(),
                    expected: difference.expected,
                    found: difference.found,
                    because: Vec::new(),
                });
            }
        }
        found
    }
}

/// What the zone's SOA says now.
fn current_serial(
    question: &Question,
    answering: &mut dyn FnMut(&Question) -> Reply,
) -> Option<u32> {
    let Reply::Message(soa) = answering(&Question::new(&question.name, "SOA")) else { return None };
    soa.answer.first()?.split(' ').nth(5)?.parse().ok()
}

/// Leads the tables through the steps of a scenario and hands each step to `check`, which may keep a
/// state from step to step.
///
/// # Errors
/// All disagreements: those that `check` returns, rejections that are not as the scenario says, and
/// tables that differ from what they would be if made at once.
pub fn follow(
    scenario: &Scenario,
    check: &mut dyn FnMut(&DnsStep<'_>) -> Vec<Disagreement>,
) -> Result<Checked, Failure> {
    let place = Place { path: &scenario.path, engine: "tables" };
    let mut tables = Tables::new(Vec::new());
    let mut found = Vec::new();
    let mut checked = Checked::default();
    for step in &scenario.steps {
        let old = tables.table().clone();
        tables.follow(&step.cluster, &mut |_, _| {});
        found.extend(incoherences(place, step, &mut tables));
        found.extend(rejections(place, step, &tables));
        found.extend(check(&DnsStep {
            path: &scenario.path,
            old: &old,
            new: tables.table(),
            settings: &step.cluster.dns,
            queries: &step.queries,
        }));
        checked.steps += 1;
        checked.queries += step.queries.len();
    }
    if found.is_empty() { Ok(checked) } else { Err(Failure::Disagreements(found)) }
}

/// Reads every scenario below a folder of this repository's scenarios and runs it.
///
/// # Panics
/// Some scenario fails: all failures are in the message. Or there is no scenario at all.
#[track_caller]
pub fn check_all(
    folder: &str,
    run: &mut dyn FnMut(&Scenario) -> Result<Checked, Failure>,
) -> Checked {
    let files = scenario_files(&scenario_root().join(folder)).expect("scenarios can be read");
    assert!(!files.is_empty(), "no scenario in {folder:?}");
    let mut all = Checked::default();
    let mut failures = Vec::new();
    for path in &files {
        let text = std::fs::read_to_string(path).expect("a scenario can be read");
        match Scenario::parse(path, &text).map_err(Failure::from).and_then(|it| run(&it)) {
            Ok(checked) => {
                all.steps += checked.steps;
                all.queries += checked.queries;
            }
            Err(failure) => failures.push(failure.to_string()),
        }
    }
    let (n_failed, n_all) = (failures.len(), files.len());
    assert!(failures.is_empty(), "{n_failed} of {n_all} scenarios fail:\n{}", failures.join("\n"));
    all
}
