//! Is the kernel as the table says? Applies what changed, keeps what failed for later, and repairs
//! what others broke.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{NodeService, NodeTable, ServiceChange, ServiceName};
use nft::{Element, Op, Options, Planner, Ruleset, adopt};

use crate::backoff::Backoff;
use crate::kernel::{Kernel, ReadError, Refused, Taken, TransactError};

mod attempt;
mod read_back;

use attempt::{Wanted, transact};

pub use read_back::ReadBack;

/// The nftables dataplane of one node.
#[derive(Debug)]
pub struct Dataplane<K> {
    kernel: K,
    planner: Planner,
    /// Services whose newest decisions are not programmed yet, and why.
    waiting: BTreeMap<ServiceName, Waiting>,
    /// How long a Service waits at most before it is tried again.
    longest_pause: Duration,
}

/// A Service that the kernel refused, or that there was no room for. What was programmed of it
/// before still is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub wanted: Option<Arc<NodeService>>,
    pub reason: String,
    pub backoff: Backoff,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Of the transactions that the kernel acknowledged.
    pub taken: Taken,
    /// Services whose newest decisions are in the kernel now.
    pub applied: Vec<ServiceName>,
    /// The same with what was programmed until then: what the change is to those who were served.
    pub programmed: Vec<ServiceChange>,
    /// Services that were refused in this call.
    pub refused: Vec<ServiceName>,
    /// Steps that were needed because the table was not as we left it.
    pub repaired: usize,
    /// Nothing could be done: the reason. Everything is still wanted and tried again.
    pub failed: Option<String>,
}

/// As long as kube-proxy's own sync period.
const LONGEST_PAUSE_DEFAULT: Duration = Duration::from_secs(30);

/// Changes that one transaction may hold before it is split: bounds memory, not meaning.
const CHANGES_PER_TRANSACTION_MAX: usize = 16_384;

impl<K: Kernel> Dataplane<K> {
    /// Takes over what is in the kernel and makes it what `table` says, in one transaction.
    ///
    /// # Errors
    /// When the kernel cannot be read, or refuses even the table without Services.
    pub fn start(
        mut kernel: K,
        table: &NodeTable,
        options: Options,
        now: Instant,
    ) -> Result<(Self, Report), TransactError> {
        let held = kernel.read().map_err(|ReadError(reason)| TransactError::Failed(reason))?;
        let (planner, full) = adopt(table, options.clone(), &held);
        let mut report = Report::default();
        let steps = held.steps_to(&planner.desired());
        let whole = transact(&mut kernel, &steps, &mut report.taken);
        let mut dataplane = Self {
            kernel,
            planner,
            waiting: BTreeMap::new(),
            longest_pause: LONGEST_PAUSE_DEFAULT,
        };
        match whole {
            Ok(()) => dataplane.started(&mut report),
            Err(_) => dataplane.start_apart(table, options, &held, &mut report, now)?,
        }
        for (name, full) in full {
            let wanted = table.services.get(&name).cloned();
            dataplane.wait(&name, wanted, full.to_string(), now);
            report.refused.push(name);
        }
        Ok((dataplane, report))
    }

    /// Everything is programmed; what was before, nobody knows.
    fn started(&self, report: &mut Report) {
        for name in self.planner.names() {
            let new = self.planner.programmed(name).cloned();
            report.applied.push(name.clone());
            report.programmed.push(ServiceChange { name: name.clone(), old: None, new });
        }
    }

    /// The whole was refused: first the table as it is in the kernel, then the Services, so that
    /// the bad ones are found and the others served.
    fn start_apart(
        &mut self,
        table: &NodeTable,
        options: Options,
        held: &Ruleset,
        report: &mut Report,
        now: Instant,
    ) -> Result<(), TransactError> {
        let nothing = NodeTable::empty(Arc::clone(&table.node));
        (self.planner, _) = adopt(&nothing, options, held);
        let mut steps = held.steps_to(&self.planner.desired());
        if let Err(error) = transact(&mut self.kernel, &steps, &mut report.taken) {
            // What is there is beyond repair; begin anew.
            steps = Ruleset::default().steps_to(&self.planner.desired());
            if held.exists {
                steps.insert(0, Op::DeleteTable);
            }
            transact(&mut self.kernel, &steps, &mut report.taken).map_err(|_second| error)?;
        }
        let changes: Vec<Wanted> = table
            .services
            .iter()
            .map(|(name, service)| (name.clone(), Some(Arc::clone(service))))
            .collect();
        self.bring(changes, report, now);
        Ok(())
    }

    /// Applies changes. A Service that is among them and was waiting is tried at once.
    pub fn advance(&mut self, changes: &[ServiceChange], now: Instant) -> Report {
        let wanted =
            changes.iter().map(|change| (change.name.clone(), change.new.clone())).collect();
        let mut report = Report::default();
        self.bring(wanted, &mut report, now);
        report
    }

    /// When the pause of a Service is over, tries all that wait again: two of them may each want what
    /// the other one still has, and only go together.
    pub fn retry(&mut self, now: Instant) -> Report {
        let mut report = Report::default();
        if self.next_retry().is_some_and(|at| at <= now) {
            let all = self.waiting.iter();
            let wanted =
                all.map(|(name, waiting)| (name.clone(), waiting.wanted.clone())).collect();
            self.bring(wanted, &mut report, now);
        }
        report
    }

    /// A Service that waits is tried again after this time at the latest.
    pub fn set_longest_pause(&mut self, longest: Duration) {
        self.longest_pause = longest;
        for waiting in self.waiting.values_mut() {
            waiting.backoff.set_longest(longest);
        }
    }

    /// When `retry` should be called next.
    #[must_use]
    pub fn next_retry(&self) -> Option<Instant> {
        self.waiting.values().map(|waiting| waiting.backoff.retry_at).min()
    }

    /// The Services that wait.
    #[must_use]
    pub const fn waiting(&self) -> &BTreeMap<ServiceName, Waiting> {
        &self.waiting
    }

    /// What is programmed for a Service, which may be older than what is wanted.
    #[must_use]
    pub fn programmed(&self, name: &ServiceName) -> Option<&Arc<NodeService>> {
        self.planner.programmed(name)
    }

    pub const fn kernel(&mut self) -> &mut K {
        &mut self.kernel
    }

    /// Reads the table and repairs what others changed in it.
    pub fn verify(&mut self) -> Report {
        let mut report = Report::default();
        match self.repair(&mut report.taken) {
            Ok(steps) => report.repaired = steps,
            Err(error) => report.failed = Some(error.to_string()),
        }
        report
    }

    /// Rewrites the fixed chains for other options, and knows the node by `table` from now on.
    pub fn set_options(&mut self, options: Options, table: &NodeTable) -> Report {
        let mut report = Report::default();
        let before = self.planner.options().clone();
        self.planner.set_node(Arc::clone(&table.node));
        let steps = self.planner.set_options(options);
        if let Err(error) = transact(&mut self.kernel, &steps, &mut report.taken) {
            drop(self.planner.set_options(before));
            report.failed = Some(error.to_string());
        }
        report
    }

    #[must_use]
    pub const fn options(&self) -> &Options {
        self.planner.options()
    }

    fn bring(&mut self, wanted: Vec<Wanted>, report: &mut Report, now: Instant) {
        for part in wanted.chunks(CHANGES_PER_TRANSACTION_MAX) {
            self.bring_part(part, report, now);
        }
    }

    /// One transaction for all; where it is refused, the table is repaired if it needs to be, and
    /// then the bad Services are left out until the rest is taken.
    fn bring_part(&mut self, part: &[Wanted], report: &mut Report, now: Instant) {
        let mut left: Vec<&Wanted> = part.iter().collect();
        let mut is_verified = false;
        while !left.is_empty() {
            let attempt = self.attempt(&left, &mut report.taken);
            for (name, reason) in attempt.full {
                self.refuse(&mut left, &name, &reason, report, now);
            }
            match attempt.outcome {
                Ok(()) => {
                    self.programmed_now(attempt.programmed, report);
                    return;
                }
                Err(refusal) if !is_verified => {
                    is_verified = true;
                    match self.repair(&mut report.taken) {
                        Ok(steps) => report.repaired += steps,
                        // Without a look at the table, those that the kernel named can still be
                        // told from the others.
                        Err(_) if !culprits(&refusal, &attempt.owners).is_empty() => {
                            self.leave_out(&mut left, &attempt.owners, &refusal, report, now);
                        }
                        Err(error) => {
                            let reason = error.to_string();
                            for (name, wanted) in left {
                                self.wait(name, wanted.clone(), reason.clone(), now);
                                report.refused.push(name.clone());
                            }
                            report.failed = Some(reason);
                            return;
                        }
                    }
                }
                Err(error) => self.leave_out(&mut left, &attempt.owners, &error, report, now),
            }
        }
    }

    /// Takes the culprits out of `left`. Where nobody can tell them, each Service is tried alone.
    fn leave_out(
        &mut self,
        left: &mut Vec<&Wanted>,
        owners: &[ServiceName],
        error: &TransactError,
        report: &mut Report,
        now: Instant,
    ) {
        let culprits = culprits(error, owners);
        if !culprits.is_empty() {
            for (name, reason) in culprits {
                self.refuse(left, &name, &reason, report, now);
            }
            return;
        }
        if let [(name, _)] = left[..] {
            self.refuse(left, name, &error.to_string(), report, now);
            return;
        }
        for one in std::mem::take(left) {
            let attempt = self.attempt(&[one], &mut report.taken);
            let full = attempt.full.into_iter().next().map(|(_, reason)| reason);
            match (attempt.outcome, full) {
                (Ok(()), None) => self.programmed_now(attempt.programmed, report),
                (outcome, full) => {
                    let refused = outcome.err().map(|error| error.to_string());
                    let reason = full.or(refused).unwrap_or_default();
                    self.wait(&one.0, one.1.clone(), reason, now);
                    report.refused.push(one.0.clone());
                }
            }
        }
    }

    fn programmed_now(&mut self, programmed: Vec<ServiceChange>, report: &mut Report) {
        for change in &programmed {
            self.waiting.remove(&change.name);
            report.applied.push(change.name.clone());
        }
        report.programmed.extend(programmed);
    }

    fn refuse(
        &mut self,
        left: &mut Vec<&Wanted>,
        name: &ServiceName,
        reason: &str,
        report: &mut Report,
        now: Instant,
    ) {
        if let Some(at) = left.iter().position(|(left, _)| left == name) {
            let (name, wanted) = left.remove(at);
            self.wait(name, wanted.clone(), reason.to_owned(), now);
            report.refused.push(name.clone());
        }
    }

    fn wait(
        &mut self,
        name: &ServiceName,
        wanted: Option<Arc<NodeService>>,
        reason: String,
        now: Instant,
    ) {
        let backoff = match self.waiting.get(name) {
            Some(waiting) => waiting.backoff.again(now),
            None => Backoff::start(now, self.longest_pause),
        };
        self.waiting.insert(name.clone(), Waiting { wanted, reason, backoff });
    }

    /// Elements that are in the kernel by our own will: for `explain` and for tests.
    #[must_use]
    pub fn desired_elements(&self) -> Vec<Element> {
        self.planner.desired().elements
    }

    /// Every Service that is programmed or waits.
    #[must_use]
    pub fn known(&self) -> BTreeSet<ServiceName> {
        self.planner.names().into_iter().chain(self.waiting.keys()).cloned().collect()
    }
}

/// The Services whose steps the kernel named, and why.
fn culprits(error: &TransactError, owners: &[ServiceName]) -> BTreeMap<ServiceName, String> {
    let TransactError::Refused(refusals) = error else { return BTreeMap::new() };
    let named = refusals.iter().flat_map(|Refused { steps, reason }| {
        let names = owners.get(steps.clone()).unwrap_or_default();
        names.iter().map(|name| (name.clone(), reason.clone()))
    });
    named.collect()
}
